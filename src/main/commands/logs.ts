import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { UserError } from '#base'
import { logFile } from '../background/processes.ts'
import { locate } from '../instance/locate.ts'
import type { InstanceFlags } from '../flags.ts'
import { COMPONENTS } from '../up/commands.ts'

const LINES = 200

/** `sampan logs`: the end of a component's log. */
export async function runLogs(component: string, flags: InstanceFlags & { readonly follow: boolean }): Promise<void> {
  const { stateDir } = locate(flags)
  if (!(COMPONENTS as readonly string[]).includes(component))
    throw new UserError(`there is no component ${component}`, `there are: ${COMPONENTS.join(', ')}`)
  const file = logFile(stateDir, component)
  if (!existsSync(file)) throw new UserError(`${component} has not logged anything`, 'start it with: sampan up')
  spawnSync('tail', ['-n', String(LINES), ...(flags.follow ? ['-F'] : []), file], { stdio: 'inherit' })
}
