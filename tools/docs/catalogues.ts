import { type Expression, type PropertyKey, Visitor } from 'oxc-parser'
import { isTestCode } from '../deps/rules.ts'
import type { SourceTree } from '../deps/source-tree.ts'

/** A name that the code defines, and where. */
export interface Definition {
  readonly name: string
  readonly file: string
  readonly line: number
}

/** What the product's code defines that a reference page lists. */
export interface Catalogues {
  /** `readonly code = '…'` of the error classes. */
  readonly errors: readonly Definition[]
  /** Long names of the options given to `option` and `requiredOption` of the command line, and to `new Option`. */
  readonly flags: readonly Definition[]
  /** Objects with a literal `name` and a literal `help`: the definitions of metrics. */
  readonly metrics: readonly Definition[]
}

export function readCatalogues(tree: SourceTree): Catalogues {
  const errors: Definition[] = []
  const flags: Definition[] = []
  const metrics: Definition[] = []
  for (const file of tree.files.filter(({ path }) => path.startsWith('src/') && !isTestCode(path))) {
    const add = (list: Definition[], name: string | undefined, start: number): void => {
      if (name !== undefined) list.push({ name, file: file.path, line: file.lineAt(start) })
    }
    const takesFlags = /^src\/(main|cli)\//.test(file.path)
    new Visitor({
      PropertyDefinition(node) {
        if (keyName(node.key) === 'code' && !node.static) add(errors, textOf(node.value), node.start)
      },
      CallExpression(node) {
        const method =
          node.callee.type === 'MemberExpression' && node.callee.property.type === 'Identifier' ? node.callee.property.name : ''
        if (takesFlags && (method === 'option' || method === 'requiredOption')) add(flags, longName(textOf(node.arguments[0])), node.start)
      },
      NewExpression(node) {
        if (takesFlags && node.callee.type === 'Identifier' && node.callee.name === 'Option')
          add(flags, longName(textOf(node.arguments[0])), node.start)
      },
      ObjectExpression(node) {
        const literal = (key: string): string | undefined => {
          for (const property of node.properties) {
            if (property.type === 'Property' && keyName(property.key) === key) return textOf(property.value)
          }
          return undefined
        }
        if (literal('help') !== undefined) add(metrics, literal('name'), node.start)
      },
    }).visit(file.program)
  }
  return { errors, flags, metrics }
}

function keyName(key: PropertyKey): string | undefined {
  return key.type === 'Identifier' ? key.name : undefined
}

function textOf(node: Expression | { readonly type: string } | null | undefined): string | undefined {
  return node?.type === 'Literal' && 'value' in node && typeof node.value === 'string' ? node.value : undefined
}

function longName(flags: string | undefined): string | undefined {
  return flags === undefined ? undefined : /--[a-z][a-z0-9-]*/.exec(flags)?.[0]
}
