import type { FitArgs } from '../config/profile.ts'
import type { Cluster } from '../cluster/cluster.ts'
import {
  type FilterPlugin,
  HIGHEST_SCORE,
  type PreparedFilter,
  type Refusal,
  type ScorePlugin,
  type SumCheck,
} from '../framework/plugin.ts'
import type { PodInfo } from '../pod/pod-info.ts'

/** What is asked for must be free: allocatable less what placed pods ask for. */
export function nodeResourcesFit(
  { ignoredResources, ignoredGroups }: FitArgs,
  /** Extended resources that drivers stand behind: whether a node has them is for who knows the drivers' devices. */
  drives: (resource: string) => boolean = () => false,
): FilterPlugin {
  const id = JSON.stringify(['fit', [...ignoredResources], [...ignoredGroups]])
  return { name: 'NodeResourcesFit', live: true, prepare: (cluster, pod) => fitCheck(cluster, pod) }

  function fitCheck(cluster: Cluster, pod: PodInfo): PreparedFilter {
    const podLimit = cluster.allocatable('pods')
    const isIgnored = (name: string): boolean =>
      name.includes('/') && (ignoredResources.has(name) || ignoredGroups.has(name.slice(0, name.indexOf('/'))))
    const driven = [...pod.requests.keys()].filter((name) => name.includes('/') && drives(name))
    const asked = [...pod.requests]
      .filter(([name, amount]) => amount > 0 && !isIgnored(name) && !driven.includes(name))
      .map(([resource, amount]) => ({
        resource,
        amount,
        allocatable: cluster.allocatable(resource),
        requested: cluster.requested(resource),
      }))
    const [pods, limits] = [cluster.podCount.values, podLimit.values]
    const rows = asked.map(({ resource, amount, allocatable, requested }) => ({
      resource,
      amount,
      offered: allocatable.values,
      used: requested.values,
    }))
    /** What a node lacks, as a number: 0 when the pod fits. `more` is held besides what is there: by resource, then pods. */
    const lack = (slot: number, more?: Float64Array): number => {
      let lacking = (pods[slot] ?? 0) + (more?.[rows.length] ?? 0) + 1 > (limits[slot] ?? 0) ? FULL : 0
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]
        const offered = row?.offered[slot] ?? 0
        if (row === undefined || row.amount <= offered - (row.used[slot] ?? 0) - (more?.[i] ?? 0)) continue
        lacking += FIRST_SHORT * 2 ** i
        if (row.amount > offered && lacking % 2 === 0) lacking += FOR_GOOD
      }
      return lacking
    }
    /** Nodes that lack the same share one refusal. */
    const known = new Map<number, Refusal>()
    const explain = (lacking: number): Refusal => {
      const short = rows.filter((_, i) => Math.floor(lacking / (FIRST_SHORT * 2 ** i)) % 2 === 1)
      const isFull = Math.floor(lacking / FULL) % 2 === 1
      const reasons = [...(isFull ? ['Too many pods'] : []), ...short.map(({ resource }) => `Insufficient ${resource}`)]
      const made = { plugin: 'NodeResourcesFit', reasons, final: lacking % 2 === FOR_GOOD }
      known.set(lacking, made)
      return made
    }
    const memo = cluster.loadMemo(driven.length === 0 ? id + pod.requestKey : `${id}${pod.requestKey} without ${driven.join()}`)
    const refusalOf = (lacking: number): Refusal | undefined => (lacking === 0 ? undefined : (known.get(lacking) ?? explain(lacking)))
    const compute = (slot: number): number => lack(slot)
    let [lastLack, last]: [number, Refusal | undefined] = [0, undefined]
    const sums: SumCheck = {
      nothing: () => new Float64Array(rows.length + 1),
      add: (difference, other, sign) => {
        for (let i = 0; i < rows.length; i++)
          difference[i] = (difference[i] ?? 0) + sign * (other.requests.get(rows[i]?.resource ?? '') ?? 0)
        difference[rows.length] = (difference[rows.length] ?? 0) + sign
      },
      refusal: ({ slot }, difference) => refusalOf(lack(slot, difference)),
    }
    return {
      kind: 'check',
      column: memo.column(compute),
      check: ({ slot }) => {
        const lacking = memo.of(slot, compute)
        if (lacking === lastLack) return last
        lastLack = lacking
        last = refusalOf(lacking)
        return last
      },
      sums,
    }
  }
}

/** Parts of what a node lacks: no node of its size will ever do; no place for another pod; the first resource, then the others by powers of two. */
const FOR_GOOD = 1
const FULL = 2
const FIRST_SHORT = 4

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
