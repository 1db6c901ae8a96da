import { type Problem, error } from '../deps/problem.ts'
import type { Definition } from './catalogues.ts'
import { type Page, listedNames, tableRows } from './pages.ts'

/** A reference page lists what the code defines, all of it and nothing else. */
export function checkReference(page: Page, definitions: readonly Definition[]): Problem[] {
  const defined = new Set(definitions.map(({ name }) => name))
  const listed = listedNames(page.text)
  const twice = listed.filter(({ name }, at) => listed.findIndex((other) => other.name === name) < at)
  const names = new Set(listed.map(({ name }) => name))
  const missing = [
    ...new Map(definitions.filter(({ name }) => !names.has(name)).map((definition) => [definition.name, definition])).values(),
  ]
  return [
    ...twice.map(({ name, line }) => error(page.path, line, `lists '${name}' a second time`)),
    ...missing.map(({ name, file, line }) => error(file, line, `defines '${name}', which ${page.path} does not list`)),
    ...listed
      .filter(({ name }) => !defined.has(name))
      .map(({ name, line }) => error(page.path, line, `lists '${name}', which the code does not define`)),
  ]
}

/** One name, one definition: two classes with the same code cannot be told apart. */
export function checkUnique(definitions: readonly Definition[]): Problem[] {
  const first = new Map<string, Definition>()
  return definitions.flatMap((definition) => {
    const { name, file, line } = definition
    const other = first.get(name)
    if (other !== undefined) return [error(file, line, `defines '${name}' again; ${other.file}:${other.line} has it`)]
    first.set(name, definition)
    return []
  })
}

const VERDICTS: readonly string[] = ['no effect', 'no effect upstream either', 'refused']

/** The page of what is accepted without effect, or refused: each row gives one of the verdicts and a reason. */
export function checkVerdicts(page: Page): Problem[] {
  return tableRows(page.text).flatMap(({ line, cells }) => {
    const [what = '', verdict = '', why = ''] = cells
    if (!VERDICTS.includes(verdict)) return [error(page.path, line, `'${verdict}' is no verdict: ${VERDICTS.join(', ')}`)]
    return what === '' || why === '' ? [error(page.path, line, 'a verdict names what it is about and why')] : []
  })
}
