import { type FSWatcher, watch } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** By path, what tells one socket from another that is made later at the same place. */
export type Sockets = ReadonlyMap<string, string>

const DEEPEST = 4
const MOST_ENTRIES = 1000

/** The sockets below a directory. Names with a leading dot are nobody's business; links are not followed. */
export async function findSockets(dir: string): Promise<{ readonly sockets: Sockets; readonly dirs: readonly string[] }> {
  const sockets = new Map<string, string>()
  const dirs: string[] = []
  let seen = 0
  const visit = async (at: string, depth: number): Promise<void> => {
    const entries = await readdir(at, { withFileTypes: true }).catch(() => undefined)
    if (entries === undefined) return
    dirs.push(at)
    for (const entry of entries) {
      if (entry.name.startsWith('.') || ++seen > MOST_ENTRIES) continue
      const path = join(at, entry.name)
      if (entry.isDirectory() && depth < DEEPEST) await visit(path, depth + 1)
      if (!entry.isSocket()) continue
      const info = await lstat(path, { bigint: true }).catch(() => undefined)
      if (info !== undefined) sockets.set(path, `${info.dev}:${info.ino}:${info.birthtimeNs}`)
    }
  }
  await visit(dir, 0)
  return { sockets, dirs }
}

/** Calls `changed` when something appears in or leaves one of the directories that it was told of last. */
export class DirectoryWatches implements Disposable {
  readonly #changed: () => void
  readonly #watchers = new Map<string, FSWatcher>()

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** True when there is a directory that was not watched before: what it holds may have changed before it was. */
  set(dirs: readonly string[]): boolean {
    let isNew = false
    for (const [dir, watcher] of this.#watchers) {
      if (dirs.includes(dir)) continue
      watcher.close()
      this.#watchers.delete(dir)
    }
    for (const dir of dirs) {
      if (this.#watchers.has(dir)) continue
      try {
        const watcher = watch(dir, { persistent: false }, this.#changed)
        watcher.on('error', () => this.#drop(dir))
        this.#watchers.set(dir, watcher)
        isNew = true
      } catch {
        // It has gone since it was read: its parent's watch tells of it.
      }
    }
    return isNew
  }

  #drop(dir: string): void {
    this.#watchers.get(dir)?.close()
    this.#watchers.delete(dir)
    this.#changed()
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }
}
