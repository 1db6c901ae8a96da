import { type Stats, constants } from 'node:fs'
import { type FileHandle, chmod, chown, open, opendir } from 'node:fs/promises'
import { O_PATH } from './o-path.ts'

const READ_WRITE = 0o660
const DIRECTORY = 0o110
const SETGID = 0o2000
/** Each folder on the way down is an open file of this process. */
const MOST_DEPTH = 512

/**
 * Gives a volume to a group: everything below gets the group and its permissions, new files inherit it. `OnRootMismatch` looks at the top
 * only and leaves the rest when that is right already. Links are given away but never followed: what is changed is what was opened, however
 * a pod that has the volume already exchanges files and folders meanwhile. What goes meanwhile is left out.
 */
export async function giveToGroup(path: string, group: number, policy: string | undefined): Promise<void> {
  await using top = await open(path, O_PATH)
  const info = await top.stat()
  if (policy === 'OnRootMismatch' && info.gid === group && (info.mode & wantedMode(info)) === wantedMode(info)) return
  await give(top, group, 0)
}

const wantedMode = (info: Stats): number => (info.isDirectory() ? READ_WRITE | DIRECTORY | SETGID : READ_WRITE)

async function give(opened: FileHandle, group: number, depth: number): Promise<void> {
  const info = await opened.stat()
  const itself = `/proc/self/fd/${opened.fd}`
  await chown(itself, info.uid, group)
  if (info.isSymbolicLink()) return
  await chmod(itself, (info.mode & 0o7777) | wantedMode(info))
  if (!info.isDirectory()) return
  if (depth === MOST_DEPTH)
    throw new Error(`folders of the volume lie more than ${MOST_DEPTH} deep: its files cannot be given to group ${group}`)
  for await (const { name } of await opendir(itself)) {
    const child = await openIfThere(`${itself}/${name}`)
    if (child === undefined) continue
    try {
      await give(child, group, depth + 1)
    } finally {
      await child.close()
    }
  }
}

const openIfThere = (path: string): Promise<FileHandle | undefined> =>
  open(path, O_PATH | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
