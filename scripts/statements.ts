import { createVitest } from 'vitest/node'
import { here } from './entries.ts'

/**
 * Prints the statements of this library about interruption, each with the tests whose titles contain its
 * number. Fails if a statement has no test, or a test is skipped.
 */
const statements = [
  'Sending is never blocked by an active run',
  'Cancel and ask anew on the same session; nobody sees a break',
  'A new message is a new run with a run id of its own',
  'Cancel first or run side by side: the caller chooses, per send',
  'The minimal snippet works as written',
  'The id of a message given by the caller is kept',
  'Each turn becomes a run',
  'A cancel can be published at any time, before the start and during a tool too',
  'A new send does not wait for the run before it',
  'Cancel, then send: the channel has them in this order, and the run applies cancels from before its prompt',
  'After a cancel the agent stops generating',
  'The cancelled run ends as cancelled',
  'The new run starts clean',
  'Sent alongside, the active run goes on',
  'Concurrent runs have a stream each',
  'Concurrent runs have a cancel each',
  'A view tells whether a run is active',
  'Composables give the session and a view that lists runs and sends',
  'Cancelling by run id publishes a request',
  "The agent's abort signal fires on it",
  'A model stream given that signal stops',
  'A send answers with a handle that has a run id and a cancel',
  'Outputs of both runs are on one channel',
  'Outputs fold by run, interleaved chunks never cross',
  'Runs are cancelled one by one, by session or by handle',
  'A view lists snapshots of the visible runs',
  'Whether a run is active follows starts and every kind of end, reactively',
  'One handler can stop all active runs',
  'Tokens may follow a cancel until the abort',
  'Such tokens belong to the cancelled run',
  'A run cancelled while it awaits a tool ends as cancelled',
  'Tools can take the same signal; one that ignores it changes nothing about the end',
  'A dropped network cancels nothing',
  'The agent streams on while a client is offline',
  'Back online, the answer is complete, in order, once',
  'Back online, runs have the right status, those that ended meanwhile too',
  'Rate limits are surfaced, nothing is lost',
  'A server can limit how many runs go on at once',
  "'cancelled' is among the reasons that a run can end with",
  'A quiet run stays active',
  'A view tells of the end of a run with its reason',
  'The agent publishes until its signal fires',
  'The new run is not touched by tokens of the old one',
  'Cancelling by run id stops that run and no other',
  'Run ids of a view name the right run',
  'Any client, on any device, can cancel',
  'The agent hears a cancel itself, whoever started the run',
  'The agent decides who may cancel',
  'With the agent away, prompts and cancels are on the channel all the same',
  'Waking the agent is tried again',
  'The run starts once the agent can be reached, and once only',
  'The session is untouched while the agent is away',
  'Several runs live on one session',
  'A hook of the agent authorises cancels',
  'Several runs in flight on one session',
  'Messages sent in quick succession are all answered, in order',
] as const

/** Projects with the real SDK or a real browser; unit tests do not count. */
const projects = ['integration', 'interop', 'e2e']

interface Proof {
  title: string
  isRun: boolean
}

const proofs = new Map<number, Proof[]>(statements.map((_, index) => [index + 1, []]))

const vitest = await createVitest('test', { root: here('.'), watch: false, project: projects })
const { testModules } = await vitest.collect()
for (const module of testModules) {
  for (const test of module.children.allTests()) {
    const { mode } = test.options
    for (const [, number] of test.fullName.matchAll(/\bS(\d+)\b/g)) {
      proofs.get(Number(number))?.push({
        title: `${module.relativeModuleId}: ${test.name}`,
        isRun: mode !== 'skip' && mode !== 'todo',
      })
    }
  }
}
await vitest.close()

const missing = [...proofs].filter(([, tests]) => !tests.some(({ isRun }) => isRun)).map(([number]) => `S${number}`)
const skipped = [...proofs.values()].flat().filter(({ isRun }) => !isRun)

for (const [number, tests] of proofs) {
  console.log(`\nS${number}  ${statements[number - 1]}`)
  for (const { title, isRun } of tests) console.log(`     ${isRun ? '' : 'NOT RUN '}${title}`)
}
console.log(`\n${statements.length} statements, ${[...proofs.values()].flat().length} proofs`)
if (missing.length > 0) console.error(`without a test: ${missing.join(', ')}`)
for (const { title } of skipped) console.error(`not run: ${title}`)
process.exitCode = missing.length + skipped.length > 0 ? 1 : 0
