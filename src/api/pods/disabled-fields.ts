import type * as core from '../types/core-v1.gen.ts'
import { type AnyContainer, visitContainers } from './visit.ts'

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
