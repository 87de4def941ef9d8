import type { UIMessage } from 'ai'
import type { ModelReading } from '../../core/codec'
import type { Row } from '../../core/rows'
import { isPlainObject, type PlainObject } from '../../core/collections'
import { isDataType, isToolType, type Part, type ToolPart } from './parts'

/**
 * A message for a model; undefined if it has no content for one. Calls without an outcome get one, because providers
 * refuse an unanswered call. Blank text and reasoning that nothing follows are left out, because providers refuse them,
 * too.
 */
export function forModel<M extends UIMessage>(
  message: M,
  { note, isOpen, isUnfinished }: ModelReading = {},
): M | undefined {
  const { role, parts: given } = message
  const steps = stepsOf(given)
  if (isUnfinished) steps.push(standalone(steps.pop() ?? []))
  const parts = joined(steps.map((step) => readStep(step, isOpen)))
  if (note === undefined && !parts.some(isContent)) {
    // NOTE: an app may convert its own data for the model, so the data stays
    if (parts.some(({ type }) => isDataType(type))) return { ...message, parts: [...parts, textPart(withoutText)] }
    return role === 'user' ? { ...message, parts: [textPart(empty)] } : undefined
  }
  return { ...message, parts: note === undefined ? parts : withNote(parts, note) }
}

const empty = '[This message is empty.]'
const withoutText = '[This message has no text.]'

/** A note is in brackets, so it needs no blank line; after calls it is a message of its own. */
const withNote = (parts: readonly Part[], note: string): Part[] => [
  ...parts,
  ...(isContinuable({ parts }) ? [{ type: 'step-start' } as const] : []),
  textPart(note),
]

/** Two messages of one role as one. */
export const join = <M extends UIMessage>(first: M, second: M): M => ({
  ...first,
  parts: joined([first.parts, first.role === 'user' ? second.parts : [{ type: 'step-start' }, ...second.parts]]),
})

/** Whether a row says that its message was cut short. */
export const breaksOff = ({ codec: { kind, finishReason } }: Row): boolean =>
  kind === 'error' || kind === 'abort' || (kind === 'finish' && finishReason === 'error')

/** Whether a reply ends with the outcomes of calls, so that a model can go on from it. */
export const isContinuable = ({ parts }: { readonly parts: readonly Part[] }): boolean =>
  (stepsOf(parts).findLast((step) => step.some(isContent)) ?? []).some(isHandedBack)

/** Whether a reply has calls that were approved and have not run. */
export const hasCallsToRun = ({ parts }: { readonly parts: readonly Part[] }): boolean =>
  parts.some((part) => isTool(part) && isApproved(part))

const isApproved = ({ state, approval }: ToolPart): boolean =>
  state === 'approval-responded' && approval?.approved === true

const stepsOf = (parts: readonly Part[]): Part[][] =>
  parts.reduce<Part[][]>((steps, part) => {
    if (part.type === 'step-start' || steps.length === 0) steps.push([])
    steps.at(-1)!.push(part)
    return steps
  }, [])

/**
 * Steps in a row. Each step becomes a message of its own for a model, which is needed only after calls: their outcomes
 * must follow them directly, and strict templates refuse two messages of the assistant in a row. A blank line keeps the
 * texts of other steps apart, because some services put the texts of a message together as they are. Texts that are
 * items of their provider stay as the provider knows them.
 */
function joined(groups: readonly (readonly Part[])[]): Part[] {
  const all: Part[] = []
  let isAfterCall = false
  /** The last text of the message, and whether a step has ended behind it. */
  let text: string | undefined
  let isApart = false
  for (const [index, part] of groups.flat().entries()) {
    const isStart = part.type === 'step-start'
    if (isStart && !isAfterCall && index > 0) {
      isApart = text !== undefined
      continue
    }
    if (isStart) [isAfterCall, text, isApart] = [false, undefined, false]
    else if (isHandedBack(part)) isAfterCall = true
    if (part.type !== 'text') all.push(part)
    else {
      all.push(isApart && !hasReference(part.providerMetadata) ? { ...part, text: separated(text!, part.text) } : part)
      ;[text, isApart] = [part.text, false]
    }
  }
  return all
}

