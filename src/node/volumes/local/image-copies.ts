import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scope } from '#base'
import { runCommand } from '../../host/command.ts'
import { mountsOfSource } from '../../host/mount-table.ts'
import { loopDevicesOf } from './loop-devices.ts'

/** In the volume's folder while nothing can be written to it: the place where it is mounted. */
const FROZEN = 'frozen'

/**
 * Copies an image as it is at one moment, sharing blocks where the disk's file system can. A file system in it that is mounted is whole on
 * disk and stands still meanwhile: one program freezes, copies and thaws, so that it thaws even when this process is killed. A device that
 * pods write to themselves is copied as it is on disk. `holder`: the folder of a volume that may be in use.
 */
export async function copyImage(scope: Scope, image: string, target: string, holder: string | undefined): Promise<void> {
  const copy = ['--reflink=auto', '--sparse=always', image, target]
  const devices = holder === undefined ? [] : await loopDevicesOf(image)
  const mounted = (await Promise.all(devices.map(mountsOfSource))).flat()[0]
  if (holder === undefined || mounted === undefined) {
    for (const device of devices) await runCommand(scope, 'blockdev', ['--flushbufs', device])
    await runCommand(scope, 'cp', copy)
    return
  }
  await writeFile(join(holder, FROZEN), mounted)
  const script =
    'at=$1; shift; trap "" HUP INT TERM; fsfreeze --freeze "$at" || exit 1; cp "$@"; code=$?; fsfreeze --unfreeze "$at"; exit $code'
  try {
    await runCommand(scope, 'sh', ['-c', script, 'sh', mounted, ...copy])
  } finally {
    await rm(join(holder, FROZEN), { force: true })
  }
}

/** What a program that was killed has left frozen can be written to again. */
export async function thaw(scope: Scope, holder: string): Promise<void> {
  const note = join(holder, FROZEN)
  if (!existsSync(note)) return
  const at = await readFile(note, 'utf8')
  await runCommand(scope, 'fsfreeze', ['--unfreeze', at]).catch((error: unknown) => {
    scope.log.info('a volume was not frozen any more', { at, error: String(error) })
  })
  await rm(note, { force: true })
}
