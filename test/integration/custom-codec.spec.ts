import { expect, it, onTestFinished } from 'vitest'
import { createClientSession } from '../../src'
import { defineAgent } from '../../src/agent'
import { answerNote, noteCodec, type NoteChunk } from '../codec/note-codec'
import { eventually } from '../support/eventually'
import { startEndpoint } from '../support/local'

const sessionName = 'ai:notes'

async function* pieces(text: string): AsyncGenerator<NoteChunk> {
  for (const piece of text.split(' ')) yield `${piece} `
  yield null
}

it('a custom codec works in a session and an agent', async () => {
  const endpoint = await startEndpoint()
  const heard: unknown[] = []
  const agent = defineAgent({
    client: () => endpoint.client({ clientId: 'agent' }),
    codec: noteCodec,
    authorize: () => true,
    onError: () => undefined,
    async respond(run) {
      heard.push(run.context())
      await run.pipe(pieces('Shall I?'))
    },
  })
  const open = async (clientId: string) => {
    const session = createClientSession({
      client: endpoint.client({ clientId }),
      channelName: sessionName,
      codec: noteCodec,
      agent: { url: 'http://agent.test/', fetch: (url, init) => agent.fetch(new Request(url, init)) },
    })
    onTestFinished(() => session.close())
    await session.connect()
    await session.view.loadOlder(30)
    return session
  }

  const session = await open('alice')
  const run = await session.view.send('Hello')
  await run.finished
  const notes = () => session.view.getMessages().map(({ message, state }) => [state, message.text, message.answer])
  await eventually(() =>
    expect(notes()).toEqual([
      ['sent', 'Hello', undefined],
      ['complete', 'Shall I? ', undefined],
    ]),
  )
  expect(heard).toEqual([[expect.objectContaining({ role: 'user', text: 'Hello' })]])

  const { codec, data } = answerNote('yes')
  const transport = { 'run-id': run.runId, 'codec-message-id': session.view.getMessages()[1]!.id, role: 'user' }
  const channel = endpoint.client({ clientId: 'bob' }).channels.get(sessionName)
  await channel.publish({ name: 'ai-input', data, extras: { ai: { transport, codec } } })
  await eventually(() => expect(notes()[1]).toEqual(['complete', 'Shall I? ', 'yes']))
  const newcomer = await open('carol')
  expect(newcomer.view.getMessages().map(({ message }) => message)).toEqual(session.view.getMessages().map(({ message }) => message)) // prettier-ignore
})
