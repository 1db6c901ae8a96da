import { readSamples } from './prometheus-text.ts'

/** A counter of processor time at one moment, and the memory that was in use. */
interface Sample {
  readonly atMs: number
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

/** What one look at a node gave: its own sample under '', those of containers under `namespace/pod/container`. */
export interface Look {
  readonly atMs: number
  readonly samples: ReadonlyMap<string, Sample>
}

export interface Used {
  readonly atMs: number
  readonly windowMs: number
  /** Billionths of a core. */
  readonly nanocores: number
  readonly memoryBytes: number
}

const NODE = ''
const FAMILIES = new Set([
  'node_cpu_usage_seconds_total',
  'node_memory_working_set_bytes',
  'container_cpu_usage_seconds_total',
  'container_memory_working_set_bytes',
])

/** Reads the answer of a node's /metrics/resource. Samples without a time of their own are of now. */
export function readLook(text: string, nowMs: number): Look {
  const samples = new Map<string, { atMs: number; cpuSeconds?: number; memoryBytes?: number }>()
  for (const { name, labels, value, atMs } of readSamples(text, FAMILIES)) {
    const isNode = name.startsWith('node_')
    const id = isNode ? NODE : `${labels['namespace'] ?? ''}/${labels['pod'] ?? ''}/${labels['container'] ?? ''}`
    const sample = samples.get(id) ?? { atMs: nowMs }
    samples.set(id, sample)
    if (name.endsWith('_seconds_total')) Object.assign(sample, { cpuSeconds: value, atMs: atMs ?? nowMs })
    else sample.memoryBytes = value
  }
  const whole = new Map<string, Sample>()
  for (const [id, { atMs, cpuSeconds, memoryBytes }] of samples)
    if (cpuSeconds !== undefined && memoryBytes !== undefined) whole.set(id, { atMs, cpuSeconds, memoryBytes })
  return { atMs: nowMs, samples: whole }
}

/** Rates are of at least this long, however often somebody asks. */
const WINDOW_MS = 600
/** An earlier look that is older than this says nothing about now. */
const STALE_MS = 60_000

/** Of looks in the order of time those that rates can begin with: the newest one that is old enough for a window, and those after it. */
export function usableLooks(looks: readonly Look[], nowMs: number): readonly Look[] {
  const from = looks.findLastIndex(({ atMs }) => nowMs - atMs >= WINDOW_MS)
  return looks.slice(Math.max(0, from)).filter(({ atMs }) => atMs <= nowMs && nowMs - atMs <= STALE_MS)
}

export interface NodeUsed {
  readonly node: Used | undefined
  /** By `namespace/pod`, then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Used>>
}

/** What was used between two looks. What is in one of them only, or has begun to count anew, has no usage yet. */
export function usedBetween(before: Look, now: Look): NodeUsed {
  let node: Used | undefined
  const pods = new Map<string, Map<string, Used>>()
  for (const [id, sample] of now.samples) {
    const earlier = before.samples.get(id)
    if (earlier === undefined || sample.atMs <= earlier.atMs || sample.cpuSeconds < earlier.cpuSeconds) continue
    const windowMs = sample.atMs - earlier.atMs
    const nanocores = Math.round(((sample.cpuSeconds - earlier.cpuSeconds) / windowMs) * 1e12)
    const used: Used = { atMs: sample.atMs, windowMs, nanocores, memoryBytes: sample.memoryBytes }
    if (id === NODE) node = used
    else {
      const pod = id.slice(0, id.lastIndexOf('/'))
      const containers = pods.get(pod) ?? new Map<string, Used>()
      pods.set(pod, containers.set(id.slice(pod.length + 1), used))
    }
  }
  return { node, pods }
}
