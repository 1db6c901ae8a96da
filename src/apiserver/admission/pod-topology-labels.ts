import { type core, refs } from '#api'
import type { AdmissionStep, ObjectReader } from '../contract.ts'
import { isAbout } from './refuse.ts'

const LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'] as const

/** A pod carries the zone and region of its node: on the binding, whose labels become the pod's, or on a pod that comes with its node. */
export function podTopologyLabels(reader: ObjectReader): AdmissionStep {
  return {
    name: 'PodTopologyLabels',
    replaces: true,
    handles: (request) =>
      request.operation === 'CREATE' && (isAbout(request, '', 'pods', '', 'binding') || isAbout(request, '', 'bindings')),
    mutate(_scope, request) {
      const draft = request.object as core.Pod | core.Binding
      const nodeName =
        'target' in draft ? (draft.target.kind === 'Node' || !draft.target.kind ? draft.target.name : undefined) : draft.spec?.nodeName
      const labels = nodeName ? reader.get(refs.nodes, '', nodeName)?.metadata?.labels : undefined
      const copied = LABELS.flatMap((label) => (labels?.[label] === undefined ? [] : [[label, labels[label]] as const]))
      if (copied.length > 0) draft.metadata = { ...draft.metadata, labels: { ...draft.metadata?.labels, ...Object.fromEntries(copied) } }
    },
  }
}
