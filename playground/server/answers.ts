/** The demo model's answers. The first entry that matches the prompt is used. */
const answers: readonly { when: RegExp; text: string }[] = [
  {
    when: /no meat|not eat|vegetarian|vegan/i,
    text: `**Noted, and the plan bends easily.** Lunch on Saturday becomes *peixinhos da horta*, green beans in batter, which have no fish in them despite the name. For dinner there is a good vegetarian table near Príncipe Real.

The walk stays as it was, and so do the custard tarts.
`,
  },
  {
    when: /sintra worth/i,
    text: `**Yes, if you go early and choose one palace.** Take the train at eight, walk up to the Moorish wall while the hill is still cool, and see *Monserrate* instead of Pena: half the people, twice the garden.

Be on the train back by two. The afternoon belongs to Lisbon again, and your legs will agree.
`,
  },
  {
    when: /look up/i,
    text: `**Alfama on a weekday, and late.** Small rooms, no microphones, and nobody talks while someone sings. Three guides agree on that much:

- Come after ten, when the kitchens close and the singers arrive.
- A glass of wine is the ticket; dinner is not expected.
- If a menu shows photographs of the food, walk on.

The museum at the foot of the hill is a good hour before it.
`,
  },
  {
    when: /hostile/i,
    text: `Above are three sources that mean no good. They can be read, and none of them can be followed.
`,
  },
  {
    when: /paint/i,
    text: `The river at dusk, with the sun behind the hills of the south bank:
`,
  },
  {
    when: /\(file: image/i,
    text: `Thank you for the picture. I am too small a model to see, but it travelled with your question through the same channel, and every device that looks at this conversation shows it.
`,
  },
  {
    when: /\(file: /i,
    text: `Thank you for the file. It came with your question through the same channel, so every device in this conversation has it too. I am too small a model to read it.
`,
  },
  {
    when: /five days|5 days/i,
    text: `## Lisbon in five days

Five days it is. I kept what you had already read and gave it room to breathe.

1. **Alfama and the river.** Arrive, drop the bags, follow tram 28 uphill on foot and come down by the Miradouro de Santa Luzia when the light turns.
2. **Belém, early.** The cloister of Jerónimos at opening time, custard tarts still warm, then the long walk beside the Tagus to the MAAT.
3. **Sintra by train.** Forty minutes from Rossio. Choose *one* palace and the wall of the Moors; two palaces is how people come to dislike Sintra.
4. **A day without a plan.** Campo de Ourique market, a swim at Carcavelos if it is warm, dinner wherever there is a queue of people from the neighbourhood.
5. **Tiles and goodbye.** The Museu do Azulejo is a little out of the way and worth it. Leave two hours for the airport.

| Day | On foot | Book ahead |
| --- | --- | --- |
| 1 | 6 km | nothing |
| 2 | 9 km | cloister |
| 3 | 11 km | palace |
| 4 | as you like | dinner |
| 5 | 4 km | nothing |

The two extra days cost less than you would think: day four is nearly free, and day three is a return ticket for the price of two coffees. If it rains, swap days three and five; tiles do not mind the weather.
`,
  },
  {
    when: /lisbon/i,
    text: `## A weekend in Lisbon

Two days are enough to fall for the city, as long as you walk and let the hills decide the pace.

### Saturday

- **Morning in Alfama.** Start at the cathedral and climb. The streets were laid out by water and goats, so the map is of little help; the *miradouros* are.
- **Lunch at a tasca.** Grilled sardines if it is summer, *bacalhau à Brás* if it is not. Eat where the menu is written by hand.
- **Afternoon by the river.** From Cais do Sodré to Belém the bank is flat, a relief by now. The tarts are as good as people say.
- **Evening in Bica.** Watch the funicular, then find a doorway with music in it.

### Sunday

1. Coffee standing up, as everyone does.
2. The **Gulbenkian** for two hours: a small collection in which nothing is filler.
3. Ferry to Cacilhas for the view back, and a slow lunch on the quay.

> Take the tram once, early, and after that your feet. Everything that is good here is on a slope.

Bring shoes with grip: the pavement is polished limestone, and it is beautiful, and it is slippery when wet. A weekend like this comes to about 260 euros for two, without the flight. Shall I turn it into a list of bookings, or leave it loose?
`,
  },
  {
    when: /porto|budget|cost/i,
    text: `## What it costs

I split it by what you can change and what you cannot. Prices are for two people, three nights, in spring.

| | Careful | Comfortable |
| --- | --- | --- |
| Room | 210 € | 390 € |
| Food | 120 € | 230 € |
| Trains and trams | 34 € | 34 € |
| Museums | 40 € | 40 € |
| Port tasting | 0 € | 45 € |
| **Together** | **404 €** | **739 €** |

**Where the money goes.** The room is half of it. A street further from the river saves a third, and the walk back is downhill only once.

**Where it is well spent.** One good dinner, the train along the Douro to Pinhão, and a ticket for the bookshop only if you mean to buy a book, since it is taken off the price.

**Where to save without noticing.**

- Lunch menus: soup, main course, coffee for nine or ten euros.
- A rechargeable card for the metro, shared trip by trip.
- Sunday mornings, when several museums ask nothing at all.

\`\`\`text
careful      404 / 2 people / 3 nights =  67 € each a night
comfortable  739 / 2 people / 3 nights = 123 € each a night
\`\`\`

Somewhere between the two, about **90 euros a night for each of you**, is a trip without spreadsheets. Put the difference into the dinner and the train.
`,
  },
  {
    when: /stop|cancel|interrupt|how does/i,
    text: `## How a run is stopped

The conversation is a **channel**, and everything in it is a message on that channel: your prompts, my tokens, and the request to stop.

1. You press *Stop*. A small message names this run.
2. The agent receives it, because it listens on the same channel.
3. The agent's \`abortSignal\` fires, and the model stops generating.
4. The run ends as \`cancelled\`. The partial answer is kept.

\`\`\`ts
const active = session.view.runs().filter((run) => run.status === 'active')
await Promise.all(active.map((run) => session.cancel(run.runId)))
\`\`\`

A few tokens may still arrive after you pressed the button. They were on their way already, and they land on the run that you stopped, never on the next one.

Because the request travels on the channel and not along one connection, *any* device can send it. Start an answer on the laptop and stop it from the phone. Close the laptop: nothing happens to the answer, since **leaving is not stopping**.

Two answers at once work the same way. Each has an id of its own, tokens of its own and a Stop of its own, so ending one leaves the other as it was. Try it: ask me something else while I am still talking, then stop only this one.
`,
  },
]

const anyOther = (prompt: string): string => `## A considered answer

You asked: *${quoted(prompt)}*

I am a small model that lives in this playground. I know very little, but I take my time and I can be interrupted, which is what I am here to show.

- **Ask something else now.** The box below never locks. A second answer starts beside this one, with its own clock and its own Stop.
- **Change your mind.** *Stop and send* stops the current answer and asks the new question. The partial answer is kept.
- **Open a second window.** It shows the same conversation, and it can stop what this one has started.
- **Close the window.** I carry on. Come back, and the answer is here.

Under the surface there is one channel for the conversation. Prompts, tokens and Stops all travel on it, and each names its run. That is why two answers never mix, and why a token that was already on its way lands on the run that you stopped.

> Leaving is not stopping. Only Stop is stopping.

If you would like a longer story, ask me to plan a weekend in *Lisbon*, to work out what *Porto* costs, or how a run is *stopped*. If you would like to see something go wrong, put the word *fail* into your question and I will lose the thread halfway.

That is all I have to say about it. I said it slowly, so that you had the time to stop me; if you did not, thank you for reading to the end.
`

const quoted = (prompt: string): string => {
  const line = prompt
    .replace(/[*_`[\]<>\\]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  return line.length > 120 ? `${line.slice(0, 119).trimEnd()}…` : line || 'nothing in particular'
}

/** The demo model's answer to a prompt. The same prompt always gets the same answer; "Repeat: ..." gets its own text. */
export const answerTo = (prompt: string): string =>
  /^Repeat: *(.*)$/s.exec(prompt)?.[1] ??
  (answers.find(({ when }) => when.test(prompt))?.text ?? anyOther(prompt)).trimEnd()

/** Whether the demo model fails halfway. */
export const isToFail = (prompt: string): boolean => /\bfail/i.test(prompt)
