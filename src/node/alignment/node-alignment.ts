import { existsSync } from 'node:fs'
import { type Scope, UserError } from '#base'
import type { core } from '#api'
import type { CpuOptions } from '../cpus/cpu-policy.ts'
import { ExclusiveCpus } from '../cpus/exclusive-cpus.ts'
import { type LiveContainer, SharedCpus } from '../cpus/shared-cpus.ts'
import type { ContainerRuntime } from '../cri/runtime.ts'
import type { PodResources } from '../devices/container-extras.ts'
import type { DevicePlugins } from '../devices/device-plugins.ts'
import type { Block } from '../memory-nodes/memory-state.ts'
import { PinnedMemory } from '../memory-nodes/pinned-memory.ts'
import { type ReservedMemory, verifyReservedMemory } from '../memory-nodes/reserved-memory.ts'
import { initContainersOf, mainContainersOf, qosClassOf, uidOf } from '../pods/pod-facts.ts'
import { type Topology, readTopology } from '../topology/machine-topology.ts'
import { type NumberSet, formatNumbers, sorted } from '../topology/number-list.ts'
import { AlignedResources } from './aligned-resources.ts'
import { MOST_NODES, nodesIn } from './hints.ts'
import type { Placement } from './provider.ts'
import { NO_ALIGNMENT, type TopologyPolicy } from './topology-policy.ts'

export interface AlignmentOptions {
  /** Undefined: nobody has processors of their own. */
  readonly cpus: CpuOptions | undefined
  readonly reservedCpus: NumberSet | undefined
  /** Undefined: memory is from anywhere. */
  readonly memory: ReservedMemory | undefined
  readonly topology: TopologyPolicy
}
export const NOTHING_ALIGNED: AlignmentOptions = { cpus: undefined, reservedCpus: undefined, memory: undefined, topology: NO_ALIGNMENT }

export interface AlignmentParts {
  readonly options: AlignmentOptions
  readonly cpusFile: string
  readonly memoryFile: string
  readonly reservedCpuMilli: number
  /** Kept from pods, the hard eviction threshold included. */
  readonly reservedMemoryBytes: number
  readonly devices: DevicePlugins
  readonly runtime: Pick<ContainerRuntime, 'updateContainerResources'>
  readonly live: () => readonly LiveContainer[]
  readonly topology?: Topology
}

/** What of the machine is whose: the kubelet's CPU, memory and topology managers. */
export interface NodeAlignment {
  /** Devices too: they are given together with the rest. */
  readonly resources: PodResources
  placementOf(pod: core.Pod, container: string): Placement
  hasOwnCpus(podUid: string): boolean
  /** Why a pod cannot be given other resources while it runs; undefined when it can. */
  refuseResize(pod: core.Pod, granted: core.Pod): { readonly reason: string; readonly message: string } | undefined
  cpusOf(pod: core.Pod, container: string): readonly number[]
  usableCpus(): readonly number[]
  memoryOf(pod: core.Pod, container: string): readonly Block[]
  usableMemory(): readonly Block[]
  /** Takes back what pods have that are not among these. */
  keepOnly(present: ReadonlySet<string>): Promise<void>
  /** Until the scope ends. */
  run(scope: Scope): Promise<void>
}

/** Reads the machine and what was given before. Throws `UserError` where the options do not fit them. */
export async function nodeAlignment(parts: AlignmentParts): Promise<NodeAlignment> {
  const { options, devices } = parts
  const topology = parts.topology ?? readTopology()
  verifyNodes(options.topology, topology)
  for (const [isOff, file] of [
    [options.cpus === undefined, parts.cpusFile],
    [options.memory === undefined, parts.memoryFile],
  ] as const)
    if (isOff && existsSync(file))
      throw new UserError(
        `${file} is of a static policy, which the agent is no longer told to follow`,
        'drain the node, remove the file, then start the agent again',
      )
  if (options.memory !== undefined) verifyReservedMemory(options.memory, topology, parts.reservedMemoryBytes)
  const memory = options.memory && new PinnedMemory(parts.memoryFile, topology, options.memory)
  const cpus =
    options.cpus &&
    new ExclusiveCpus({
      path: parts.cpusFile,
      topology,
      options: options.cpus,
      reservedCpus: options.reservedCpus,
      reservedMilli: parts.reservedCpuMilli,
      changed: () => shared?.changed(),
    })
  const shared = cpus && new SharedCpus(cpus, parts.runtime, parts.live)
  await Promise.all([cpus?.start(), memory?.start()])
  const aligned = new AlignedResources(options.topology, topology.nodes, [devices, ...(cpus ? [cpus] : []), ...(memory ? [memory] : [])])
  return {
    resources: {
      prepare: (scope, pod) => aligned.prepare(scope, pod),
      extrasOf: (scope, pod, container) => devices.extrasOf(scope, pod, container),
      release: (scope, pod) => aligned.release(scope, pod),
      healthOf: (pod, container) => devices.healthOf(pod, container),
    },
    placementOf(pod, container) {
      const blocks = memory?.of(uidOf(pod), container) ?? []
      return {
        ...(shared && { cpus: shared.wanted(uidOf(pod), container) }),
        ...(cpus?.of(uidOf(pod), container) && { cpuQuotaUs: 0 }),
        ...(blocks.length > 0 && { memoryNodes: formatNumbers(new Set(blocks.flatMap(({ nodes }) => nodesIn(nodes)))) }),
      }
    },
    hasOwnCpus: (podUid) => cpus?.hasAny(podUid) ?? false,
    refuseResize(pod, granted) {
      if (qosClassOf(pod) !== 'Guaranteed') return undefined
      const infeasible = (manager: string, policy: string) => ({
        reason: 'Infeasible',
        message: `Resize is infeasible for Guaranteed Pods alongside ${manager} Manager policy ${JSON.stringify(policy)}`,
      })
      if (cpus !== undefined && asks(pod, 'cpu') !== asks(granted, 'cpu')) return infeasible('CPU', 'static')
      if (memory !== undefined && asks(pod, 'memory') !== asks(granted, 'memory')) return infeasible('Memory', 'Static')
      return undefined
    },
    cpusOf: (pod, container) => sorted(cpus?.of(uidOf(pod), container) ?? []),
    usableCpus: () => sorted(cpus?.usable ?? []),
    memoryOf: (pod, container) => memory?.of(uidOf(pod), container) ?? [],
    usableMemory: () => memory?.usable ?? [],
    async keepOnly(present) {
      await Promise.all([devices.keepOnly(present), cpus?.keepOnly(present), memory?.keepOnly(present)])
    },
    run: async (scope) => shared?.run(scope),
  }
}

/** What the containers ask for of a resource, as text to compare. */
const asks = (pod: core.Pod, resource: string): string =>
  [...initContainersOf(pod), ...mainContainersOf(pod)].map(({ name, resources }) => `${name}=${resources?.requests?.[resource]}`).join()

function verifyNodes(policy: TopologyPolicy, { nodes }: Topology): void {
  const most = Math.min(policy.mostNodes, MOST_NODES)
  if (policy.name !== 'none' && (nodes.length > most || nodes.some(({ id }) => id >= MOST_NODES)))
    throw new UserError(
      `topology manager policy ${policy.name} on a machine with ${nodes.length} memory nodes`,
      `it can weigh at most ${most}; raise max-allowable-numa-nodes, or use the policy none`,
    )
}
