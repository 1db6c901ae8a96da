import { mkdirSync, openSync, closeSync, fsyncSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Random } from '../random.ts'

const OWNER_ONLY = 0o600

/** The text of a file; undefined when there is none. Other failures (no permission, a folder) are thrown. */
export function readFileIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Writes a file that only its owner may read. A reader sees the old content or the whole new one, also after a crash: the
 * data is on disk before the name points to it. One that is as it should be is left alone: the disk is slow.
 */
export function writePrivateFile(random: Random, path: string, text: string): void {
  if (readFileIfThere(path) === text && (statSync(path).mode & 0o777) === OWNER_ONLY) return
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${Buffer.from(random.bytes(6)).toString('hex')}.new`
  const handle = openSync(draft, 'wx', OWNER_ONLY)
  try {
    writeFileSync(handle, text)
    fsyncSync(handle)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    closeSync(handle)
  }
  renameSync(draft, path)
}
