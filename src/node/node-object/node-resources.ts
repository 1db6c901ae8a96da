import { UserError } from '#base'
import { formatQuantity, quantityMilli, quantityValue } from '#api'
import type { Threshold } from '../eviction/thresholds.ts'
import type { MachineFacts } from './facts.ts'

/** What is kept from pods, for the node's own programs. */
export interface Reserved {
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly storageBytes: number
  readonly pids: number
}
export const NOTHING_RESERVED: Reserved = { cpuMilli: 0, memoryBytes: 0, storageBytes: 0, pids: 0 }

const RESERVABLE = ['cpu', 'memory', 'ephemeral-storage', 'pid'] as const

/** `cpu=200m,memory=500Mi,ephemeral-storage=1Gi,pid=100`, several of which add up. Throws `UserError`. */
export function parseReserved(...texts: readonly (string | undefined)[]): Reserved {
  let sum = NOTHING_RESERVED
  for (const word of texts.flatMap((text) => (text ?? '').split(',')).map((part) => part.trim())) {
    if (word === '') continue
    const [name = '', amount = ''] = word.split('=')
    const wrong = (): UserError => new UserError(`not a reservation: ${word}`, `write NAME=AMOUNT, with a name of ${RESERVABLE.join(', ')}`)
    if (!(RESERVABLE as readonly string[]).includes(name)) throw wrong()
    try {
      if (quantityValue(amount) < 0) throw wrong()
      sum = {
        cpuMilli: sum.cpuMilli + (name === 'cpu' ? quantityMilli(amount) : 0),
        memoryBytes: sum.memoryBytes + (name === 'memory' ? quantityValue(amount) : 0),
        storageBytes: sum.storageBytes + (name === 'ephemeral-storage' ? quantityValue(amount) : 0),
        pids: sum.pids + (name === 'pid' ? quantityValue(amount) : 0),
      }
    } catch {
      throw wrong()
    }
  }
  return sum
}

/** By resource name: how many of a plugin's devices there are, and how many of them work. */
export interface DeviceCounts {
  readonly capacity: Readonly<Record<string, number>>
  readonly allocatable: Readonly<Record<string, number>>
}

export interface NodeResources {
  readonly capacity: Record<string, string>
  readonly allocatable: Record<string, string>
}

export interface ResourceFacts {
  readonly machine: MachineFacts
  readonly maxPods: number
  readonly reserved: Reserved
  /** Hard ones keep as much free of pods as they name. */
  readonly thresholds: readonly Threshold[]
  readonly devices: DeviceCounts
}

/** As much as is left when pods are evicted at once. */
export function keptFree(signal: Threshold['signal'], capacity: number, thresholds: readonly Threshold[]): number {
  const hard = thresholds.find((one) => one.signal === signal && one.graceMs === 0)
  return hard === undefined ? 0 : 'amount' in hard.least ? hard.least.amount : capacity * hard.least.part
}

/** What the node has, and what of it pods may ask for. */
export function nodeResources({ machine, maxPods, reserved, thresholds, devices }: ResourceFacts): NodeResources {
  const kept = (signal: Threshold['signal'], capacity: number): number => keptFree(signal, capacity, thresholds)
  const hugeBytes = machine.hugePages.reduce((sum, { bytes }) => sum + bytes, 0)
  const huge = Object.fromEntries(machine.hugePages.map(({ name, bytes }) => [`hugepages-${name}`, binary(bytes)]))
  const counts = (of: Readonly<Record<string, number>>): Record<string, string> =>
    Object.fromEntries(Object.entries(of).map(([name, count]) => [name, String(count)]))
  const { memoryBytes, storageBytes } = machine
  return {
    capacity: {
      cpu: String(machine.cpus),
      'ephemeral-storage': ki(storageBytes),
      ...huge,
      memory: ki(memoryBytes),
      pods: String(maxPods),
      ...counts(devices.capacity),
    },
    allocatable: {
      cpu: formatQuantity({ mantissa: BigInt(Math.max(machine.cpus * 1000 - reserved.cpuMilli, 0)), scale: -3, format: 'DecimalSI' }),
      'ephemeral-storage': String(Math.max(Math.floor(storageBytes - reserved.storageBytes - kept('nodefs.available', storageBytes)), 0)),
      ...huge,
      memory: ki(Math.max(memoryBytes - reserved.memoryBytes - hugeBytes - kept('memory.available', memoryBytes), 0)),
      pods: String(maxPods),
      ...counts(devices.allocatable),
    },
  }
}

const ki = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`
const binary = (bytes: number): string => formatQuantity({ mantissa: BigInt(bytes), scale: 0, format: 'BinarySI' })
