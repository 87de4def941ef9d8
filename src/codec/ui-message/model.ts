import type { UIMessage } from 'ai'
import type { ModelReading } from '../../core/codec'
import { isPlainObject, type PlainObject } from '../../core/collections'
import { isToolType, type Part, type ToolPart } from './parts'

/**
 * A message for a model; undefined if it has no content for one. Calls without an outcome get one, because providers refuse
 * an unanswered call. Blank text and reasoning that nothing follows are left out, because providers refuse them, too.
 */
export function forModel<M extends UIMessage>(
  message: M,
  { note, isOpen, isUnfinished }: ModelReading = {},
): M | undefined {
  const { role, parts: given } = message
  const steps = stepsOf(given)
  if (isUnfinished) steps.push(withoutReferences(steps.pop() ?? []))
  const parts = steps.flatMap((step) => readStep(step, isOpen))
  if (note === undefined && !parts.some(isContent)) {
    if (role !== 'user') return undefined
    return { ...message, parts: parts.length > 0 ? parts : [{ type: 'text', text: '[This message is empty.]' }] }
  }
  return { ...message, parts: note === undefined ? parts : [...parts, ...noteAfter(parts, note)] }
}

/** Two messages of the user as one. */
export const join = <M extends UIMessage>(first: M, second: M): M => ({
  ...first,
  parts: [...first.parts, ...second.parts],
})

/** Whether a reply ends with the outcomes of calls, so that a model can go on from it. */
export const isContinuable = ({ parts }: UIMessage): boolean => (stepsOf(parts).at(-1) ?? []).some(isHandedBack)

const stepsOf = (parts: readonly Part[]): Part[][] =>
  parts.reduce<Part[][]>((steps, part) => {
    if (part.type === 'step-start' || steps.length === 0) steps.push([])
    steps.at(-1)!.push(part)
    return steps
  }, [])

function readStep(step: readonly Part[], isOpen = false): Part[] {
  const parts = step.flatMap((part): Part[] => {
    if (part.type === 'text' && part.text.trim() === '') return []
    return [isTool(part) ? (withOutcome(part, isOpen) as Part) : part]
  })
  const last = parts.findLastIndex(isContent)
  return parts.filter((part, index) => part.type !== 'reasoning' || index < last)
}

/** The call with an outcome, unless the model goes on with it. */
function withOutcome(call: ToolPart, isOpen: boolean): ToolPart {
  const { approval, ...rest } = call
  const input = call.input ?? {}
  if (approval?.approved === false && call.state === 'approval-responded')
    return { ...call, input, state: 'output-denied' }
  const hasOutcome = call.state.startsWith('output-') && !call.preliminary
  if (hasOutcome || (isOpen && call.state === 'approval-responded')) return { ...call, input }
  const { output: _, preliminary: __, ...open } = rest
  return { ...open, input: isPlainObject(input) ? input : {}, state: 'output-error', errorText: 'cancelled' }
}

/**
 * A step without references to items that the provider stores. It stores none of a step that was cut short, and then
 * refuses the reference. Reasoning that is known by reference only is left out.
 */
const withoutReferences = (step: readonly Part[]): Part[] =>
  step.flatMap((part) =>
    part.type === 'reasoning' && hasReference(part.providerMetadata) ? [] : [withoutItemIds(part)],
  )

const hasReference = (metadata: unknown): boolean =>
  isPlainObject(metadata) && Object.values(metadata).some((own) => isPlainObject(own) && own.itemId !== undefined)

function withoutItemIds(part: Part): Part {
  const copy = { ...part } as Part & PlainObject
  for (const field of ['providerMetadata', 'callProviderMetadata', 'resultProviderMetadata']) {
    const metadata = copy[field]
    if (!isPlainObject(metadata) || !hasReference(metadata)) continue
    copy[field] = Object.fromEntries(
      Object.entries(metadata).map(([provider, own]) => {
        const { itemId: _, ...rest } = own as PlainObject
        return [provider, rest]
      }),
    )
  }
  return copy
}

/** A note gets a step of its own after calls, because their outcomes must follow them directly. */
function noteAfter(parts: readonly Part[], note: string): Part[] {
  const text: Part = { type: 'text', text: note }
  return (stepsOf(parts).at(-1) ?? []).some(isTool) ? [{ type: 'step-start' }, text] : [text]
}

const isTool = (part: Part | ToolPart): part is ToolPart => isToolType(part.type) && 'state' in part

/** Whether the outcome of a call goes back to the model in a message of its own. */
const isHandedBack = (part: Part): boolean =>
  isTool(part) && (!part.providerExecuted || part.approval?.approved !== undefined)

const contentTypes = new Set(['text', 'file', 'reasoning-file', 'custom'])

/** Whether a model gets to see a part: an answer of other parts alone is empty for it. */
const isContent = (part: Part): boolean => contentTypes.has(part.type) || isTool(part)
