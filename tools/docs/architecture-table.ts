import { type Problem, error } from '../deps/problem.ts'
import { ROWS, type Row } from '../deps/rules.ts'
import { type Page, tableRows } from './pages.ts'

/** The rows of ARCHITECTURE.md's table as the rules have them. */
export function architectureRows(rows: readonly Row[] = ROWS): string[] {
  return rows.map(({ name, layer, may, not, npm }) => {
    const doors = may === 'everything' ? 'everything' : may.map((door) => `\`#${door}\``).join(', ') || 'nothing of ours'
    const packages = npm === 'everything' ? 'all' : npm.join(', ') || '–'
    return `| \`${name}\` | ${layer ?? '–'} | ${doors} | ${not} | ${packages} |`
  })
}

/** The table whose first cells are the components says what the rules say, row by row. */
export function checkArchitectureTable(page: Page, rows: readonly Row[] = ROWS): Problem[] {
  const lines = page.text.split('\n')
  const expected = architectureRows(rows)
  const first = tableRows(page.text).find(({ cells }) => cells[0] === `\`${rows[0]?.name}\``)
  if (first === undefined) return [error(page.path, 1, `has no table of components; print it with node tools/docs/architecture-table.ts`)]
  return expected.flatMap((row, at) =>
    lines[first.line - 1 + at] === row ? [] : [error(page.path, first.line + at, `differs from tools/deps/rules.ts, which says: ${row}`)],
  )
}

if (import.meta.main)
  console.log(
    [
      '| component | layer | may import | on purpose may not | npm packages |',
      '| --- | --- | --- | --- | --- |',
      ...architectureRows(),
    ].join('\n'),
  )
