import type { Command } from 'commander'
import { UserError } from '#base'

/** What an agent is told of the room on its node. The names are the kubelet's. */
export interface RoomFlags {
  readonly kubeReserved?: string
  readonly systemReserved?: string
  readonly maxPods: number
  readonly podMaxPids: number
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

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UserError(`not a number: ${text}`, 'give a whole number')
  return Number(text)
}
