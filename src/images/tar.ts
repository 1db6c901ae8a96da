import { createReadStream, statSync } from 'node:fs'
import { createTarPacker } from 'modern-tar'

/** An entry of a layer. `path` is absolute in the image. Owner is root and the time is 1970, so that equal contents are equal bytes. */
export type Entry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | { readonly kind: 'bytes'; readonly path: string; readonly mode: number; readonly bytes: Uint8Array }
  /** A file of this machine, read while the tar is made. */
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly source: string }

/** Adds the folders that are above entries and not named themselves, drops repeated paths (the first wins), and sorts by path. */
export function arrange(entries: readonly Entry[]): readonly Entry[] {
  const byPath = new Map<string, Entry>()
  for (const entry of entries) if (!byPath.has(entry.path)) byPath.set(entry.path, entry)
  for (const { path } of entries)
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end)
      if (!byPath.has(folder)) byPath.set(folder, { kind: 'folder', path: folder, mode: 0o755 })
    }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

/** The bytes of the tar, made as they are taken. */
export async function* packEntries(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const filled = fill(entries, controller)
  // Whoever reads learns of a failure by the stream's own error.
  filled.catch((error: unknown) => controller.error(error))
  yield* readable
  await filled
}

async function fill(entries: readonly Entry[], controller: ReturnType<typeof createTarPacker>['controller']): Promise<void> {
  for (const entry of entries) {
    const header = { name: entry.path.slice(1), mode: entry.mode, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) }
    if (entry.kind === 'folder') {
      await controller.add({ ...header, name: `${header.name}/`, type: 'directory', size: 0 }).close()
      continue
    }
    const size = entry.kind === 'bytes' ? entry.bytes.length : statSync(entry.source).size
    const writer = controller.add({ ...header, type: 'file', size }).getWriter()
    if (entry.kind === 'bytes') await writer.write(entry.bytes)
    else for await (const chunk of createReadStream(entry.source, { highWaterMark: 1 << 20 })) await writer.write(chunk as Uint8Array)
    await writer.close()
  }
  controller.finalize()
}
