import type { Stats } from 'node:fs'
import { chmod, lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const READ_WRITE = 0o660
const DIRECTORY = 0o110
const SETGID = 0o2000

/**
 * Gives a volume to a group: everything below gets the group and its permissions, new files inherit it. `OnRootMismatch` looks at the top
 * only and leaves the rest when that is right already. Symlinks are given away but never followed.
 */
export async function giveToGroup(path: string, group: number, policy: string | undefined): Promise<void> {
  const top = await lstat(path)
  if (policy === 'OnRootMismatch' && top.gid === group && (top.mode & wantedMode(top)) === wantedMode(top)) return
  await give(path, top, group)
}

const wantedMode = (info: Stats): number => (info.isDirectory() ? READ_WRITE | DIRECTORY | SETGID : READ_WRITE)

async function give(path: string, info: Stats, group: number): Promise<void> {
  await lchown(path, info.uid, group)
  if (info.isSymbolicLink()) return
  await chmod(path, (info.mode & 0o7777) | wantedMode(info))
  if (!info.isDirectory()) return
  for (const entry of await readdir(path)) {
    const child = join(path, entry)
    await give(child, await lstat(child), group)
  }
}
