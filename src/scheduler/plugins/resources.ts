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
    return {
      kind: 'check',
      check: ({ slot }) => {
        if (cluster.podCount.get(slot) + 1 > podLimit.get(slot)) return explain(slot)
        for (const { amount, allocatable, requested } of asked)
          if (amount > allocatable.get(slot) - requested.get(slot)) return explain(slot)
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
    const cpu = cluster.allocatable('cpu')
    const memory = cluster.allocatable('memory')
    const free = (requested: number, allocatable: number): number =>
      allocatable === 0 || requested > allocatable ? 0 : Math.floor(((allocatable - requested) * HIGHEST_SCORE) / allocatable)
    return {
      score: ({ slot }) => {
        const [cpuLimit, memoryLimit] = [cpu.get(slot), memory.get(slot)]
        const known = (cpuLimit > 0 ? 1 : 0) + (memoryLimit > 0 ? 1 : 0)
        if (known === 0) return 0
        const sum =
          free(cluster.weighedCpu.get(slot) + pod.weighing.cpu, cpuLimit) +
          free(cluster.weighedMemory.get(slot) + pod.weighing.memory, memoryLimit)
        return Math.floor(sum / known)
      },
    }
  },
}

/** Nodes on which CPU and memory are used alike are better. */
export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  prepare: (cluster, pod) => {
    const cpuAsked = pod.requests.get('cpu') ?? 0
    const memoryAsked = pod.requests.get('memory') ?? 0
    if (cpuAsked === 0 && memoryAsked === 0) return undefined
    const used = { cpu: cluster.requested('cpu'), memory: cluster.requested('memory') }
    const offered = { cpu: cluster.allocatable('cpu'), memory: cluster.allocatable('memory') }
    return {
      score: ({ slot }) => {
        const [cpuLimit, memoryLimit] = [offered.cpu.get(slot), offered.memory.get(slot)]
        if (cpuLimit === 0 || memoryLimit === 0) return HIGHEST_SCORE
        const cpu = Math.min(1, (used.cpu.get(slot) + cpuAsked) / cpuLimit)
        const memory = Math.min(1, (used.memory.get(slot) + memoryAsked) / memoryLimit)
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
