import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Program, parseSync } from 'oxc-parser'
import { type ImportSite, importsOf } from './import-sites.ts'

/** One TypeScript file, parsed. Paths are from the root, with `/`. */
export interface SourceFile {
  readonly path: string
  readonly lineCount: number
  readonly program: Program
  readonly imports: readonly ImportSite[]
  /** The line, from 1, of an offset into the text. */
  lineAt(offset: number): number
}

export interface SourceTree {
  readonly files: readonly SourceFile[]
  /** package.json `imports`: door without `#` → file. */
  readonly doors: ReadonlyMap<string, string>
  /** Every package that package.json names. */
  readonly packages: ReadonlySet<string>
}

const TOP_FOLDERS = ['src', 'testing', 'test', 'tools', 'examples']

/** Reads the files of the component folders and package.json. Throws for a file that does not parse. */
export function readSourceTree(root: string): SourceTree {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const doors = Object.entries(manifest.imports ?? {}).map(([door, file]) => [door.slice(1), file.replace(/^\.\//, '')] as const)
  return {
    files: TOP_FOLDERS.flatMap((folder) => listSources(root, folder)).map((path) =>
      parseSource(path, readFileSync(join(root, path), 'utf8')),
    ),
    doors: new Map(doors),
    packages: new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })),
  }
}

interface Manifest {
  readonly imports?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

export function parseSource(path: string, text: string): SourceFile {
  const { program, errors, module } = parseSync(path, text)
  const first = errors[0]
  if (first !== undefined) throw new Error(`${path}: ${first.message}`)
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const lineAt = (offset: number): number => {
    const after = starts.findIndex((start) => start > offset)
    return after === -1 ? starts.length : after
  }
  return {
    path,
    lineCount: text.endsWith('\n') ? starts.length - 1 : starts.length,
    program,
    imports: importsOf(program, module, lineAt),
    lineAt,
  }
}

function listSources(root: string, folder: string): string[] {
  let entries
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true })
  } catch {
    return []
  }
  return entries
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'testdata' ? [] : listSources(root, path)
      return entry.name.endsWith('.ts') ? [path] : []
    })
}
