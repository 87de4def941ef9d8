import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize, resolve } from 'node:path'
import ts from 'typescript'
import { parse } from 'vue/compiler-sfc'

export const root = resolve(import.meta.dirname, '../..')

export interface Import {
  /** The importing file, relative to the repository. */
  file: string
  /** The imported file, relative to the repository, or the specifier of a package. */
  target: string
  /** True if no part of it is left at run time. */
  typeOnly: boolean
}

/** Every import of every file below `folder`. */
export function importsBelow(folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|vue)$/.test(name))
    .flatMap((name) => importsOf(join(folder, name), readFileSync(join(root, folder, name), 'utf8')))
}

export function importsOf(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, scriptOf(file, text), ts.ScriptTarget.Latest)
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier && ts.isStringLiteral(specifier)) found.push({ file, target: target(file, specifier.text), typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** The first circle of files that import each other, or undefined. */
export function findCycle(imports: Import[]): string[] | undefined {
  const done = new Set<string>()
  const walk = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const each of imports.filter((arrow) => arrow.file === file)) {
      const cycle = walk(each.target, [...path, file])
      if (cycle) return cycle
    }
    done.add(file)
    return undefined
  }
  for (const { file } of imports) {
    const cycle = walk(file, [])
    if (cycle) return cycle
  }
  return undefined
}

function scriptOf(file: string, text: string): string {
  if (!file.endsWith('.vue')) return text
  const { script, scriptSetup } = parse(text).descriptor
  return `${script?.content ?? ''}\n${scriptSetup?.content ?? ''}`
}

function target(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  const path = normalize(join(dirname(file), specifier))
  const candidates = [path, `${path}.ts`, join(path, 'index.ts'), path.replace(/\.js$/, '.ts')]
  return candidates.find((each) => /\.\w+$/.test(each) && existsSync(join(root, each))) ?? path
}
