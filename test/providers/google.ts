import { createGoogle } from '@ai-sdk/google'
import { bad, input, isBlank, Lines, type Answer, type Json, type Line, type Provider, type Refusal } from './dialect'

const partsOf = ({ parts }: Json): Json[] => parts as Json[]
const having = (content: Json | undefined, field: string): Json[] =>
  (content ? partsOf(content) : []).filter((part) => part[field])

// Rules of https://ai.google.dev/gemini-api/docs/function-calling and .../thought-signatures, and messages of the API:
// - a turn of the user, or of function responses, comes first and last; a turn has parts, and a part has content
// - "Please ensure that function call turn comes immediately after a user turn or after a function response turn"
// - "Please ensure that the number of function response parts is equal to the number of function call parts of the function
//   call turn"
// - a function call has the signature that it came with
function check({ contents }: Json, signatures: ReadonlyMap<string, string>): Refusal | undefined {
  const all = contents as Json[]
  if (all[0]?.role !== 'user') return bad('Please ensure that multiturn requests begin with a user role')
  if (all.at(-1)?.role !== 'user')
    return bad('Please ensure that multiturn requests end with a user role or a function response')
  for (const [index, content] of all.entries()) {
    const at = `contents[${index}]`
    const [before, next] = [all[index - 1], all[index + 1]]
    if (partsOf(content).length === 0) return bad(`${at}.parts must not be empty`)
    if (
      partsOf(content).some(({ text, ...part }) =>
        text !== undefined ? isBlank(text) : Object.keys(part).length === 0,
      )
    )
      return bad(`${at}: a part must have content`)
    const calls = having(content, 'functionCall')
    if (calls.length > 0 && before?.role !== 'user')
      return bad(
        'Please ensure that function call turn comes immediately after a user turn or after a function response turn.',
      )
    if (calls.length !== having(next, 'functionResponse').length)
      return bad(
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      )
    const isAnswer = having(content, 'functionResponse').length > 0
    if (isAnswer && having(before, 'functionCall').length === 0)
      return bad('Please ensure that function response turn comes immediately after a function call turn.')
    const unsigned = calls.find(
      ({ functionCall: { id }, thoughtSignature }) => signatures.get(id as string) !== thoughtSignature,
    )
    if (unsigned)
      return bad(`Function call ${(unsigned.functionCall as Json).id as string} is missing a thought_signature.`)
  }
  return undefined
}

function read({ contents }: Json): Line[] {
  const lines = new Lines()
  for (const content of contents as Json[]) {
    for (const { functionResponse: response } of having(content, 'functionResponse') as { functionResponse: Json }[])
      lines.tool(response.name as string, (response.response as Json).content)
    const texts = partsOf(content).flatMap(({ text, thought }) => (text && !thought ? [text as string] : []))
    if (content.role === 'user' && texts.length > 0) lines.user(texts.join(' + '))
    if (content.role !== 'model') continue
    lines.apart()
    for (const { text, thought, functionCall } of partsOf(content))
      lines.assistant(
        functionCall
          ? { call: (functionCall as Json).name as string }
          : thought
            ? { thought: true }
            : { text: text as string },
      )
  }
  return lines.all
}

function write({ moves, ending }: Answer, signatures: Map<string, string>): Json[] {
  const chunk = (part: Json, finishReason?: string): Json => ({
    candidates: [{ content: { role: 'model', parts: [part] }, finishReason }],
  })
  const calls = moves.filter((move) => 'call' in move)
  const chunks = moves.map((move): Json => {
    if ('think' in move) return chunk({ text: move.think, thought: true })
    if ('say' in move) return chunk({ text: move.say })
    if ('search' in move) throw new Error('no calls')
    const id = `call-${signatures.size}`
    // The first of parallel calls has the signature of all
    const thoughtSignature = move === calls[0] ? `signature-${id}` : undefined
    signatures.set(id, thoughtSignature as string)
    return chunk({ functionCall: { id, name: move.call, args: input }, thoughtSignature })
  })
  return ending === 'end' ? [...chunks, chunk({ text: '' }, 'STOP')] : chunks
}

export const google: Provider = {
  name: 'Google Gemini',
  thoughts: 'sent',
  lacks: { partialInput: 'sends a call in one piece', search: 'its searches are no part of later requests' },
  model: (baseURL) => createGoogle({ apiKey: 'key', baseURL })('gemini-3-pro-preview'),
  open() {
    const signatures = new Map<string, string>()
    return {
      check: (body) => check(body, signatures),
      read,
      write: (answer) => write(answer, signatures),
    }
  },
}
