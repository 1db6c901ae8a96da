import { type SourceTree, parseSource } from './source-tree.ts'

/** A tree out of texts by path, with the doors `#base`, `#base/pure`, `#api`, `#store`, `#client`, `#apiserver`, `#controllers`, `#node`, `#testing`. */
export function fixtureTree(files: Readonly<Record<string, string>>): SourceTree {
  const components = ['base', 'api', 'store', 'client', 'apiserver', 'controllers', 'node']
  return {
    files: Object.entries(files).map(([path, text]) => parseSource(path, text)),
    doors: new Map([
      ...components.map((name) => [name, `src/${name}/index.ts`] as const),
      ['base/pure', 'src/base/pure.ts'],
      ['testing', 'testing/index.ts'],
    ]),
    packages: new Set(['pino', 'yaml', '@connectrpc/connect', 'fast-check']),
  }
}
