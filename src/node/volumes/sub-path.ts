import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readlink } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { O_PATH } from './o-path.ts'

const MOST_LINKS = 40

/**
 * Opens a path inside a directory so that no symlink, however it is exchanged meanwhile, leads out of it: each part is opened relative to
 * the one before without following links; links are read and walked by the same rule, with the directory as their root. A missing
 * last part is made as a directory. The caller closes the handle and mounts it by `/proc/self/fd`, never by its path.
 */
export async function openInside(root: string, path: string, create: { readonly mode: number } | undefined): Promise<FileHandle> {
  const todo = partsOf(path)
  if (isAbsolute(path) || todo.includes('..')) throw new Error(`the subPath ${JSON.stringify(path)} must stay inside its volume`)
  const stack: FileHandle[] = [await open(root, O_PATH | constants.O_DIRECTORY)]
  let links = 0
  try {
    for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
      const here = stack.at(-1)
      if (here === undefined) break
      if (part === '..') {
        // Above the root is the root, as in a chroot.
        if (stack.length > 1) await stack.pop()?.close()
        continue
      }
      const target = `/proc/self/fd/${here.fd}/${part}`
      const link = await readlink(target).catch(() => undefined)
      if (link === undefined) {
        const next = await openPart(target, create)
        stack.push(next)
        // Exchanged for a link since: nothing can be opened below a link's own descriptor, but it must not be what is mounted either.
        if ((await next.stat()).isSymbolicLink()) throw new Error(`the subPath ${JSON.stringify(path)} changed while it was being opened`)
        continue
      }
      if (++links > MOST_LINKS) throw new Error(`too many links in the subPath ${JSON.stringify(path)}`)
      if (isAbsolute(link)) for (const handle of stack.splice(1)) await handle.close()
      todo.unshift(...partsOf(link))
    }
    const found = stack.pop()
    if (found === undefined) throw new Error(`nothing is left of the subPath ${JSON.stringify(path)}`)
    return found
  } finally {
    for (const handle of stack) await handle.close()
  }
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.')

async function openPart(target: string, create: { readonly mode: number } | undefined): Promise<FileHandle> {
  const flags = O_PATH | constants.O_NOFOLLOW
  try {
    return await open(target, flags)
  } catch (error) {
    if (create === undefined || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    await mkdir(target, { mode: create.mode })
    return open(target, flags)
  }
}
