import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scope } from '#base'
import { runCommand } from '../../host/command.ts'

const BLOCK_DEVICES = '/sys/block'

/** The loop devices that show a file, as the kernel has them now. More than one is what a crash between two steps has left. */
export async function loopDevicesOf(image: string): Promise<readonly string[]> {
  const names = (await readdir(BLOCK_DEVICES)).filter((name) => name.startsWith('loop'))
  const found = await Promise.all(
    names.map(async (name) => {
      const file = await readFile(join(BLOCK_DEVICES, name, 'loop', 'backing_file'), 'utf8').catch(() => '')
      return file.trimEnd() === image ? [`/dev/${name}`] : []
    }),
  )
  return found.flat()
}

/** The device that shows a file; made when there is none. */
export async function attachLoop(scope: Scope, image: string): Promise<string> {
  const [there] = await loopDevicesOf(image)
  if (there !== undefined) return there
  return (await runCommand(scope, 'losetup', ['--find', '--show', image])).trim()
}

/** Gives the file's devices back; one that is still mounted goes when it is no more. */
export async function detachLoops(scope: Scope, image: string): Promise<void> {
  for (const device of await loopDevicesOf(image)) await runCommand(scope, 'losetup', ['--detach', device])
}

/** Has the file's devices see how large it is now. */
export async function resizeLoops(scope: Scope, image: string): Promise<void> {
  for (const device of await loopDevicesOf(image)) await runCommand(scope, 'losetup', ['--set-capacity', device])
}
