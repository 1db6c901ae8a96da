import type * as core from '../types/core-v1.gen.ts'
import { type AnyContainer, STATUS_LISTS, visitContainers } from './visit.ts'

/** Takes out what belongs to features that are switched off by default, as kube-apiserver does without a word. Of templates too. */
export function dropDisabledPodFields(spec: core.PodSpec): void {
  delete spec.schedulingGroup
  for (const { projected } of spec.volumes ?? [])
    for (const source of projected?.sources ?? []) {
      delete source.clusterTrustBundle
      delete source.podCertificate
    }
  visitContainers(spec, dropStopSignal)
}

function dropStopSignal(container: AnyContainer): void {
  const { lifecycle } = container
  if (lifecycle?.stopSignal === undefined) return
  delete lifecycle.stopSignal
  if (lifecycle.postStart === undefined && lifecycle.preStop === undefined) delete container.lifecycle
}

/** The same for a status: what such features say of volumes and of devices that are a part of the node. */
export function dropDisabledStatusFields(status: core.PodStatus): void {
  delete status.nodeAllocatableResourceClaimStatuses
  for (const list of STATUS_LISTS)
    for (const { volumeMounts } of status[list] ?? []) for (const mount of volumeMounts ?? []) delete mount.volumeStatus
}
