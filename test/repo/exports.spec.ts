import { expect, it } from 'vitest'

/** The values that each entry exports. A change here is a change of the public API. */
const names: Record<string, string[]> = {
  'vue-ai-transport': [
    'ErrorCode',
    'SessionError',
    'SessionProvider',
    'UIMessageCodec',
    'createAITransport',
    'createClientSession',
    'createUIMessageCodec',
    'defineSessionStore',
    'ownerOnly',
    'sessionSync',
    'useBranch',
    'useClientSession',
    'useConnection',
    'useRun',
    'useRuns',
    'useView',
  ],
  'vue-ai-transport/agent': [
    'BusyError',
    'ErrorCode',
    'HandledError',
    'Invocation',
    'SessionError',
    'UIMessageCodec',
    'createAgentSession',
    'createUIMessageCodec',
    'defineAgent',
    'outcomeOf',
    'ownerOnly',
  ],
  'vue-ai-transport/codec': ['Header', 'UIMessageCodec', 'createUIMessageCodec'],
  'vue-ai-transport/local': ['DEV_KEY', 'ProtocolError', 'createLocalEndpoint', 'mountLocalEndpoint'],
  'vue-ai-transport/local/vite': ['localAbly'],
}

it.each(Object.keys(names))('%s exports the names it promises', async (entry) => {
  const exported = Object.keys((await import(/* @vite-ignore */ entry)) as object)
  expect(exported.toSorted()).toEqual(names[entry]?.toSorted())
})
