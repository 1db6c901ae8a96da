import { type Command, Option } from 'commander'
import { UserError } from '#base'
import type { AlignmentFlags } from '#node'
import { several } from './common-flags.ts'

/** What an agent is told of the room on its node. The names are the kubelet's. */
export interface RoomFlags extends AlignmentFlags {
  readonly kubeReserved?: string
  readonly systemReserved?: string
  readonly maxPods: number
  readonly podMaxPids: number
  /** Seconds. */
  readonly shutdownGracePeriod: number
  readonly shutdownGracePeriodCriticalPods: number
  readonly shutdownGracePeriodByPodPriority: string
}

export const roomFlags = (command: Command): Command =>
  command
    .option(
      '--kube-reserved <amounts>',
      "kept from pods for the cluster's own programs: NAME=AMOUNT of cpu, memory, ephemeral-storage, pid",
    )
    .option('--system-reserved <amounts>', 'kept from pods for everything else on the machine, in the same form')
    .option('--reserved-cpus <list>', 'processors that are kept instead of the cpu of the two: as in 0-1,8')
    .addOption(
      new Option('--cpu-manager-policy <policy>', 'static: a guaranteed pod that asks for whole processors gets them for itself')
        .choices(['none', 'static'])
        .default('none'),
    )
    .option(
      '--cpu-manager-policy-options <options>',
      'full-pcpus-only, strict-cpu-reservation, prefer-align-cpus-by-uncorecache, distribute-cpus-across-numa: NAME=true, with commas',
      '',
    )
    .addOption(
      new Option('--memory-manager-policy <policy>', 'Static: the memory of a guaranteed pod is of as few memory nodes as can be')
        .choices(['None', 'Static'])
        .default('None'),
    )
    .option('--reserved-memory <amounts>', 'kept from pods of a memory node: NODE:memory=AMOUNT,… (may be repeated)', several, [])
    .addOption(
      new Option('--topology-manager-policy <policy>', 'whether processors, memory and devices of a container have to be near each other')
        .choices(['none', 'best-effort', 'restricted', 'single-numa-node'])
        .default('none'),
    )
    .addOption(
      new Option('--topology-manager-scope <scope>', 'or those of the whole pod').choices(['container', 'pod']).default('container'),
    )
    .option(
      '--topology-manager-policy-options <options>',
      'prefer-closest-numa-nodes=true, max-allowable-numa-nodes=COUNT, with commas',
      '',
    )
    .option('--max-pods <count>', 'how many pods the node takes', whole, 110)
    .option('--pod-max-pids <count>', 'most processes of one pod (0: as many as all pods together may have)', whole, 0)
    .option('--shutdown-grace-period <seconds>', 'how long pods get when the machine goes down (0: nobody waits for them)', whole, 0)
    .option('--shutdown-grace-period-critical-pods <seconds>', 'the part of it that is kept for critical pods, which end last', whole, 0)
    .option('--shutdown-grace-period-by-pod-priority <periods>', 'instead: PRIORITY=SECONDS for pods from there on, with commas', '')

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UserError(`not a number: ${text}`, 'give a whole number')
  return Number(text)
}
