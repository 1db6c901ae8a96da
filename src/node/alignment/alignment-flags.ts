import { UserError } from '#base'
import { cpuOptions } from '../cpus/cpu-policy.ts'
import { parseReservedMemory } from '../memory-nodes/reserved-memory.ts'
import { parseNumbers } from '../topology/number-list.ts'
import type { AlignmentOptions } from './node-alignment.ts'
import { type TopologyPolicy, topologyPolicy } from './topology-policy.ts'

/** As the command line gives them; the names are the kubelet's. */
export interface AlignmentFlags {
  readonly cpuManagerPolicy: 'none' | 'static'
  readonly cpuManagerPolicyOptions: string
  readonly reservedCpus?: string
  readonly memoryManagerPolicy: 'None' | 'Static'
  readonly reservedMemory: readonly string[]
  readonly topologyManagerPolicy: TopologyPolicy['name']
  readonly topologyManagerScope: TopologyPolicy['scope']
  readonly topologyManagerPolicyOptions: string
}

/** Throws `UserError` for what cannot be, and for what would have no effect. */
export function alignmentOptions(flags: AlignmentFlags): AlignmentOptions {
  const isStatic = flags.cpuManagerPolicy === 'static'
  if (!isStatic && flags.cpuManagerPolicyOptions !== '')
    throw new UserError('--cpu-manager-policy-options without --cpu-manager-policy static', 'give both, or neither')
  if (flags.memoryManagerPolicy === 'None' && flags.reservedMemory.length > 0)
    throw new UserError('--reserved-memory without --memory-manager-policy Static', 'give both, or neither')
  return {
    cpus: isStatic ? cpuOptions(flags.cpuManagerPolicyOptions) : undefined,
    reservedCpus: flags.reservedCpus === undefined || flags.reservedCpus === '' ? undefined : parseNumbers(flags.reservedCpus),
    memory: flags.memoryManagerPolicy === 'Static' ? parseReservedMemory(flags.reservedMemory) : undefined,
    topology: topologyPolicy(flags.topologyManagerPolicy, flags.topologyManagerScope, flags.topologyManagerPolicyOptions),
  }
}
