import type { Stats } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'

type Check = { readonly is: (info: Stats) => boolean; readonly not: string }
const CHECKS: Readonly<Record<string, Check>> = {
  Directory: { is: (info) => info.isDirectory(), not: 'is not a directory' },
  File: { is: (info) => info.isFile(), not: 'is not a file' },
  Socket: { is: (info) => info.isSocket(), not: 'is not a socket' },
  CharDevice: { is: (info) => info.isCharacterDevice(), not: 'is not a character device' },
  BlockDevice: { is: (info) => info.isBlockDevice(), not: 'is not a block device' },
}

/** Checks (and for the `…OrCreate` types makes) what a hostPath volume names. */
export async function prepareHostPath(path: string, type: string): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (type === '') {
    if (info === undefined) await mkdir(path, { recursive: true, mode: 0o755 })
    return
  }
  const wanted = type.replace(/OrCreate$/, '')
  const check = CHECKS[wanted]
  if (check === undefined) throw new Error(`hostPath type check failed: ${type} is an invalid volume type`)
  if (info === undefined) {
    if (type === 'DirectoryOrCreate') return void (await mkdir(path, { recursive: true, mode: 0o755 }))
    if (type === 'FileOrCreate') return writeFile(path, '', { mode: 0o644, flag: 'a' })
  }
  if (info === undefined || !check.is(info)) throw new Error(`hostPath type check failed: ${path} ${check.not}`)
}
