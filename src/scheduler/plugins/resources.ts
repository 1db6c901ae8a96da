import type { FitArgs } from '../config/profile.ts'
import { type FilterPlugin, HIGHEST_SCORE, type Refusal, type ScorePlugin } from '../framework/plugin.ts'

/** What is asked for must be free: allocatable less what placed pods ask for. */
export const nodeResourcesFit = ({ ignoredResources, ignoredGroups }: FitArgs): FilterPlugin => ({
  name: 'NodeResourcesFit',
  live: true,
  prepare: (cluster, pod) => {
    const podLimit = cluster.allocatable('pods')
    const isIgnored = (name: string): boolean =>
      name.includes('/') && (ignoredResources.has(name) || ignoredGroups.has(name.slice(0, name.indexOf('/'))))
    const asked = [...pod.requests]
      .filter(([name, amount]) => amount > 0 && !isIgnored(name))
      .map(([resource, amount]) => ({
        resource,
        amount,
        allocatable: cluster.allocatable(resource),
        requested: cluster.requested(resource),
      }))
    const known = new Map<number, Refusal>()
    /** Nodes that lack the same share one refusal. */
    const explain = (slot: number): Refusal => {
      const isFull = cluster.podCount.get(slot) + 1 > podLimit.get(slot)
      let key = isFull ? 1 : 0
      let final = false
      for (const { amount, allocatable, requested } of asked) {
        const isShort = amount > allocatable.get(slot) - requested.get(slot)
        key = key * 2 + (isShort ? 1 : 0)
        if (isShort && amount > allocatable.get(slot)) final = true
      }
      key = key * 2 + (final ? 1 : 0)
      const before = known.get(key)
      if (before !== undefined) return before
      const short = asked.filter(({ amount, allocatable, requested }) => amount > allocatable.get(slot) - requested.get(slot))
      const reasons = [...(isFull ? ['Too many pods'] : []), ...short.map(({ resource }) => `Insufficient ${resource}`)]
      const made = { plugin: 'NodeResourcesFit', reasons, final }
      known.set(key, made)
      return made
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
})

const SMALL_IMAGE_BYTES = 23 * 1024 * 1024
const LARGE_IMAGE_BYTES = 1000 * 1024 * 1024

/** Nodes that have the pod's images are better, more so for large images that many nodes have. */
export const imageLocality = (weight: number): ScorePlugin => ({
  name: 'ImageLocality',
  weight,
  prepare: (cluster, pod) => {
    const spec = pod.pod.spec
    const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
    const volumes = (spec?.volumes ?? []).flatMap(({ image }) => (image === undefined ? [] : [image.reference ?? '']))
    const images = [...containers.map(({ image }) => image ?? ''), ...volumes].map(normalisedName)
    const nodes = cluster.nodes().length
    const spread = new Map<string, number>()
    for (const image of new Set(images)) {
      const holders = cluster.imageHolders(image)
      if (holders > 0) spread.set(image, holders / nodes)
    }
    if (spread.size === 0) return undefined
    const largest = LARGE_IMAGE_BYTES * containers.length
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
})

/** Names of images on nodes carry a tag. */
const normalisedName = (image: string): string => (image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image)
