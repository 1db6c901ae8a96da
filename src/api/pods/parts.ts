import { isShared } from '../meta/shared-parts.ts'
import type * as core from '../types/core-v1.gen.ts'
import { dropDisabledPodFields, dropDisabledStatusFields } from './disabled-fields.ts'

/** What each path of a pod may change: the rest of the draft becomes what the present pod has. */

export function keepStatus(pod: core.Pod, old: core.Pod): void {
  if (old.status === undefined) delete pod.status
  else pod.status = old.status
  if (pod.spec !== undefined && !isShared(pod.spec)) dropDisabledPodFields(pod.spec)
}

/** Nodes of long ago sent broken owner references with a status. */
export function onlyStatus(pod: core.Pod, old: core.Pod): void {
  if (old.spec !== undefined) pod.spec = old.spec
  const { deletionTimestamp: _, ownerReferences: _owners, ...metadata } = pod.metadata ?? {}
  const owners = old.metadata?.ownerReferences
  pod.metadata = { ...metadata, ...(owners === undefined ? {} : { ownerReferences: owners }) }
  if (pod.status !== undefined && pod.status !== old.status) dropDisabledStatusFields(pod.status)
  const quality = old.status?.qosClass
  if ((pod.status?.qosClass ?? '') === '' && quality !== undefined) pod.status = { ...pod.status, qosClass: quality }
}

export function onlyEphemeralContainers(pod: core.Pod, old: core.Pod): void {
  const wanted = pod.spec?.ephemeralContainers
  keepMetadata(pod, old)
  keepStatus(pod, old)
  if (old.spec === undefined) return
  pod.spec = { ...old.spec, ephemeralContainers: wanted === undefined || wanted.length === 0 ? undefined : wanted }
}

/** Amounts and how they are changed, of containers that are there under the same names. */
export function onlyResources(pod: core.Pod, old: core.Pod): void {
  const { spec } = pod
  keepMetadata(pod, old)
  keepStatus(pod, old)
  if (spec === undefined || old.spec === undefined) return
  if (!sameNames(spec.containers, old.spec.containers) || !sameNames(spec.initContainers, old.spec.initContainers)) return
  pod.spec = {
    ...old.spec,
    containers: resized(old.spec.containers, spec.containers),
    ...(old.spec.initContainers === undefined ? {} : { initContainers: resized(old.spec.initContainers, spec.initContainers ?? []) }),
    resources: spec.resources,
  }
}

const sameNames = (some: readonly core.Container[] = [], others: readonly core.Container[] = []): boolean =>
  some.length === others.length && others.every(({ name }) => some.some((one) => one.name === name))

/** In the order in which they are wanted: that it is another one is refused later. */
function resized(containers: readonly core.Container[], wanted: readonly core.Container[]): core.Container[] {
  return wanted.map((one) => {
    const { resources, resizePolicy } = one
    const { resources: _, resizePolicy: __, ...container } = containers.find(({ name }) => name === one.name) ?? one
    return { ...container, ...(resources && { resources }), ...(resizePolicy && { resizePolicy }) }
  })
}

function keepMetadata(pod: core.Pod, old: core.Pod): void {
  const { managedFields, resourceVersion, uid, generation } = pod.metadata ?? {}
  pod.metadata = { ...old.metadata, managedFields, resourceVersion, uid, generation }
}
