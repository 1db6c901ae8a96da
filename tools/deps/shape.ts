import { basename, dirname } from 'node:path/posix'
import { type Problem, error, warning } from './problem.ts'
import { EMPTY_NAMES, SIZES, isTestCode } from './rules.ts'
import type { SourceTree } from './source-tree.ts'

/** Sizes of files and folders, and their names. */
export function checkShape(tree: SourceTree): Problem[] {
  return [...tree.files.flatMap(({ path, lineCount }) => [...checkLength(path, lineCount), ...checkName(path)]), ...checkFolders(tree)]
}

function checkLength(path: string, lineCount: number): Problem[] {
  if (path.endsWith('.gen.ts') || isTestCode(path)) return []
  if (lineCount > SIZES.maxLines) return [error(path, 1, `has ${lineCount} lines, more than ${SIZES.maxLines}: split it by idea`)]
  if (lineCount > SIZES.warnLines) return [warning(path, 1, `has ${lineCount} lines, more than ${SIZES.warnLines}: does it hold one idea?`)]
  return []
}

function checkName(path: string): Problem[] {
  const stem = basename(path).split('.')[0] ?? ''
  const problems: Problem[] = []
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) problems.push(error(path, 1, 'file names are kebab-case'))
  const empty = path
    .split('/')
    .map((part) => part.split('.')[0] ?? '')
    .find((part) => EMPTY_NAMES.includes(part))
  if (empty !== undefined) problems.push(error(path, 1, `'${empty}' says nothing about what is inside: name it after its idea`))
  return problems
}

function checkFolders(tree: SourceTree): Problem[] {
  const counts = new Map<string, number>()
  for (const { path } of tree.files) {
    if (!isTestCode(path) && !path.endsWith('.gen.ts')) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  }
  return [...counts].flatMap(([folder, count]) =>
    count > SIZES.warnFilesInFolder
      ? [warning(folder, 1, `holds ${count} files, more than ${SIZES.warnFilesInFolder}: it wants a second level`)]
      : [],
  )
}
