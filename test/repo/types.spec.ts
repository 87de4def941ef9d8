import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'

const app = fileURLToPath(new URL('../types/app-message/', import.meta.url))

// NOTE: a separate program, because the message type of an app applies to everything compiled with it
it('an app declares its message type once, for every composable, store and action', () => {
  const { config } = ts.readConfigFile(`${app}tsconfig.json`, ts.sys.readFile) as { config: unknown }
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, app)
  expect(fileNames).toEqual([`${app}app.ts`])
  const program = ts.createProgram(fileNames, options)
  const source = program.getSourceFile(`${app}app.ts`)
  const problems = ts.getPreEmitDiagnostics(program, source)
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
})
