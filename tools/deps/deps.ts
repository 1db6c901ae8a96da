import { join } from 'node:path'
import { checkBans } from './bans.ts'
import { checkCycles } from './cycles.ts'
import { checkImports } from './imports.ts'
import type { Problem } from './problem.ts'
import { checkShape } from './shape.ts'
import { type SourceTree, readSourceTree } from './source-tree.ts'

/** Everything this folder checks, in the order of paths and lines. */
export function checkTree(tree: SourceTree): Problem[] {
  const problems = [...checkImports(tree), ...checkCycles(tree), ...checkShape(tree), ...checkBans(tree)]
  return problems.toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
}

if (import.meta.main) {
  const tree = readSourceTree(join(import.meta.dirname, '../..'))
  const problems = checkTree(tree)
  for (const { file, line, level, message } of problems) console.log(`${file}:${line}: ${level === 'warning' ? 'warning: ' : ''}${message}`)
  const errors = problems.filter((problem) => problem.level === 'error').length
  console.log(`${tree.files.length} files: ${errors} errors, ${problems.length - errors} warnings`)
  process.exitCode = errors > 0 ? 1 : 0
}
