import { type EcmaScriptModule, type Program, Visitor } from 'oxc-parser'

/** One place in a file that names another module, whatever the form. */
export interface ImportSite {
  /** The specifier as written; undefined when it is computed and cannot be checked. */
  readonly specifier: string | undefined
  readonly line: number
  /** `asset` is `new URL('…', import.meta.url)`: not an import, but it reads a file at a path just the same. */
  readonly form: 'import' | 'export' | 'dynamic' | 'type' | 'require' | 'asset'
}

/**
 * Static imports and re-exports (type-only ones too) come from the parser's module record; `import()`, `import('…').Type`,
 * `import x = require()`, `require()` and asset URLs from a walk.
 */
export function importsOf(program: Program, module: EcmaScriptModule, lineAt: (offset: number) => number): readonly ImportSite[] {
  const sites: ImportSite[] = []
  for (const entry of module.staticImports) {
    sites.push({ specifier: entry.moduleRequest.value, line: lineAt(entry.start), form: 'import' })
  }
  for (const statement of module.staticExports) {
    const source = statement.entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest
    if (source) sites.push({ specifier: source.value, line: lineAt(statement.start), form: 'export' })
  }
  const add = (form: ImportSite['form'], source: unknown, start: number): void => {
    sites.push({ specifier: literalText(source), line: lineAt(start), form })
  }
  new Visitor({
    ImportExpression: (node) => add('dynamic', node.source, node.start),
    TSImportType: (node) => add('type', node.source, node.start),
    TSExternalModuleReference: (node) => add('require', node.expression, node.start),
    CallExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require') add('require', node.arguments[0], node.start)
    },
    NewExpression(node) {
      const [path, base] = node.arguments
      const fromHere = base?.type === 'MemberExpression' && base.object.type === 'MetaProperty'
      if (node.callee.type === 'Identifier' && node.callee.name === 'URL' && fromHere && literalText(path) !== undefined) {
        add('asset', path, node.start)
      }
    },
  }).visit(program)
  return sites.toSorted((a, b) => a.line - b.line)
}

function literalText(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null || !('type' in node)) return undefined
  if (node.type === 'Literal' && 'value' in node && typeof node.value === 'string') return node.value
  return undefined
}
