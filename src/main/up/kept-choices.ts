import { UserError } from '#base'
import { isSupervised } from '../background/processes.ts'
import { isAnyNodeUp } from '../instance/containerd.ts'
import type { Instance } from '../instance/instance.ts'
import type { UpFlags } from '../program/flags.ts'
import { SERVER } from './commands.ts'

/** Once it is asked for, it is there whenever the cluster is. */
export function withParts(stateDir: string, known: Instance, flags: UpFlags): Instance {
  const gateway = flags.gateway === true || known.gateway === true
  const delivery = flags.delivery === true || known.delivery === true
  if (gateway === (known.gateway === true) && delivery === (known.delivery === true)) return known
  return { ...known, ...(gateway ? { gateway } : {}), ...(delivery ? { delivery } : {}) }
}

/** Server and agents are told when they start. */
export function withFailover(stateDir: string, known: Instance, { failover }: UpFlags): Instance {
  if (failover === undefined || failover === (known.failover ?? 'usual')) return known
  if (isSupervised(stateDir, SERVER.name))
    throw new UserError(`the cluster runs with --failover ${known.failover ?? 'usual'}`, 'stop it first: sampan down')
  return { ...known, failover }
}

/** Nodes that run are told one after the other, once the API answers. Pods keep the links that they were made with: those of a switch, and others, cannot be neighbours. */
export function withMode(stateDir: string, known: Instance, { network }: UpFlags): Instance {
  if (network === undefined || network === known.networkMode || known.version === 1) return known
  if (network === 'bridge' && known.cniConfig !== undefined)
    throw new UserError(`the chain of ${known.cniConfig} says itself what links pods have`, 'give --cni-config default, too')
  if ((network === 'bridge') !== (known.networkMode === 'bridge') && isAnyNodeUp(stateDir, known))
    throw new UserError(`the cluster runs with --network ${known.networkMode}`, 'stop it first: sampan down')
  return { ...known, networkMode: network }
}
