import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path/posix'
import type { ImportSite } from './import-sites.ts'
import { type Problem, error } from './problem.ts'
import { PROGRAM, PURE_DOORS, ROWS, type Row, TESTING, componentOf, isGenerator, isTestCode, rowOf } from './rules.ts'
import type { SourceFile, SourceTree } from './source-tree.ts'

/** Checks every import of every file against the table. Pure: the tree is what was read, the rows are the rules. */
export function checkImports(tree: SourceTree, rows: readonly Row[] = ROWS): Problem[] {
  return [...tree.files.flatMap((file) => checkFile(tree, rows, file)), ...checkPureDoors(tree)]
}

function checkFile(tree: SourceTree, rows: readonly Row[], file: SourceFile): Problem[] {
  const component = componentOf(file.path)
  const row = component === undefined ? undefined : rowOf(component, rows)
  if (component === undefined || row === undefined) {
    return [
      error(
        file.path,
        1,
        `lies in no component: give ${component ?? 'it'} a row in tools/deps/rules.ts, or move the file into a component`,
      ),
    ]
  }
  if (component === 'controllers' && file.path !== 'src/controllers/index.ts' && !isTestCode(file.path)) {
    return [
      error(
        file.path,
        1,
        'lies beside the controllers: src/controllers holds index.ts and one folder per controller; what several need belongs to #reconcile or #api',
      ),
    ]
  }
  if (component === 'controllers/shared') {
    return [error(file.path, 1, 'is a shared folder of controllers: what several need belongs to #reconcile or #api')]
  }
  return file.imports.flatMap((site) => {
    const complaint = complaintOf({ tree, row, component, file, site })
    return complaint === undefined ? [] : [error(file.path, site.line, `imports '${site.specifier ?? '(computed)'}': ${complaint}`)]
  })
}

interface Question {
  readonly tree: SourceTree
  readonly row: Row
  readonly component: string
  readonly file: SourceFile
  readonly site: ImportSite
}

function complaintOf(question: Question): string | undefined {
  const { site } = question
  const { specifier } = site
  if (specifier === undefined)
    return isTestCode(question.file.path) || question.component === 'tools' || question.file.path === PROGRAM
      ? undefined
      : 'only a literal can be checked: name the module'
  if (site.form === 'require') return 'use import'
  if (specifier.startsWith('#')) return complaintAboutDoor(question, specifier.slice(1))
  if (specifier.startsWith('.') || site.form === 'asset') return complaintAboutPath(question, specifier)
  if (specifier.startsWith('node:')) return complaintAboutNode(question, specifier.slice('node:'.length))
  if (builtinModules.includes(specifier)) return `write 'node:${specifier}'`
  if (/^[a-z]+:|^\//.test(specifier)) return 'absolute addresses are not imported'
  return complaintAboutPackage(question, specifier)
}

function complaintAboutDoor({ tree, row, component, file }: Question, door: string): string | undefined {
  const target = tree.doors.get(door)
  if (target === undefined) {
    const component = door.split('/')[0] ?? door
    return tree.doors.has(component)
      ? `goes past the door: '#${component}' is the only way in; export what is needed from its index.ts`
      : `no such door; the doors are the "imports" of package.json`
  }
  const owner = componentOf(target)
  if (owner === component) return 'a component does not come in by its own door: import the file'
  if (owner === TESTING) {
    return isTestCode(file.path) ? undefined : 'only tests import testing'
  }
  if (row.may === 'everything' || row.may.includes(door)) return undefined
  const allowed = row.may.length === 0 ? 'nothing of ours' : row.may.map((name) => `#${name}`).join(', ')
  const instead = isTestCode(file.path) ? '; a test that crosses components belongs to test/' : ''
  return `${component} may import ${allowed}; on purpose not: ${row.not} (row '${row.name}' of tools/deps/rules.ts)${instead}`
}

function complaintAboutPath({ component, file, site }: Question, specifier: string): string | undefined {
  const target = join(dirname(file.path), specifier)
  const owner = componentOf(target)
  if (owner === component) {
    if (isTestCode(target) && !isTestCode(file.path) && component !== 'tools') return 'product code does not import test code'
    if (site.form !== 'asset' && !/\.(ts|json)$/.test(target)) return 'relative imports name the file with its ending (.ts)'
    return undefined
  }
  if (file.path === 'src/controllers/index.ts' && owner?.startsWith('controllers/') && target.endsWith('/index.ts')) return undefined
  if (isGenerator(file.path) && owner !== undefined) return undefined
  if (target === 'package.json' && (component === 'main' || component === 'cli')) return undefined
  if (component.startsWith('controllers/') && owner?.startsWith('controllers')) {
    return `controllers do not know each other: what several need belongs to #reconcile or #api (row 'controllers/*' of tools/deps/rules.ts)`
  }
  // Tools and tests read data of the tree by path (recordings, pages); code of a component is reached by its door even there.
  if ((component === 'tools' || isTestCode(file.path)) && site.form === 'asset' && !target.endsWith('.ts')) return undefined
  return `leaves ${component}: other components are reached by their door ('#${owner ?? 'component'}'), and their files (JSON and assets too) not at all`
}

function complaintAboutNode({ row, component, file }: Question, name: string): string | undefined {
  if (isTestCode(file.path) || row.node === 'everything' || row.node.includes(name)) return undefined
  const why = row.node.length === 0 ? 'may use no node: module' : `may not use node:${name}`
  return `${component} ${why} (row '${row.name}' of tools/deps/rules.ts)`
}

function complaintAboutPackage({ tree, row, component, file }: Question, specifier: string): string | undefined {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (!tree.packages.has(name)) return 'package.json does not name this package'
  if (isTestCode(file.path) || row.npm === 'everything' || row.npm.includes(name)) return undefined
  return `${component} may use ${row.npm.length === 0 ? 'no npm package' : row.npm.join(', ')} (row '${row.name}' of tools/deps/rules.ts)`
}

/** Follows a pure door inwards: whatever it reaches is free of `node:` modules and packages. */
function checkPureDoors(tree: SourceTree): Problem[] {
  const byPath = new Map(tree.files.map((file) => [file.path, file]))
  const problems: Problem[] = []
  for (const door of PURE_DOORS) {
    const waiting = [tree.doors.get(door)]
    const seen = new Set<string>()
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path)) continue
      seen.add(path)
      for (const site of byPath.get(path)?.imports ?? []) {
        const { specifier = '' } = site
        if (specifier.startsWith('.')) waiting.push(join(dirname(path), specifier))
        else if (!specifier.startsWith('#'))
          problems.push(
            error(
              path,
              site.line,
              `imports '${specifier}': #${door} reaches this file, and what it reaches runs without Node and packages`,
            ),
          )
      }
    }
  }
  return problems
}
