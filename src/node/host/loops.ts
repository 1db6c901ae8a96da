import { existsSync, readFileSync, readdirSync } from 'node:fs'
import type { Scope } from '#base'
import { runCommand } from './command.ts'
import { mountsOfSource } from './mount-table.ts'

/** Unmounts file systems in files of a folder wherever they are mounted, and takes the block devices away that show such files. */
export async function releaseLoops(scope: Scope, dir: string): Promise<void> {
  for (const name of readdirSync('/sys/block').filter((one) => one.startsWith('loop'))) {
    const backing = `/sys/block/${name}/loop/backing_file`
    if (!existsSync(backing) || !readFileSync(backing, 'utf8').startsWith(`${dir}/`)) continue
    const mounts = await mountsOfSource(`/dev/${name}`)
    for (const point of mounts.toReversed()) await runCommand(scope, 'umount', ['--no-canonicalize', point])
    // The last unmounting may have taken it away.
    if (existsSync(backing)) await runCommand(scope, 'losetup', ['--detach', `/dev/${name}`])
  }
}
