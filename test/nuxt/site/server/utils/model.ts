import { demoModel } from 'vue-ai-transport/local'

/** How many tokens each gate lets through, and the answers that wait there. */
const gates = new Map<string, { allowed: number; waiting: Set<() => void> }>()

const gateOf = (name: string) => {
  const gate = gates.get(name) ?? { allowed: 0, waiting: new Set() }
  gates.set(name, gate)
  return gate
}

/** Lets answers go on up to a number of tokens. */
export function openGate(name: string, allowed: number): void {
  const gate = gateOf(name)
  gate.allowed = allowed
  for (const go of gate.waiting) go()
  gate.waiting.clear()
}

async function pass(name: string | undefined, count: number, signal?: AbortSignal): Promise<void> {
  if (name === undefined) return
  const gate = gateOf(name)
  while (count >= gate.allowed && !signal?.aborted) {
    await new Promise<void>((resolve) => {
      gate.waiting.add(resolve)
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}

/** The demo model at full speed; an answer to a prompt such as "[lisbon] Where to?" waits at the gate "lisbon". */
export const model: ReturnType<typeof demoModel> = {
  ...demoModel(),
  async doStream(call) {
    let gate: string | undefined
    const script = ({ text }: { text: string }) => {
      gate = /^\[(\w+)\]/.exec(text)?.[1]
      return `You said: ${text}. ${'And so on. '.repeat(10)}That is all.`
    }
    const beforeToken = (written: readonly string[], signal?: AbortSignal) => pass(gate, written.length, signal)
    return demoModel({ script, delay: 0, tokensPerSecond: 10_000, beforeToken }).doStream(call)
  },
}
