import { UserError } from '#base'
import { quantityValue } from '#api'
import type { Topology } from '../topology/machine-topology.ts'

/** By memory node and resource name: bytes that pods do not get. */
export type ReservedMemory = ReadonlyMap<number, ReadonlyMap<string, number>>

/** `NODE:NAME=AMOUNT,NAME=AMOUNT`, each for one memory node, as the kubelet has them: `0:memory=1Gi,hugepages-2Mi=64Mi`. Throws `UserError`. */
export function parseReservedMemory(texts: readonly string[]): ReservedMemory {
  const reserved = new Map<number, Map<string, number>>()
  for (const text of texts) {
    const wrong = (): UserError => new UserError(`not a reservation of memory: ${text}`, 'write it like 0:memory=1Gi,hugepages-2Mi=64Mi')
    const [, node = '', amounts = ''] = /^(\d{1,3}):(.+)$/.exec(text) ?? []
    if (node === '') throw wrong()
    const ofNode = reserved.get(Number(node)) ?? new Map<string, number>()
    reserved.set(Number(node), ofNode)
    for (const part of amounts.split(',')) {
      const [name = '', amount = ''] = part.split('=')
      if (!isMemory(name)) throw wrong()
      try {
        ofNode.set(name, (ofNode.get(name) ?? 0) + quantityValue(amount))
      } catch {
        throw wrong()
      }
    }
  }
  return reserved
}

export const isMemory = (resource: string): boolean => resource === 'memory' || resource.startsWith('hugepages-')

/** The memory nodes together keep exactly what the node keeps from pods: otherwise the scheduler would count on other memory than there is. Throws `UserError`. */
export function verifyReservedMemory(reserved: ReservedMemory, { nodes }: Topology, keptBytes: number): void {
  for (const id of reserved.keys())
    if (!nodes.some((node) => node.id === id))
      throw new UserError(`there is no memory node ${id} on this machine`, `there are ${nodes.map((node) => node.id).join(', ')}`)
  const sums = new Map<string, number>([['memory', 0]])
  for (const amounts of reserved.values()) for (const [name, bytes] of amounts) sums.set(name, (sums.get(name) ?? 0) + bytes)
  for (const [name, bytes] of sums) {
    const kept = name === 'memory' ? keptBytes : 0
    if (bytes !== kept)
      throw new UserError(
        `--reserved-memory keeps ${bytes} bytes of ${name}, and the node keeps ${kept}`,
        'make it the sum of --kube-reserved, --system-reserved and the hard eviction threshold of memory.available',
      )
  }
  if (keptBytes <= 0)
    throw new UserError(
      'the static memory manager policy needs memory for the node itself',
      'reserve some with --reserved-memory and --system-reserved',
    )
}
