import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { columnsFile } from './columns.ts'
import { buildFacts } from './facts.ts'
import { importFacts } from './import.ts'
import { readInput } from './input.ts'
import { refsFile } from './refs.ts'
import { buildResources, resourcesFile } from './resources.ts'
import { table } from './table.ts'
import { typeFiles } from './types.ts'

/**
 * Writes everything that is generated from the facts of Kubernetes. `--check` compares instead, and names the files that are stale.
 * `--import DIR` takes new facts in first.
 */
const ROOT = join(import.meta.dirname, '..', '..')
const TYPES_DIR = 'src/api/types'

function generate(): ReadonlyMap<string, string> {
  const input = readInput()
  const facts = buildFacts(input)
  const resources = buildResources(input, facts)
  return new Map([
    ['src/api/schema/facts.gen.json', table({ packages: facts.packages, kinds: facts.kinds, types: facts.types })],
    ['src/api/schema/resources.gen.json', resourcesFile(resources)],
    ['src/api/schema/columns.gen.json', columnsFile(input)],
    ['src/api/refs.gen.ts', refsFile(resources, facts)],
    ...[...typeFiles(facts)].map(([name, text]): [string, string] => [`${TYPES_DIR}/${name}`, text]),
  ])
}

function staleFiles(files: ReadonlyMap<string, string>): string[] {
  const stale = [...files]
    .filter(([path, text]) => !existsSync(join(ROOT, path)) || readFileSync(join(ROOT, path), 'utf8') !== text)
    .map(([path]) => path)
  return [...stale, ...leftovers(files)]
}

/** Generated type files that nothing generates any more. */
function leftovers(files: ReadonlyMap<string, string>): string[] {
  const directory = join(ROOT, TYPES_DIR)
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .map((name) => `${TYPES_DIR}/${name}`)
    .filter((path) => path.endsWith('.gen.ts') && !files.has(path))
}

const args = process.argv.slice(2)
const importAt = args.indexOf('--import')
if (importAt !== -1) {
  const directory = args[importAt + 1]
  if (directory === undefined) throw new Error('--import needs the directory with the facts')
  importFacts(directory)
}
const files = generate()
if (args.includes('--check')) {
  const stale = staleFiles(files)
  for (const path of stale) console.error(`${path} is stale: run npm run gen`)
  process.exitCode = stale.length === 0 ? 0 : 1
} else {
  for (const path of leftovers(files)) rmSync(join(ROOT, path))
  for (const [path, text] of files) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), text)
  }
  console.log(`${files.size} files written under ${relative(process.cwd(), join(ROOT, 'src/api')) || '.'}`)
}
