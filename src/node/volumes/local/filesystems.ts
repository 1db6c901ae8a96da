import { readFile } from 'node:fs/promises'
import type { Scope } from '#base'
import { CommandFailed, runCommand } from '../../host/command.ts'
import { findProgram } from '../../host/machine/programs.ts'

export type FilesystemType = 'ext4' | 'xfs'
export const isFilesystemType = (name: string): name is FilesystemType => name === 'ext4' || name === 'xfs'

const MEBIBYTE = 2 ** 20
/** What the tools refuse to make smaller, or what nobody could use. */
const SMALLEST_BYTES: Readonly<Record<FilesystemType | 'none', number>> = { xfs: 300 * MEBIBYTE, ext4: 4 * MEBIBYTE, none: MEBIBYTE }

/** The size that a volume gets which is to have at least so many bytes. */
export const roundedSize = (bytes: number, type: FilesystemType | undefined): number =>
  Math.max(Math.ceil(bytes / MEBIBYTE) * MEBIBYTE, SMALLEST_BYTES[type ?? 'none'])

/** XFS where the machine has it: it grows while it is mounted, which ext4 does not do for a root without CAP_SYS_RESOURCE. */
export async function usualFilesystem(): Promise<FilesystemType> {
  const known = await readFile('/proc/filesystems', 'utf8')
  return /\bxfs\b/.test(known) && findProgram('mkfs.xfs') !== undefined ? 'xfs' : 'ext4'
}

export async function makeFilesystem(scope: Scope, type: FilesystemType, image: string): Promise<void> {
  await runCommand(scope, `mkfs.${type}`, type === 'xfs' ? ['-q', '-f', image] : ['-q', '-F', '-m', '0', image])
  // What was written as zeros needs no room on the node's disk.
  await runCommand(scope, 'fallocate', ['--dig-holes', image])
}

/** A clone of a mounted XFS has the same identity as it: that does not keep it from being mounted beside it. */
export const mountOptionsOf = (type: FilesystemType): readonly string[] => (type === 'xfs' ? ['nouuid'] : [])

/** Lets a mounted file system have all of its device. Idempotent. */
export async function growMounted(scope: Scope, type: FilesystemType, device: string, mountPoint: string): Promise<void> {
  if (type === 'xfs') await runCommand(scope, 'xfs_growfs', ['-d', mountPoint])
  else await runCommand(scope, 'resize2fs', [device])
}

/** The same before it is mounted, where that can be done; XFS only grows when it is. */
export async function growUnmounted(scope: Scope, type: FilesystemType, device: string): Promise<void> {
  if (type !== 'ext4') return
  try {
    await runCommand(scope, 'e2fsck', ['-f', '-p', device])
  } catch (error) {
    // It has found something and mended it.
    if (!(error instanceof CommandFailed) || error.exitCode !== 1) throw error
  }
  await runCommand(scope, 'resize2fs', [device])
}
