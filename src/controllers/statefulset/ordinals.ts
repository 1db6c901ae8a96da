import type { apps, core } from '#api'

/** The set's name and the ordinal in the name of a pod, as far as it has the form of one. */
export function parsePodName(name: string): { readonly parent: string; readonly ordinal: number } | undefined {
  const [, parent, digits] = /^(.*)-(\d+)$/s.exec(name) ?? []
  if (parent === undefined || digits === undefined) return undefined
  const ordinal = Number(digits)
  return ordinal > 2_147_483_647 ? undefined : { parent, ordinal }
}

export const ordinalOf = (pod: core.Pod): number => parsePodName(pod.metadata?.name ?? '')?.ordinal ?? -1
export const isMember = (set: apps.StatefulSet, pod: core.Pod): boolean =>
  parsePodName(pod.metadata?.name ?? '')?.parent === set.metadata?.name
export const podName = (set: apps.StatefulSet, ordinal: number): string => `${set.metadata?.name ?? ''}-${ordinal}`

export const replicasOf = (set: apps.StatefulSet): number => set.spec?.replicas ?? 1
export const startOf = (set: apps.StatefulSet): number => set.spec?.ordinals?.start ?? 0

export function isInRange(set: apps.StatefulSet, ordinal: number): boolean {
  return ordinal >= startOf(set) && ordinal < startOf(set) + replicasOf(set)
}
