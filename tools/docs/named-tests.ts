import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Problem, error } from '../deps/problem.ts'
import { type Page, tableRows } from './pages.ts'

/** Every row of the page's tables names tests, as `` `file`: "name" ``, and each of them is in its file by that name, or by a part of it. */
export function checkNamedTests(
  root: string,
  page: Page,
  read = (path: string): string => readFileSync(join(root, path), 'utf8'),
): Problem[] {
  return tableRows(page.text).flatMap(({ line, cells }) => {
    const named = testsOf(cells.at(-1) ?? '')
    if (named.length === 0) return [error(page.path, line, 'names no test')]
    return named.flatMap(({ file, name }) =>
      read(file).includes(name) ? [] : [error(page.path, line, `names a test "${name}", which is not in ${file}`)],
    )
  })
}

function testsOf(cell: string): { readonly file: string; readonly name: string }[] {
  return [...cell.matchAll(/`([^`]+\.test\.ts)`:((?:[;,]? *"[^"]+")+)/g)].flatMap(([, file = '', names = '']) =>
    [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
  )
}
