import type { Command } from 'commander'
import { UserError } from '#base'

/** What an agent is told of the room on its node. The names are the kubelet's. */
export interface RoomFlags {
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
    .option('--max-pods <count>', 'how many pods the node takes', whole, 110)
    .option('--pod-max-pids <count>', 'most processes of one pod (0: as many as all pods together may have)', whole, 0)
    .option('--shutdown-grace-period <seconds>', 'how long pods get when the machine goes down (0: nobody waits for them)', whole, 0)
    .option('--shutdown-grace-period-critical-pods <seconds>', 'the part of it that is kept for critical pods, which end last', whole, 0)
    .option('--shutdown-grace-period-by-pod-priority <periods>', 'instead: PRIORITY=SECONDS for pods from there on, with commas', '')

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UserError(`not a number: ${text}`, 'give a whole number')
  return Number(text)
}
