import type { core } from '#api'
import { type FilterPlugin, refusal, refusedEverywhere } from '../framework/plugin.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { absent, namedClaims } from './filters.ts'
import { type StorageView, classOf } from './storage.ts'

/** Labels by which volumes say where they can be used, with the label that nodes have in place of an old one. */
const TOPOLOGY_LABELS: ReadonlyMap<string, string> = new Map([
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
  ['topology.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'topology.kubernetes.io/region'],
])
/** Several zones in one label. */
const SEPARATOR = '__'

/** Bound volumes that are labelled with zones or regions are only used there, by nodes that have such labels at all. */
export function volumeZone(view: StorageView): FilterPlugin {
  return {
    name: 'VolumeZone',
    live: true,
    prepare: (_, pod) => {
      const places: { readonly label: string; readonly values: ReadonlySet<string> }[] = []
      for (const claim of namedClaims(pod)) {
        const found = view.claim(pod.namespace, claim)
        if (found === undefined) return refusedEverywhere(absent(claim))
        const name = found.spec?.volumeName ?? ''
        const lacking = name === '' ? withoutVolume(view, found) : undefined
        if (lacking !== undefined) return refusedEverywhere(lacking)
        const volume = view.volume(name)
        if (name !== '' && volume === undefined) return refusedEverywhere(`persistentvolume "${name}" not found`)
        for (const [label, value] of Object.entries(volume?.metadata?.labels ?? {}))
          if (TOPOLOGY_LABELS.has(label)) places.push({ label, values: new Set(value.split(SEPARATOR)) })
      }
      if (places.length === 0) return undefined
      const elsewhere = refusal('VolumeZone', 'node(s) had no available volume zone', true)
      const isSomewhere = ({ labels }: NodeState): boolean => [...TOPOLOGY_LABELS.keys()].some((label) => labels[label] !== undefined)
      return {
        kind: 'check',
        check: (node) => {
          if (!isSomewhere(node)) return undefined
          const fits = places.every(({ label, values }) =>
            values.has(node.labels[label] ?? node.labels[TOPOLOGY_LABELS.get(label) ?? ''] ?? ''),
          )
          return fits ? undefined : elsewhere
        },
      }
    },
  }
}

/** What is wrong with a claim that has no volume, unless it waits for its first pod. */
function withoutVolume(view: StorageView, claim: core.PersistentVolumeClaim): string | undefined {
  const name = classOf(claim)
  if (name === '') return 'PersistentVolumeClaim had no pv name and storageClass name'
  const storageClass = view.storageClass(name)
  if (storageClass === undefined) return `storageclass.storage.k8s.io "${name}" not found`
  return storageClass.volumeBindingMode === 'WaitForFirstConsumer' ? undefined : 'PersistentVolume had no name'
}
