import { UserError } from '#base'
import { layoutOf, runningContainerd } from '#node'
import { hostOptions } from '../up/commands.ts'
import type { Instance } from './instance.ts'

/** Pods may be there. */
export const isAnyNodeUp = (stateDir: string, known: Instance): boolean =>
  known.nodes.some((_, index) => runningContainerd(layoutOf(hostOptions(stateDir, known, index))) !== undefined)

/** The instance with the containerd that is asked for from now on. One that runs is not exchanged under its containers. */
export function withContainerd(stateDir: string, known: Instance, { containerd }: { readonly containerd?: string }): Instance {
  if (containerd === undefined || containerd === known.containerdDir) return known
  if (isAnyNodeUp(stateDir, known))
    throw new UserError(`the cluster runs with the containerd of ${known.containerdDir ?? 'the machine'}`, 'stop it first: sampan down')
  return { ...known, containerdDir: containerd }
}
