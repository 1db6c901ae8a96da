import { constants } from 'node:fs'
import {
  type FileHandle,
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Payload } from './payload.ts'

const DATA = '..data'
const DATA_NEW = '..data_tmp'

/**
 * Makes a directory show exactly the payload, all files at once: they lie in a directory of their own, `..data` points to it, and each
 * visible name points through `..data`. Everything is done relative to the opened directory, so that a path that is exchanged
 * meanwhile leads nowhere else. True when something was written.
 */
export async function writeAtomically(dir: string, payload: Payload, stamp: string, group: number | undefined): Promise<boolean> {
  await using handle = await openDirectory(dir)
  const root = `/proc/self/fd/${handle.fd}`
  const current = await readlink(join(root, DATA)).catch(() => undefined)
  if (current !== undefined && (await shows(join(root, current), payload))) return false

  const fresh = `..${stamp}`
  await mkdir(join(root, fresh), { mode: 0o755 })
  for (const [path, file] of payload) {
    const target = join(root, fresh, path)
    await mkdir(dirname(target), { recursive: true, mode: 0o755 })
    await writeFile(target, file.data, { mode: file.mode, flag: 'wx' })
    await chmod(target, group === undefined ? file.mode : file.mode | 0o440)
    if (file.uid !== undefined || group !== undefined) await chown(target, file.uid ?? 0, group ?? 0)
  }
  if (group !== undefined) await chown(join(root, fresh), 0, group)
  await unlink(join(root, DATA_NEW)).catch(unlessMissing)
  await symlink(fresh, join(root, DATA_NEW))
  await rename(join(root, DATA_NEW), join(root, DATA))

  const names = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path))
  for (const entry of await readdir(root)) {
    if (entry === DATA || entry === fresh) continue
    if (!entry.startsWith('..') && names.has(entry)) names.delete(entry)
    else await rm(join(root, entry), { recursive: true, force: true })
  }
  for (const name of names) await symlink(join(DATA, name), join(root, name))
  return true
}

export async function openDirectory(dir: string): Promise<FileHandle> {
  return open(dir, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
}

async function shows(dir: string, payload: Payload): Promise<boolean> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => undefined)
  if (entries === undefined || entries.filter((entry) => !entry.isDirectory()).length !== payload.size) return false
  for (const [path, file] of payload) {
    const target = join(dir, path)
    const info = await lstat(target).catch(() => undefined)
    if (info === undefined || !info.isFile() || info.size !== file.data.length || !(await readFile(target)).equals(file.data)) return false
  }
  return true
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
