import { Conversation } from './conversation.ts'
import type { Contender } from './contenders/contender.ts'
import { liveCosts, type Costs, type Scene } from './live.ts'

const call = { toolCallId: 'call-1', toolName: 'writeFile' }
const deltaLength = 30
const deltasPerBatch = 50

/** Streams a tool's input, and measures the cost of a delta by the length of the whole input, in characters. */
export function inputCosts(contenders: readonly Contender[], lengths: readonly number[]): Promise<Costs<number>> {
  return liveCosts(contenders, new Map(lengths.map((length) => [length, streamedInput(length)])))
}

function streamedInput(length: number): Scene {
  const conversation = new Conversation()
  return {
    past: { messages: [], shown: 0 },
    unitsPerBatch: deltasPerBatch,
    round() {
      const before = [conversation.prompt('Write it, please.')]
      const reply = conversation.reply()
      const input = reply.part({ kind: 'tool-input', ...call })
      before.push(...reply.lead, input.start)
      const deltas = (fileOf(length).match(/.{1,30}/gs) ?? []).map((text) => input.token(text))
      const batches = Array.from({ length: Math.floor(deltas.length / deltasPerBatch) }, (_, batch) =>
        deltas.slice(batch * deltasPerBatch, (batch + 1) * deltasPerBatch),
      )
      const rest = deltas.slice(batches.length * deltasPerBatch)
      return { before, batches, after: [...rest, input.end(), ...reply.close()] }
    },
  }
}

/** Publishes tools' outputs, and measures the cost of one by its length, in characters. */
export function outputCosts(contenders: readonly Contender[], lengths: readonly number[]): Promise<Costs<number>> {
  return liveCosts(contenders, new Map(lengths.map((length) => [length, outputs(length)])))
}

function outputs(length: number): Scene {
  const conversation = new Conversation()
  const output = { rows: Array.from({ length: length / deltaLength }, (_, row) => ({ row, name: 'a row of output' })) }
  return {
    past: { messages: [], shown: 0 },
    round() {
      const before = [conversation.prompt('Look it up, please.')]
      const reply = conversation.reply()
      before.push(...reply.lead, reply.say({ kind: 'tool-input', ...call }, { path: 'a.ts' }))
      const batches = Array.from({ length: 20 }, () => [
        reply.say({ kind: 'tool-output-available', toolCallId: call.toolCallId, preliminary: 'true' }, { output }),
      ])
      return { before, batches, after: reply.close() }
    },
  }
}

/** Publishes further outputs of one call, and measures the cost of one by the number of earlier outputs. */
export function furtherOutputCosts(
  contenders: readonly Contender[],
  counts: readonly number[],
): Promise<Costs<number>> {
  return liveCosts(contenders, new Map(counts.map((count) => [count, manyOutputs(count)])))
}

function manyOutputs(count: number): Scene {
  const conversation = new Conversation()
  return {
    past: { messages: [], shown: 0 },
    round() {
      const before = [conversation.prompt('Look it up, please.')]
      const reply = conversation.reply()
      const output = (progress: number) =>
        reply.say(
          { kind: 'tool-output-available', toolCallId: call.toolCallId, preliminary: 'true' },
          { output: progress },
        )
      before.push(...reply.lead, reply.say({ kind: 'tool-input', ...call }, { path: 'a.ts' }))
      for (let progress = 0; progress < count; progress++) before.push(output(progress))
      return {
        before,
        batches: Array.from({ length: 20 }, (_, batch) => [output(count + batch)]),
        after: reply.close(),
      }
    },
  }
}

/** A tool's input as JSON: code, whose braces make it look complete many times. */
function fileOf(length: number): string {
  const line = 'if (a) { b({ c: [1] }) }\\n'
  return `{"path":"a.ts","text":"${line.repeat(length / line.length)}"}`
}
