import {
  StatusError,
  compareQuantities,
  type core,
  deepEqual,
  featuresToChange,
  podAmounts,
  quantityMilli,
  quantityValue,
  refs,
} from '#api'
import type { AdmissionRequest, AdmissionStep, ObjectReader } from '../contract.ts'
import { forbidden, isAbout } from './refuse.ts'

/** A pod on a node becomes only what its node says that it can make of it. */
export function nodeFeatures(reader: ObjectReader): AdmissionStep {
  return {
    name: 'NodeDeclaredFeatureValidator',
    handles: (request) => isChange(request, '', 'resize'),
    validate(_scope, request) {
      const { pod, old } = podsOf(request)
      const needed = featuresToChange(old.spec, pod.spec)
      if (needed.length === 0) return
      const { name, status } = nodeOf(reader, request, pod)
      const lacking = needed.filter((feature) => status?.declaredFeatures?.includes(feature) !== true)
      if (lacking.length > 0)
        throw forbidden(request, `pod update requires features ${lacking.join(', ')} which are not available on node "${name}"`)
    },
  }
}

/** A pod on a node does not ask for more than the node has in all. */
export function podResize(reader: ObjectReader): AdmissionStep {
  return {
    name: 'PodResizeValidator',
    handles: (request) => isChange(request, 'resize'),
    validate(_scope, request) {
      const { pod, old } = podsOf(request)
      if (deepEqual(pod.spec, old.spec)) return
      const { name, os, status } = nodeOf(reader, request, pod)
      if (os !== undefined && os !== 'linux')
        throw refused(request, `pod resize is only supported on linux nodes, node "${name}" is "${os}"`, 'UnsupportedPlatform')
      const asked = podAmounts(pod.spec, 'requests')
      const more = MEASURES.flatMap(([resource, measured]) => {
        const [wanted, there] = [asked[resource] ?? '0', status?.allocatable?.[resource] ?? '0']
        if (compareQuantities(wanted, there) <= 0) return []
        return [`${resource}, requested: ${measured(wanted)}, allocatable: ${measured(there)}`]
      })
      if (more.length > 0) throw refused(request, `node didn't have enough allocatable resources: ${more.join('; ')}`, 'NodeCapacity')
    },
  }
}

const MEASURES = [
  ['cpu', quantityMilli],
  ['memory', quantityValue],
] as const

const isChange = (request: AdmissionRequest, ...subresources: readonly string[]): boolean =>
  request.operation === 'UPDATE' && isAbout(request, '', 'pods', ...subresources) && (podsOf(request).pod.spec?.nodeName ?? '') !== ''

const podsOf = ({ object, old }: AdmissionRequest): { readonly pod: core.Pod; readonly old: core.Pod } => ({
  pod: object as core.Pod,
  old: old as core.Pod,
})

interface NodeFacts {
  readonly name: string
  readonly os: string | undefined
  readonly status: core.NodeStatus | undefined
}

function nodeOf(reader: ObjectReader, request: AdmissionRequest, pod: core.Pod): NodeFacts {
  const name = pod.spec?.nodeName ?? ''
  const node = reader.get(refs.nodes, '', name)
  if (node === undefined) throw forbidden(request, `node "${name}" not found`)
  return { name, os: node.metadata?.labels?.['kubernetes.io/os'], status: node.status }
}

function refused(request: AdmissionRequest, why: string, reason: string): StatusError {
  const { status } = forbidden(request, why)
  return new StatusError({ ...status, details: { ...status.details, causes: [{ reason }] } })
}
