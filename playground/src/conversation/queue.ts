import type { QueuedPrompt, QueuePause } from 'vue-ai-transport'
import { sentence } from './words'

/** The text of a queued message, shortened for a label. */
export function topicOfQueued({ text, attachments }: QueuedPrompt): string {
  const words = text.replace(/\s+/g, ' ').trim() || attachments.map(({ filename }) => filename).join(', ')
  return words.length > 48 ? `${words.slice(0, 47).trimEnd()}…` : words
}

/**
 * Says why the queue is paused.
 *
 * @param nameOf - the name of a run on the page
 */
export function pauseWords({ reason, run }: QueuePause, nameOf: (id: string) => string): string {
  const name = sentence(run ? nameOf(run.runId) : 'a message')
  const reasons: Readonly<Record<QueuePause['reason'], string>> = {
    stopped: `${name} was stopped`,
    error: `${name} failed`,
    stalled: "The agent isn't responding",
    failed: 'A message could not be sent',
    unanswered: "The agent hasn't picked up a message",
  }
  return `${reasons[reason]}, so the queue is paused.`
}
