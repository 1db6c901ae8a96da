import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { UserError } from '#base'
import { logFile } from '../background/processes.ts'
import { locate } from '../instance/locate.ts'
import type { InstanceFlags } from '../program/flags.ts'
import { componentsOf } from '../up/commands.ts'

const LINES = 200

/** `sampan logs`: the end of a component's log. */
export async function runLogs(component: string, flags: InstanceFlags & { readonly follow: boolean }): Promise<void> {
  const { stateDir, instance } = locate(flags)
  const names = componentsOf(instance).map(({ name }) => name)
  if (!names.includes(component)) throw new UserError(`there is no component ${component}`, `there are: ${names.join(', ')}`)
  const file = logFile(stateDir, component)
  if (!existsSync(file)) throw new UserError(`${component} has not logged anything`, 'start it with: sampan up')
  spawnSync('tail', ['-n', String(LINES), ...(flags.follow ? ['-F'] : []), file], { stdio: 'inherit' })
}
