import { hash } from 'node:crypto'
import { existsSync, openSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder of the sources. */
export const ROOT = join(import.meta.dirname, '../../..')
/** `off`: neither packs nor runs what is packed. Else the folder of the pack that whoever started this process runs. */
export const PACK = 'SAMPAN_PACK'
export const isPackingOff = (environment: NodeJS.ProcessEnv): boolean => environment[PACK] === 'off'
/** Nothing of the program. */
const NOT_PACKED = /\.(test|suite|fixture)\.ts$/

/** What is kept between instances and resets: packs, unpacked tools and image layers. */
export function cacheDir(environment: NodeJS.ProcessEnv): string {
  return environment['SAMPAN_CACHE'] ?? join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sampan')
}

export const packsDir = (environment: NodeJS.ProcessEnv): string => join(cacheDir(environment), 'packs')

/** The pack that was given, or that of the sources as they are now; held open for the life of this process so that nobody clears it away; undefined when there is none. */
export function findPack(environment: NodeJS.ProcessEnv, root: string = ROOT): string | undefined {
  if (isPackingOff(environment)) return undefined
  const given = environment[PACK]
  const pack = given !== undefined && isWhole(given) ? given : join(packsDir(environment), packName(root))
  if (!isWhole(pack)) return undefined
  openSync(pack, 'r')
  return pack
}

export const isWhole = (pack: string): boolean => existsSync(join(pack, 'run.js'))

/** `TREE-CONTENT`: where the sources are, and how. Other content has another time or size, and so another name. */
export function packName(root: string): string {
  const lines = [process.version]
  const note = (path: string): void => {
    const { size, mtimeMs } = statSync(path)
    lines.push(`${path} ${size} ${mtimeMs}`)
  }
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (/\.(ts|json)$/.test(entry.name) && !NOT_PACKED.test(entry.name)) note(path)
    }
  }
  walk(join(root, 'src'))
  for (const name of ['package.json', 'package-lock.json']) note(join(root, name))
  return `${short(root)}-${short(lines.join('\n'))}`
}

const short = (text: string): string => hash('sha256', text).slice(0, 24)
