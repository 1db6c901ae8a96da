import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One Markdown page. Paths are from the root. */
export interface Page {
  readonly path: string
  readonly text: string
}

export function readPages(root: string): Page[] {
  const paths = globSync(['*.md', '{docs,examples,src,test,testing,tools}/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules/**', '**/testdata/**'],
  })
  return paths.toSorted().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** The rows of the page's tables: trimmed cells, without heads and rules. */
export function tableRows(text: string): { readonly line: number; readonly cells: readonly string[] }[] {
  const lines = text.split('\n')
  const isRule = (line: string | undefined): boolean => line !== undefined && /^\|(\s*:?-+:?\s*\|)+\s*$/.test(line)
  return lines.flatMap((line, at) => {
    if (!line.startsWith('|') || isRule(line) || isRule(lines[at + 1])) return []
    return [
      {
        line: at + 1,
        cells: line
          .slice(1, line.lastIndexOf('|'))
          .split('|')
          .map((cell) => cell.trim()),
      },
    ]
  })
}

/** The first cells of all rows, without backticks: what a reference page lists. */
export function listedNames(text: string): { readonly line: number; readonly name: string }[] {
  return tableRows(text).map(({ line, cells }) => ({ line, name: (cells[0] ?? '').replaceAll('`', '') }))
}
