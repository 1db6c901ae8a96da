import { join } from 'node:path'
import { type Problem, error } from '../deps/problem.ts'
import { readSourceTree } from '../deps/source-tree.ts'
import { checkArchitectureTable } from './architecture-table.ts'
import { readCatalogues } from './catalogues.ts'
import { checkNamedPaths } from './named-paths.ts'
import { checkNamedTests } from './named-tests.ts'
import { type Page, readPages } from './pages.ts'
import { checkReference, checkUnique, checkVerdicts } from './reference.ts'

/** Everything that pages must keep true. */
function checkDocs(root: string): Problem[] {
  const pages = readPages(root)
  const { errors, flags, metrics } = readCatalogues(readSourceTree(root))
  const on = (path: string, check: (page: Page) => Problem[]): Problem[] => {
    const page = pages.find((candidate) => candidate.path === path)
    return page === undefined ? [error(path, 1, 'is missing')] : check(page)
  }
  return [
    ...checkNamedPaths(root, pages),
    ...on('ARCHITECTURE.md', (page) => checkArchitectureTable(page)),
    ...on('docs/reference/errors.md', (page) => [...checkReference(page, errors), ...checkUnique(errors)]),
    ...on('docs/reference/flags.md', (page) => checkReference(page, flags)),
    ...on('docs/reference/metrics.md', (page) => checkReference(page, metrics)),
    ...on('docs/reference/verdicts.md', checkVerdicts),
    ...on('docs/reference/security.md', (page) => checkNamedTests(root, page)),
  ]
}

const problems = checkDocs(join(import.meta.dirname, '../..'))
for (const { file, line, message } of problems) console.log(`${file}:${line}: ${message}`)
process.exitCode = problems.length > 0 ? 1 : 0
