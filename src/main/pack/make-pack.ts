import { mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'
import { ROOT, isWhole, packName, packsDir } from './find-pack.ts'

/** Modules of CommonJS among the libraries ask for Node's own by `require`. */
const REQUIRE = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire('/');"

/**
 * Packs the sources and the libraries that they use, unless it is done: what loads together lies together, types and comments are gone, and names and
 * line breaks stay, so that a stack trace can be read. Nothing is renamed but what has the name of something else beside it, so that esbuild need not note
 * names: it would do so with a call for each function that is made, ten thousand at the start and more in every request, and a process would be 2 to 5 MB larger. What is imported only when it is needed still is. Returns the folder.
 */
export async function makePack(environment: NodeJS.ProcessEnv, root: string = ROOT): Promise<string> {
  const dir = packsDir(environment)
  const pack = join(dir, packName(root))
  if (isWhole(pack)) return pack
  const unfinished = `${pack}.${process.pid}`
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/main/run.ts'],
    outdir: unfinished,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    legalComments: 'none',
    logLevel: 'silent',
    banner: { js: REQUIRE },
    plugins: [placesOfSources, generatedTables, seldomLibraries],
  })
  mkdirSync(unfinished, { recursive: true })
  for (const { path, text } of outputFiles) writeFileSync(path, inAscii(text))
  symlinkSync(join(root, 'node_modules'), join(unfinished, 'node_modules'))
  writeFileSync(join(unfinished, 'package.json'), '{ "type": "module" }\n')
  clearUnused(dir, pack)
  // Whole or not at all; when somebody else was first, theirs is the same.
  try {
    renameSync(unfinished, pack)
  } catch (error) {
    if (!isWhole(pack)) throw error
    rmSync(unfinished, { recursive: true, force: true })
  }
  return pack
}

/** Files that find what lies beside them go on finding it beside the sources. */
const placesOfSources: Plugin = {
  name: 'places of sources',
  setup(build) {
    build.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (!text.includes('import.meta.')) return undefined
      const contents = text
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
      return { contents, loader: 'ts' }
    })
  },
}

/** Tables are read where they are: as part of a program their text would stay in memory. */
const generatedTables: Plugin = {
  name: 'generated tables',
  setup(build) {
    build.onResolve({ filter: /\.gen\.json$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path), external: true }))
  },
}

/** Libraries that are loaded when they are needed stay where they are: in a pack CommonJS would be imported in another shape than from Node. */
const seldomLibraries: Plugin = {
  name: 'seldom libraries',
  setup(build) {
    build.onResolve({ filter: /^[^.#/]/ }, ({ kind, path }) => (kind === 'dynamic-import' ? { path, external: true } : undefined))
  },
}

/** One letter beyond Latin, in a regular expression where esbuild lets it be, and V8 keeps the whole file with two bytes for each letter. */
const inAscii = (text: string): string =>
  text.replaceAll(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Takes away what was packed of earlier states of the same tree and is run by no process. */
function clearUnused(dir: string, latest: string): void {
  mkdirSync(dir, { recursive: true })
  const [tree = ''] = basename(latest).split('-')
  const old = readdirSync(dir)
    .map((name) => join(dir, name))
    .filter((pack) => basename(pack).startsWith(`${tree}-`) && !pack.startsWith(latest))
  if (old.length === 0) return
  const inUse = openFolders()
  for (const pack of old) if (!inUse.has(pack)) rmSync(pack, { recursive: true, force: true })
}

function openFolders(): ReadonlySet<string> {
  const open = new Set<string>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      for (const descriptor of readdirSync(`/proc/${pid}/fd`)) open.add(readlinkSync(`/proc/${pid}/fd/${descriptor}`))
    } catch {
      // Gone while being looked at, or somebody else's: those have a cache of their own.
    }
  return open
}
