import { delimiter } from 'node:path'
import { messageOf } from '#base'
import type { Progress } from '#cli'
import { type NeededProgram, installPackages, missingPrograms } from '../machine/packages.ts'
import { PACK, findPack, isPackingOff } from '../pack/find-pack.ts'

/** Installs what is missing of the programs, and packs Sampan itself: what is started from here on loads in a third of the time. Without a pack it runs all the same. */
export async function prepareMachine(progress: Progress, wanted: readonly NeededProgram[], containerdDir = ''): Promise<void> {
  await progress.step('machine', (note) => {
    const missing = [
      ...new Set(missingPrograms(wanted, [containerdDir, process.env['PATH'] ?? ''].join(delimiter)).map((needed) => needed.package)),
    ]
    if (missing.length === 0) return
    installPackages(missing)
    note(`installed ${missing.join(', ')}`)
  })
  if (isPackingOff(process.env) || findPack(process.env) !== undefined) return
  await progress.step('program', async (note) => {
    const { makePack } = await import('../pack/make-pack.ts')
    note(
      await makePack(process.env).then(
        (pack) => {
          process.env[PACK] = pack
          return 'packed'
        },
        (error: unknown) => `not packed: ${messageOf(error)}`,
      ),
    )
  })
}
