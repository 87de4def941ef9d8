import type { UIMessage } from 'ai'
import type { ClientSession } from '../../src/index.ts'
import { scriptOf, textFor } from './script.ts'

export type Session = ClientSession<UIMessage>

/** Differences between what sessions of one conversation show. */
export function disagreements(sessions: readonly Session[]): string[] {
  const shown = sessions.map((session) => JSON.stringify([runsIn(session), messagesIn(session)]))
  return shown.every((one) => one === shown[0]) ? [] : [`clients disagree: ${firstDifference(shown)}`]
}

const runsIn = (session: Session) =>
  session.runs('session').map(({ runId, status, inputId }) => ({ runId, status, inputId }))

const messagesIn = (session: Session) =>
  session.view.getMessages().map(({ id, runId, message }) => ({ id, runId, text: textIn([message]) }))

function firstDifference(shown: readonly string[]): string {
  const other = shown.find((one) => one !== shown[0])!
  const at = other.split('').findIndex((letter, index) => letter !== shown[0]![index])
  return [shown[0]!, other].map((one) => one.slice(Math.max(0, at - 60), at + 60)).join(' / ')
}

/** What is wrong with a conversation in which everything is settled. */
export function faultsIn(session: Session): string[] {
  return [...promptFaults(session), ...runFaults(session)]
}

/** Prompts that are answered twice, or have neither an answer nor a reason. */
function promptFaults(session: Session): string[] {
  const runs = session.runs('session')
  const pending = session.view.pending()
  const prompts = session.view.getMessages().filter(({ message }) => message.role === 'user')
  return prompts.flatMap(({ id, state }) => {
    const count = runs.filter(({ inputId }) => inputId === id).length
    if (count > 1) return [`prompt ${id} is answered ${count} times`]
    const waiting = pending.find(({ inputId }) => inputId === id)
    const isTold = state === 'failed' || waiting?.cancelling || waiting?.unanswered || waiting?.wake?.error
    return count === 1 || isTold ? [] : [`prompt ${id} has neither an answer nor a reason`]
  })
}

function runFaults(session: Session): string[] {
  const messages = session.view.getMessages()
  return session.runs('session').flatMap(({ runId, status, inputId }) => {
    if (status === 'active') return [`run ${runId} is active`]
    const prompt =
      messages.find(({ message }) => message.role === 'user' && message.id === inputId) ??
      messages.find(({ id }) => id === inputId)
    if (!prompt) return []
    const whole = textFor(scriptOf(textIn([prompt.message])))
    const text = textIn(messages.filter((message) => message.runId === runId).map(({ message }) => message))
    const isRight = status === 'complete' ? text === whole : whole.startsWith(text)
    return isRight ? [] : [`run ${runId} (${status}) shows "${text.slice(-60)}", the agent wrote "${whole.slice(-60)}"`]
  })
}

const textIn = (messages: readonly UIMessage[]): string =>
  messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))).join('')
