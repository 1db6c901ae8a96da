import type { apps } from '#api'
import { resolveIntOrPercent, sameOnWire } from '#reconcile'

/** Facts of a Deployment and its ReplicaSets. */

export const HASH_LABEL = 'pod-template-hash'
export const REVISION = 'deployment.kubernetes.io/revision'
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas'
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas'
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
])

export const replicasOf = (object: apps.Deployment | apps.ReplicaSet): number => object.spec?.replicas ?? 1
export const availableOf = (set: apps.ReplicaSet): number => set.status?.availableReplicas ?? 0
export const nameOf = (object: apps.Deployment | apps.ReplicaSet): string => object.metadata?.name ?? ''
export const isRolling = (deployment: apps.Deployment): boolean => deployment.spec?.strategy?.type !== 'Recreate'

export function sumOf(sets: readonly apps.ReplicaSet[], count: (set: apps.ReplicaSet) => number | undefined): number {
  return sets.reduce((sum, set) => sum + (count(set) ?? 0), 0)
}

export function byCreation(a: apps.ReplicaSet, b: apps.ReplicaSet): number {
  const [createdA, createdB] = [a.metadata?.creationTimestamp ?? '', b.metadata?.creationTimestamp ?? '']
  return createdA === createdB ? (nameOf(a) < nameOf(b) ? -1 : 1) : createdA < createdB ? -1 : 1
}

export interface Allowance {
  readonly surge: number
  readonly unavailable: number
}

/** What a rolling update may do; nothing at all when the strategy is another one. Both zero would never move: one may then be unavailable. */
export function allowanceOf(deployment: apps.Deployment): Allowance {
  const wanted = replicasOf(deployment)
  if (!isRolling(deployment)) return { surge: 0, unavailable: 0 }
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {}
  const surge = resolveIntOrPercent(maxSurge, wanted, 'up')
  const unavailable = resolveIntOrPercent(maxUnavailable, wanted, 'down')
  return { surge, unavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, wanted) }
}

/** The ReplicaSet that has the Deployment's template; the oldest, should there be several. */
export function newSetAmong(deployment: apps.Deployment, sets: readonly apps.ReplicaSet[]): apps.ReplicaSet | undefined {
  const template = deployment.spec?.template
  return [...sets].sort(byCreation).find((set) => sameOnWire(withoutHash(set.spec?.template), withoutHash(template)))
}

function withoutHash(template: apps.DeploymentSpec['template'] | undefined): unknown {
  const { [HASH_LABEL]: _hash, ...labels } = template?.metadata?.labels ?? {}
  return { ...template, metadata: { ...template?.metadata, labels } }
}

/** Revisions have 64 bits; what is not one counts as none. */
export const revisionOf = (set: apps.ReplicaSet): bigint => parseRevision(set.metadata?.annotations?.[REVISION])

function parseRevision(text: string | undefined): bigint {
  return text !== undefined && /^\d{1,19}$/.test(text) ? BigInt(text) : 0n
}

/** The revision after all of these. */
export function nextRevision(sets: readonly apps.ReplicaSet[]): bigint {
  return sets.map(revisionOf).reduce((highest, revision) => (revision > highest ? revision : highest), 0n) + 1n
}

export function annotationNumber(set: apps.ReplicaSet, name: string): number | undefined {
  const text = set.metadata?.annotations?.[name]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/** The annotations that say for which size the ReplicaSet was scaled. */
export function sizeAnnotations(deployment: apps.Deployment): Record<string, string> {
  const wanted = replicasOf(deployment)
  return { [DESIRED_REPLICAS]: String(wanted), [MAX_REPLICAS]: String(wanted + allowanceOf(deployment).surge) }
}

/** The annotations of the newest ReplicaSet: the Deployment's, the revision, and the revisions it had before. */
export function newSetAnnotations(
  deployment: apps.Deployment,
  present: Readonly<Record<string, string>>,
  newRevision: bigint,
): Record<string, string> {
  const annotations: Record<string, string> = { ...present }
  for (const [name, value] of Object.entries(deployment.metadata?.annotations ?? {})) if (!NOT_COPIED.has(name)) annotations[name] = value
  const before = present[REVISION]
  if (parseRevision(before) < newRevision) {
    annotations[REVISION] = String(newRevision)
    if (before !== undefined) {
      const history = present[REVISION_HISTORY]
      annotations[REVISION_HISTORY] = history === undefined || history === '' ? before : `${history},${before}`
    }
  }
  return annotations
}
