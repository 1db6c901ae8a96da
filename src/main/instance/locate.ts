import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UserError } from '#base'
import type { InstanceFlags } from '../program/flags.ts'
import { type Instance, kubeconfigOf, readInstance } from './instance.ts'

const ROOT = '/var/lib/sampan'

export const stateDirOf = (flags: InstanceFlags): string => resolve(flags.stateDir ?? join(ROOT, flags.name))

/** The instance that a command speaks of. Throws when there is none. */
export function locate(flags: InstanceFlags): { readonly stateDir: string; readonly instance: Instance } {
  const stateDir = stateDirOf(flags)
  const instance = readInstance(stateDir)
  if (instance === undefined)
    throw new UserError(
      `there is no cluster in ${stateDir}`,
      existsSync(ROOT) && readdirSync(ROOT).length > 0 ? `those there are: ${readdirSync(ROOT).join(', ')}` : 'start one with: sampan up',
    )
  return { stateDir, instance }
}

/** As `locate`, for what only the machine with the server can do. */
export function locateServer(flags: InstanceFlags): ReturnType<typeof locate> {
  const found = locate(flags)
  if (found.instance.joined !== undefined)
    throw new UserError('this machine has only joined a cluster', `run this where its server is (${found.instance.joined.server})`)
  return found
}

/** The administrator's kubeconfig of the cluster on this machine. Throws when no server has written it yet. */
export function kubeconfigIn({ stateDir, instance }: ReturnType<typeof locate>): string {
  const file = kubeconfigOf(stateDir, instance)
  if (!existsSync(file)) throw new UserError(`the cluster in ${stateDir} has never run`, `start it with: sampan up --name ${instance.name}`)
  return file
}

/** How a command about a cluster reaches it: as it was told, or as the administrator of the one on this machine. */
export const administratorKubeconfig = (flags: InstanceFlags & { readonly kubeconfig?: string }): string =>
  flags.kubeconfig ?? kubeconfigIn(locateServer(flags))
