import { fileURLToPath } from 'node:url'
import ts from 'typescript'
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
    'dehydrateSession',
    'ownerOnly',
    'sessionSync',
    'useBranch',
    'useClientSession',
    'useComposer',
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
    'toNodeHandler',
    'tokenRoute',
  ],
  'vue-ai-transport/archive': ['archiveRoute', 'sqlArchive'],
  'vue-ai-transport/codec': ['Header', 'UIMessageCodec', 'createUIMessageCodec'],
  'vue-ai-transport/local': ['DEV_KEY', 'ProtocolError', 'createLocalEndpoint', 'demoModel', 'mountLocalEndpoint'],
  'vue-ai-transport/local/vite': ['localAbly'],
  'vue-ai-transport/nuxt': ['default'],
}

it.each(Object.keys(names))('%s exports exactly these names', async (entry) => {
  const exported = Object.keys((await import(/* @vite-ignore */ entry)) as object)
  expect(exported.toSorted()).toEqual(names[entry]?.toSorted())
})

/** The types that the client entry exports: all that its users may have to name. */
const types = [
  'AITransport',
  'AITransportOptions',
  'Act',
  'ActiveRun',
  'AgentEndpoint',
  'AgentTarget',
  'Agents',
  'Answer',
  'Sent',
  'QueuedPrompt',
  'QueuePause',
  'NextSend',
  'Draft',
  'ComposerStorage',
  'ComposerSendOptions',
  'AnswerOptions',
  'AppMessage',
  'ArchiveTarget',
  'Branch',
  'BusyVerb',
  'CancelTarget',
  'Cancelling',
  'ClientSession',
  'Codec',
  'CreateClientSessionOptions',
  'DefineSessionStoreOptions',
  'DehydratedSession',
  'FlushMode',
  'SendInput',
  'Input',
  'InvocationBody',
  'MessageBlock',
  'MessageState',
  'PendingInput',
  'PlacedSendOptions',
  'Policy',
  'RowReader',
  'RunEndReason',
  'RunError',
  'RunEvent',
  'RunInfo',
  'RunResult',
  'RunScope',
  'RunStatus',
  'RunStep',
  'SendOptions',
  'SessionStatus',
  'SessionStoreMembers',
  'SessionTree',
  'SessionTypes',
  'Steer',
  'SteerOutcome',
  'SteerState',
  'Stopped',
  'ToolApproval',
  'ToolOutput',
  'ToolOutputError',
  'UseBranchOptions',
  'UseComposerReturn',
  'UseComposerOptions',
  'UseBranchReturn',
  'UseClientSessionOptions',
  'UseClientSessionReturn',
  'UseConnectionReturn',
  'UseRunOptions',
  'UseRunReturn',
  'UseRunsOptions',
  'UseRunsReturn',
  'UseSessionStore',
  'UseViewOptions',
  'UseViewReturn',
  'View',
  'ViewMessage',
  'ViewSource',
  'ViewVerbs',
  'WhenBusy',
  'WakeInfo',
  'WholeMessage',
]

it('vue-ai-transport exports exactly these types', () => {
  const file = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
  const source = ts.createSourceFile(file, ts.sys.readFile(file)!, ts.ScriptTarget.Latest)
  const exported = source.statements.filter(ts.isExportDeclaration).flatMap(({ exportClause, isTypeOnly }) => {
    const { elements } = exportClause as ts.NamedExports
    return elements.filter((element) => isTypeOnly || element.isTypeOnly).map(({ name }) => name.text)
  })
  expect(exported.toSorted()).toEqual(types.toSorted())
})
