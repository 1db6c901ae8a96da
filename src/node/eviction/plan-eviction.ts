import { type core, canonicalQuantity, quantityValue } from '#api'
import { isCritical, qosClassOf } from '../pods/pod-facts.ts'
import { type Observations, type Signal, type Threshold, amountOf } from './thresholds.ts'

export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure'
export const PRESSURES: Readonly<Record<Signal, Pressure>> = {
  'memory.available': 'MemoryPressure',
  'nodefs.available': 'DiskPressure',
  'nodefs.inodesFree': 'DiskPressure',
  'imagefs.available': 'DiskPressure',
  'imagefs.inodesFree': 'DiskPressure',
  'pid.available': 'PIDPressure',
}
type Starved = 'memory' | 'ephemeral-storage' | 'inodes' | 'pids'
const STARVED: Readonly<Record<Signal, Starved>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'nodefs.inodesFree': 'inodes',
  'imagefs.available': 'ephemeral-storage',
  'imagefs.inodesFree': 'inodes',
  'pid.available': 'pids',
}

export interface PodUse {
  readonly pod: core.Pod
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly inodes: number
  readonly pids: number
  readonly containers: readonly { readonly name: string; readonly memoryBytes: number; readonly diskBytes: number }[]
}

export interface Met {
  readonly threshold: Threshold
  readonly sinceMs: number
}

/** The thresholds that are met, each with since when, memory first. `before` is what this function gave last time. */
export function metThresholds(thresholds: readonly Threshold[], observations: Observations, before: readonly Met[], now: number): Met[] {
  return thresholds
    .filter((threshold) => {
      const seen = observations.get(threshold.signal)
      return seen !== undefined && seen.available < amountOf(threshold, seen)
    })
    .map((threshold) => ({ threshold, sinceMs: before.find((one) => one.threshold === threshold)?.sinceMs ?? now }))
    .toSorted((a, b) => Number(b.threshold.signal === 'memory.available') - Number(a.threshold.signal === 'memory.available'))
}

/** Those for which something has to go now. */
export const dueThresholds = (met: readonly Met[], now: number): Threshold[] =>
  met.filter(({ threshold, sinceMs }) => now - sinceMs >= threshold.graceMs).map(({ threshold }) => threshold)

export interface Eviction {
  readonly pod: core.Pod
  readonly message: string
  readonly graceSeconds: number
}

/** Which pod goes for the sake of a threshold: first those that use more than they asked for, then the least important, then the largest. Never a critical one. */
export function chooseVictim(
  threshold: Threshold,
  observations: Observations,
  pods: readonly PodUse[],
  mostGraceSeconds: number,
): Eviction | undefined {
  const starved = STARVED[threshold.signal]
  const [victim] = pods
    .filter(({ pod }) => !isCritical(pod))
    .toSorted(
      (a, b) =>
        Number(exceeds(b, starved)) - Number(exceeds(a, starved)) ||
        (a.pod.spec?.priority ?? 0) - (b.pod.spec?.priority ?? 0) ||
        excess(b, starved) - excess(a, starved),
    )
  if (victim === undefined) return undefined
  const graceSeconds = threshold.graceMs === 0 ? 1 : Math.min(mostGraceSeconds, victim.pod.spec?.terminationGracePeriodSeconds ?? 30)
  return { pod: victim.pod, graceSeconds, message: evictionMessage(threshold, observations, victim) }
}

function use(pod: PodUse, starved: Starved): number {
  switch (starved) {
    case 'memory':
      return pod.memoryBytes
    case 'ephemeral-storage':
      return pod.diskBytes
    case 'inodes':
      return pod.inodes
    case 'pids':
      return pod.pids
    default:
      return starved satisfies never
  }
}

function requested({ pod }: PodUse, starved: Starved): number {
  if (starved === 'inodes' || starved === 'pids') return 0
  const own = pod.spec?.resources?.requests?.[starved]
  if (own !== undefined) return quantityValue(own)
  return (pod.spec?.containers ?? []).reduce((sum, { resources }) => sum + quantityValue(resources?.requests?.[starved] ?? '0'), 0)
}
const excess = (pod: PodUse, starved: Starved): number => use(pod, starved) - requested(pod, starved)
const exceeds = (pod: PodUse, starved: Starved): boolean =>
  (starved === 'memory' || starved === 'ephemeral-storage') && excess(pod, starved) > 0

