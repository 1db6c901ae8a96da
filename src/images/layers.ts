import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError, type Scope } from '#base'
import type { BlobCache, LayerRecord } from './blob-cache.ts'
import { sha256 } from './blob-cache.ts'
import { collectPackages } from './debian.ts'
import type { LayerDefinition } from './definition.ts'
import { librariesOf } from './libraries.ts'
import { pauseProgram } from './pause.ts'
import { type Entry, arrange, packEntries } from './tar.ts'

/** Part of every key: raised when the same inputs come to make other bytes. */
const FORMAT = 1

/** Builds a layer, or finds it in the cache. */
export async function buildLayer(
  scope: Scope,
  cache: BlobCache,
  layer: LayerDefinition,
): Promise<{ readonly record: LayerRecord; readonly cached: boolean }> {
  if (layer.kind === 'debian') return debianLayer(scope, cache, layer)
  const entries = arrange(entriesOf(layer))
  return remember(cache, entries.map(fingerprint), (key) =>
    cache.putLayer(scope, key, packEntries(entries), layer.kind === 'node' ? [`node=${process.version}`] : []),
  )
}

/** The packages of one release of the system, under one key: that a newer version came out does not make a cached image stale. */
async function debianLayer(
  scope: Scope,
  cache: BlobCache,
  layer: Extract<LayerDefinition, { readonly kind: 'debian' }>,
): Promise<{ readonly record: LayerRecord; readonly cached: boolean }> {
  const inputs = [process.arch, sha256(readFileSync('/etc/os-release')), ...layer.packages.toSorted(), ...layer.programs.toSorted()]
  return remember(cache, inputs, async (key) => {
    using collected = await collectPackages(scope, cache, layer.packages, layer.programs)
    return await cache.putLayer(scope, key, packEntries(arrange([...collected.entries, ...systemFiles])), collected.sources)
  })
}

async function remember(
  cache: BlobCache,
  inputs: readonly string[],
  make: (key: string) => Promise<LayerRecord>,
): Promise<{ readonly record: LayerRecord; readonly cached: boolean }> {
  const key = sha256(JSON.stringify([FORMAT, ...inputs]))
  const record = cache.layer(key)
  return record === undefined ? { record: await make(key), cached: false } : { record, cached: true }
}

function entriesOf(layer: Exclude<LayerDefinition, { readonly kind: 'debian' }>): readonly Entry[] {
  switch (layer.kind) {
    case 'node':
      return nodeFiles(realpathSync(process.execPath))
    case 'files':
      return filesOf(layer)
    case 'pause':
      return [{ kind: 'bytes', path: '/pause', mode: 0o755, bytes: pauseProgram(process.arch) }]
  }
}

const text = (path: string, content: string): Entry => ({ kind: 'bytes', path, mode: 0o644, bytes: Buffer.from(content) })

/** What libc reads to know users and to look names up (files before DNS), and a place for temporary files. */
const systemFiles: readonly Entry[] = [
  text('/etc/passwd', 'root:x:0:0:root:/:/\nnobody:x:65534:65534:nobody:/:/\napp:x:1000:1000:app:/:/\n'),
  text('/etc/group', 'root:x:0:\nnogroup:x:65534:\napp:x:1000:\n'),
  text('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  { kind: 'folder', path: '/tmp', mode: 0o1777 },
]

function nodeFiles(executable: string): readonly Entry[] {
  return [{ kind: 'file', path: '/usr/local/bin/node', mode: 0o755, source: executable }, ...librariesOf(executable, ['/']), ...systemFiles]
}

function filesOf(layer: Extract<LayerDefinition, { readonly kind: 'files' }>): readonly Entry[] {
  const entries: Entry[] = []
  const add = (relative: string): void => {
    const source = join(layer.from, relative)
    const stat = statSync(source, { throwIfNoEntry: false })
    if (stat === undefined) throw new UserError(`${source} is not there`, 'an image is to contain it')
    if (stat.isDirectory()) {
      for (const name of readdirSync(source)) if (layer.exclude?.some((end) => name.endsWith(end)) !== true) add(join(relative, name))
    } else {
      const mode = (stat.mode & 0o111) === 0 ? 0o644 : 0o755
      entries.push({ kind: 'bytes', path: join(layer.to, relative), mode, bytes: readFileSync(source) })
    }
  }
  for (const name of layer.include ?? ['.']) add(name)
  return entries
}

/** Large files of the system are told apart by place, size and time of change; reading 150 MB to find that nothing changed would take longer than all the rest. */
function fingerprint(entry: Entry): string {
  const named = `${entry.kind} ${entry.mode} ${entry.path}`
  if (entry.kind === 'folder') return named
  if (entry.kind === 'bytes') return `${named} ${sha256(entry.bytes)}`
  const stat = statSync(entry.source, { bigint: true })
  return `${named} ${entry.source} ${stat.size} ${stat.mtimeNs}`
}