const separated = (before: string, text: string): string =>
  before.endsWith('\n') || text.startsWith('\n') ? text : `\n\n${text}`

function readStep(given: readonly Part[], isOpen = false): Part[] {
  const step = given.some((part) => isTool(part) && isOpenAtProvider(part, isOpen)) ? standalone(given) : given
  const parts = step.flatMap((part): Part[] => {
    if (part.type === 'text' && part.text.trim() === '') return []
    return [isTool(part) ? (withOutcome(part, isOpen) as Part) : part]
  })
  const last = parts.findLastIndex(isContent)
  return callsLast(parts.filter((part, index) => part.type !== 'reasoning' || index < last))
}

/** The parts of a step, its calls last: some providers refuse text between a call and its outcome. */
function callsLast(step: Part[]): Part[] {
  // NOTE: a provider that stores the items knows them in their own order
  if (step.some((part) => metadataFields.some((field) => hasReference((part as PlainObject)[field])))) return step
  return step.toSorted((a, b) => Number(isHandedBack(a)) - Number(isHandedBack(b)))
}

const hasOutcome = ({ state, preliminary }: ToolPart): boolean => state.startsWith('output-') && !preliminary

/** Whether the provider itself runs a call, and has not told the outcome, which only it can give. */
const isOpenAtProvider = (call: ToolPart, isOpen: boolean): boolean =>
  call.providerExecuted === true && !hasOutcome(call) && !(isOpen && call.state === 'approval-responded')

/** The call with an outcome, unless the model goes on with it. */
function withOutcome(call: ToolPart, isOpen: boolean): ToolPart {
  const { approval, ...rest } = call
  const input = call.input ?? {}
  if (approval?.approved === false && call.state === 'approval-responded')
    return { ...call, input, state: 'output-denied' }
  // NOTE: the input of a call that failed may be any text of the model, and most providers take objects only
  const object = isPlainObject(input) ? input : {}
  if (hasOutcome(call)) return { ...call, input: call.state === 'output-error' ? object : input }
  if (isOpen && call.state === 'approval-responded') return { ...call, input }
  const { output: _, preliminary: __, ...open } = rest
  return { ...open, input: object, state: 'output-error', errorText: 'cancelled' }
}

/**
 * The parts of a step that stand alone. A provider does not store a step that was cut short: it refuses references to
 * its items, to searches and the like that it ran, and to their results. Reasoning that is known by reference only is
 * left out.
 */
function standalone(step: readonly Part[]): Part[] {
  const cites = step.some(isProvidersOwn)
  return step.flatMap((part): Part[] => {
    if (part.type === 'text' && cites) return [textPart(part.text)]
    const isReference = part.type === 'reasoning' && hasReference(part.providerMetadata)
    return isReference || isProvidersOwn(part) ? [] : [withoutItemIds(part)]
  })
}

/** Whether a part is a call that the provider itself runs. */
const isProvidersOwn = (part: Part): boolean => isTool(part) && part.providerExecuted === true

const metadataFields = ['providerMetadata', 'callProviderMetadata', 'resultProviderMetadata']

const textPart = (text: string): Part => ({ type: 'text', text })

const hasReference = (metadata: unknown): boolean =>
  isPlainObject(metadata) && Object.values(metadata).some((own) => isPlainObject(own) && own.itemId !== undefined)

function withoutItemIds(part: Part): Part {
  const copy = { ...part } as Part & PlainObject
  for (const field of metadataFields) {
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

const isTool = (part: Part | ToolPart): part is ToolPart => isToolType(part.type) && 'state' in part

/** Whether the outcome of a call goes back to the model in a message of its own. */
const isHandedBack = (part: Part): boolean =>
  isTool(part) && (!part.providerExecuted || part.approval?.approved !== undefined)

const contentTypes = new Set(['text', 'file', 'reasoning-file'])

/** Whether a model gets to see a part: an answer of other parts alone is empty for it. */
const isContent = (part: Part): boolean => contentTypes.has(part.type) || isTool(part)