export const binary = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value !== 0 && value % 1024 === 0 && unit < BINARY.length - 1) {
    value /= 1024
    unit++
  }
  return `${value}${BINARY[unit] ?? ''}`
}
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const

function evictionMessage(threshold: Threshold, observations: Observations, { pod, containers }: PodUse): string {
  const starved = STARVED[threshold.signal]
  const seen = observations.get(threshold.signal)
  const shown = (amount: number): string => (starved === 'inodes' || starved === 'pids' ? String(amount) : binary(amount))
  const quantity =
    seen === undefined ? '' : `Threshold quantity: ${shown(amountOf(threshold, seen))}, available: ${shown(seen.available)}. `
  const blamed = containers.flatMap(({ name, memoryBytes, diskBytes }) => {
    if (starved !== 'memory' && starved !== 'ephemeral-storage') return []
    const container = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find((one) => one.name === name)
    if (container === undefined) return []
    const request = container.resources?.requests?.[starved]
    const bytes = starved === 'memory' ? memoryBytes : diskBytes
    return bytes > (request === undefined ? 0 : quantityValue(request))
      ? [
          `Container ${name} was using ${binary(bytes)}, request is ${request === undefined ? '0' : canonicalQuantity(request)}, has larger consumption of ${starved}. `,
        ]
      : []
  })
  return `The node was low on resource: ${starved}. ${quantity}${blamed.join('')}`
}

/** Why a pod uses more of the node's disk than it may. `emptyDirs` and `containers` in bytes by name, `bytes` all together. */
export function overLimit(
  pod: core.Pod,
  use: { readonly bytes: number; readonly emptyDirs: ReadonlyMap<string, number>; readonly containers: ReadonlyMap<string, number> },
): string | undefined {
  for (const { name, emptyDir } of pod.spec?.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    if (limit !== undefined && quantityValue(limit) > 0 && (use.emptyDirs.get(name) ?? 0) > quantityValue(limit))
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit)}. `
  }
  const limits = (pod.spec?.containers ?? []).map(({ resources }) => resources?.limits?.['ephemeral-storage'])
  const total = limits.reduce((sum, limit) => sum + quantityValue(limit ?? '0'), 0)
  if (limits.length > 0 && limits.every((limit) => limit !== undefined) && use.bytes > total)
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${binary(total)}. `
  for (const { name, resources } of pod.spec?.containers ?? []) {
    const limit = resources?.limits?.['ephemeral-storage']
    if (limit !== undefined && (use.containers.get(name) ?? 0) > quantityValue(limit))
      return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `
  }
  return undefined
}

/** Whether some of a pod's use of the disk is limited: nobody else's is measured. */
export const hasDiskLimit = (pod: core.Pod): boolean =>
  (pod.spec?.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && (emptyDir.medium ?? '') === '') ||
  (pod.spec?.containers ?? []).some(({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined)

/** What a node under pressure says to a new pod; undefined when it may come. */
export function refusedUnder(pressures: ReadonlySet<Pressure>, pod: core.Pod): string | undefined {
  if (pressures.size === 0 || isCritical(pod)) return undefined
  const onlyMemory = pressures.size === 1 && pressures.has('MemoryPressure')
  if (onlyMemory && (qosClassOf(pod) !== 'BestEffort' || toleratesMemoryPressure(pod))) return undefined
  return `The node had condition: [${[...pressures].join(' ')}]. `
}

const toleratesMemoryPressure = (pod: core.Pod): boolean =>
  (pod.spec?.tolerations ?? []).some(
    ({ key = '', operator = 'Equal', value = '', effect = '' }) =>
      (effect === '' || effect === 'NoSchedule') &&
      (key === '' ? operator === 'Exists' : key === 'node.kubernetes.io/memory-pressure' && (operator === 'Exists' || value === '')),
  )
