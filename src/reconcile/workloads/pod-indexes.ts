import { type core, podReferences } from '#api'
import type { Informer } from '../contract.ts'

/** Pods by the name of their node. */
export const PODS_BY_NODE = 'node'
/** Pods by `namespace/name` of the claims that they mount. */
export const PODS_BY_CLAIM = 'claim'

/** Lets `byIndex(PODS_BY_NODE, …)` find the pods of a node. */
export function indexByNode(pods: Informer<core.Pod>): void {
  pods.addIndex(PODS_BY_NODE, nodeOf)
}

/** Lets `byIndex(PODS_BY_CLAIM, …)` find the pods that mount a claim. */
export function indexByClaim(pods: Informer<core.Pod>): void {
  pods.addIndex(PODS_BY_CLAIM, claimsOfPod)
}

const nodeOf = ({ spec }: core.Pod): readonly string[] => (spec?.nodeName ? [spec.nodeName] : [])

/** `namespace/name` of each claim that a pod mounts. */
export const claimsOfPod = (pod: core.Pod): readonly string[] =>
  [...podReferences(pod).claims].map((claim) => `${pod.metadata?.namespace ?? ''}/${claim}`)
