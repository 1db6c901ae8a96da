import { type FilterPlugin, HIGHEST_SCORE, type Refusal, type ScorePlugin } from '../framework/plugin.ts'

/** What is asked for must be free: allocatable less what placed pods ask for. */
export const nodeResourcesFit: FilterPlugin = {
  name: 'NodeResourcesFit',
  prepare: (cluster, pod) => {
    const podLimit = cluster.allocatable('pods')
    const asked = [...pod.requests]
      .filter(([, amount]) => amount > 0)
      .map(([resource, amount]) => ({
        resource,
        amount,
        allocatable: cluster.allocatable(resource),
        requested: cluster.requested(resource),
      }))
    const explain = (slot: number): Refusal | undefined => {
      const short = asked.filter(({ amount, allocatable, requested }) => amount > allocatable.get(slot) - requested.get(slot))
      const reasons = short.map(({ resource }) => `Insufficient ${resource}`)
      if (cluster.podCount.get(slot) + 1 > podLimit.get(slot)) reasons.unshift('Too many pods')
      return reasons.length === 0
        ? undefined
        : { plugin: 'NodeResourcesFit', reasons, final: short.some(({ amount, allocatable }) => amount > allocatable.get(slot)) }
    }
    const [pods, limits] = [cluster.podCount.values, podLimit.values]
    const rows = asked.map(({ amount, allocatable, requested }) => ({ amount, offered: allocatable.values, used: requested.values }))
    return {
      kind: 'check',
      check: ({ slot }) => {
        if ((pods[slot] ?? 0) + 1 > (limits[slot] ?? 0)) return explain(slot)
        for (let i = 0; i < rows.length; i++) {
          const row = rows[i]
          if (row !== undefined && row.amount > (row.offered[slot] ?? 0) - (row.used[slot] ?? 0)) return explain(slot)
        }
        return undefined
      },
    }
  },
}

/** Emptier nodes are better: the mean of the free shares of CPU and memory, pods without requests counted with a little. */
export const leastAllocated: ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  prepare: (cluster, pod) => {
    const [cpu, memory] = [cluster.allocatable('cpu').values, cluster.allocatable('memory').values]
    const [usedCpu, usedMemory] = [cluster.weighedCpu.values, cluster.weighedMemory.values]
    const { cpu: cpuAsked, memory: memoryAsked } = pod.weighing
    return {
      score: ({ slot }) => {
        const [cpuLimit, memoryLimit] = [cpu[slot] ?? 0, memory[slot] ?? 0]
        const known = (cpuLimit > 0 ? 1 : 0) + (memoryLimit > 0 ? 1 : 0)
        if (known === 0) return 0
        const sum = freeShare((usedCpu[slot] ?? 0) + cpuAsked, cpuLimit) + freeShare((usedMemory[slot] ?? 0) + memoryAsked, memoryLimit)
        return Math.floor(sum / known)
      },
    }
  },
}

function freeShare(requested: number, allocatable: number): number {
  return allocatable === 0 || requested > allocatable ? 0 : Math.floor(((allocatable - requested) * HIGHEST_SCORE) / allocatable)
}

/** Nodes on which CPU and memory are used alike are better. */
export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  prepare: (cluster, pod) => {
    const cpuAsked = pod.requests.get('cpu') ?? 0
    const memoryAsked = pod.requests.get('memory') ?? 0
    if (cpuAsked === 0 && memoryAsked === 0) return undefined
    const [usedCpu, usedMemory] = [cluster.requested('cpu').values, cluster.requested('memory').values]
    const [offeredCpu, offeredMemory] = [cluster.allocatable('cpu').values, cluster.allocatable('memory').values]
    return {
      score: ({ slot }) => {
        const [cpuLimit, memoryLimit] = [offeredCpu[slot] ?? 0, offeredMemory[slot] ?? 0]
        if (cpuLimit === 0 || memoryLimit === 0) return HIGHEST_SCORE
        const cpu = Math.min(1, ((usedCpu[slot] ?? 0) + cpuAsked) / cpuLimit)
        const memory = Math.min(1, ((usedMemory[slot] ?? 0) + memoryAsked) / memoryLimit)
        return Math.floor((1 - Math.abs(cpu - memory) / 2) * HIGHEST_SCORE)
      },
    }
  },
}

const SMALL_IMAGE_BYTES = 23 * 1024 * 1024
const LARGE_IMAGE_BYTES = 1000 * 1024 * 1024

/** Nodes that have the pod's images are better, more so for large images that many nodes have. */
export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  weight: 1,
  prepare: (cluster, pod) => {
    const spec = pod.pod.spec
    const images = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map((container) => normalisedName(container.image ?? ''))
    const nodes = cluster.nodes().length
    const spread = new Map<string, number>()
    for (const image of new Set(images)) {
      const holders = cluster.imageHolders(image)
      if (holders > 0) spread.set(image, holders / nodes)
    }
    if (spread.size === 0) return undefined
    const largest = LARGE_IMAGE_BYTES * images.length
    return {
      score: (node) => {
        const sum = images.reduce(
          (total, image) => total + Math.floor((node.images.get(image)?.sizeBytes ?? 0) * (spread.get(image) ?? 0)),
          0,
        )
        const bounded = Math.min(Math.max(sum, SMALL_IMAGE_BYTES), largest)
        return Math.floor((HIGHEST_SCORE * (bounded - SMALL_IMAGE_BYTES)) / (largest - SMALL_IMAGE_BYTES))
      },
    }
  },
}

/** Names of images on nodes carry a tag. */
const normalisedName = (image: string): string => (image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image)
