import { isDeepStrictEqual } from 'node:util'
import type { Scope } from '#base'
import { type KubeObject, type core, type policy, refs, type resource, statusError } from '#api'
import { nodeIdentity } from '../../auth/users.ts'
import type { AdmissionRequest, AdmissionStep, Authorizer, ObjectReader } from '../../contract.ts'
import { restrictMirrorPod } from './mirror-pods.ts'
import { restrictSigningRequest } from './signing-requests.ts'
import { restrictToken } from './tokens.ts'
import type { NodeWrite } from './node-write.ts'
import { forbidden } from '../refuse.ts'

const LEASE_NAMESPACE = 'kube-node-lease'

type Restrict = (scope: Scope, write: NodeWrite) => void | Promise<void>

/**
 * Keeps a node to its own Node, Lease and CSINode, the pods bound to it and their tokens. The node authorizer decides without seeing
 * the object; this step looks into it. What holds for changes holds for what is created, so nothing is won by deleting and coming back.
 */
export function nodeRestriction(reader: ObjectReader, authorizer: Authorizer): AdmissionStep {
  return {
    name: 'NodeRestriction',
    replaces: true,
    handles: ({ user, operation }) => operation !== 'CONNECT' && nodeIdentity(user) !== undefined,
    mutate(scope, request) {
      const node = nodeIdentity(request.user)
      if (node === undefined) return undefined
      if (node === '') throw forbidden(request, `could not determine node from user ${JSON.stringify(request.user.name)}`)
      return RESTRICTIONS.get(`${request.resource.group}/${request.resource.plural}`)?.(scope, { node, request, reader, authorizer })
    },
  }
}

const RESTRICTIONS: ReadonlyMap<string, Restrict> = new Map<string, Restrict>([
  ['/pods', restrictPod],
  ['/nodes', restrictNode],
  ['/persistentvolumeclaims', restrictClaim],
  ['/serviceaccounts', restrictToken],
  ['certificates.k8s.io/certificatesigningrequests', restrictSigningRequest],
  ['coordination.k8s.io/leases', restrictLease],
  ['storage.k8s.io/csinodes', restrictCsiNode],
  ['resource.k8s.io/resourceslices', restrictResourceSlice],
])

function restrictPod(_scope: Scope, write: NodeWrite): void {
  const { node, request, reader } = write
  const { subresource, operation } = request
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return restrictMirrorPod(write)
      if (operation === 'DELETE')
        return ownPod(write, request.name, `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`)
      throw forbidden(request, `unexpected operation "${operation}", node ${JSON.stringify(node)} can only create and delete mirror pods`)
    case 'status':
      return restrictPodStatus(write)
    case 'eviction': {
      const name = request.name || (request.object as policy.Eviction | undefined)?.metadata?.name || ''
      if (name === '') throw forbidden(request, 'could not determine pod from request data')
      return ownPod({ ...write, reader }, name, `node ${node} can only evict pods with spec.nodeName set to itself`)
    }
    default:
      throw forbidden(request, `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`)
  }
}

function ownPod({ node, request, reader }: NodeWrite, name: string, why: string): void {
  const pod = reader.get(refs.pods, request.namespace, name)
  if (pod === undefined) throw statusError.notFound(refs.pods, name)
  if (pod.spec?.nodeName !== node) throw forbidden(request, why)
}

function restrictPodStatus({ node, request }: NodeWrite): void {
  if (request.operation !== 'UPDATE') throw forbidden(request, `unexpected operation "${request.operation}"`)
  const pod = request.object as core.Pod
  const old = request.old as core.Pod
  const who = `node ${JSON.stringify(node)}`
  if (old.spec?.nodeName !== node) throw forbidden(request, `${who} can only update pod status for pods with spec.nodeName set to itself`)
  if (!isDeepStrictEqual(pod.metadata?.labels ?? {}, old.metadata?.labels ?? {}))
    throw forbidden(request, `${who} cannot update labels through pod status`)
  const claims = (one: core.Pod): unknown => [one.status?.resourceClaimStatuses ?? [], one.status?.extendedResourceClaimStatus]
  if (!isDeepStrictEqual(claims(pod), claims(old))) throw forbidden(request, `${who} cannot update resource claim statues`)
}

function restrictNode(_scope: Scope, { node, request }: NodeWrite): void {
  const who = `node ${JSON.stringify(node)}`
  const wanted = request.object as core.Node | undefined
  const name = request.name || wanted?.metadata?.name || ''
  if (name !== node) throw forbidden(request, `${who} is not allowed to modify node ${JSON.stringify(name)}`)
  if (wanted === undefined) return
  const old = request.old as core.Node | undefined
  const onCreate = old === undefined
  if (wanted.spec?.configSource !== undefined && !isDeepStrictEqual(wanted.spec.configSource, old?.spec?.configSource)) {
    throw forbidden(
      request,
      onCreate
        ? `${who} is not allowed to create pods with a non-nil configSource`
        : `${who} is not allowed to update configSource to a new non-nil configSource`,
    )
  }
  // The taints of a new node are what its own configuration says; later ones are the cluster's.
  if (!onCreate && !isDeepStrictEqual(wanted.spec?.taints ?? [], old.spec?.taints ?? []))
    throw forbidden(request, `${who} is not allowed to modify taints`)
  const labels = forbiddenLabels(wanted.metadata?.labels ?? {}, old?.metadata?.labels ?? {})
  if (labels.length > 0) {
    throw forbidden(
      request,
      onCreate
        ? `${who} is not allowed to set the following labels: ${labels.join(', ')}`
        : `is not allowed to modify labels: ${labels.join(', ')}`,
    )
  }
  // An owner or a finalizer would let a node have itself deleted, or not deleted, and lose its taints that way.
  for (const field of ['ownerReferences', 'finalizers'] as const) {
    if (!isDeepStrictEqual(wanted.metadata?.[field] ?? [], old?.metadata?.[field] ?? []))
      throw forbidden(request, `${who} is not allowed to modify ${field}`)
  }
}

const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'node.kubernetes.io/windows-build',
])
const KUBELET_LABEL_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'] as const
const isIn = (domain: string, parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`)

/** Changed labels by which a node could draw pods to itself. */
export function forbiddenLabels(labels: Readonly<Record<string, string>>, old: Readonly<Record<string, string>>): readonly string[] {
  const changed = [...new Set([...Object.keys(labels), ...Object.keys(old)])].filter((label) => labels[label] !== old[label])
  return changed.filter(isForbiddenLabel).sort()
}

function isForbiddenLabel(label: string): boolean {
  const slash = label.indexOf('/')
  const domain = slash === -1 ? '' : label.slice(0, slash)
  if (isIn(domain, 'node-restriction.kubernetes.io')) return true
  if (!isIn(domain, 'kubernetes.io') && !isIn(domain, 'k8s.io')) return false
  return !KUBELET_LABELS.has(label) && !KUBELET_LABEL_DOMAINS.some((known) => isIn(domain, known))
}

function restrictClaim(_scope: Scope, { node, request }: NodeWrite): void {
  if (request.subresource !== 'status') throw forbidden(request, 'may only update PVC status')
  if (request.operation !== 'UPDATE') throw forbidden(request, `unexpected operation "${request.operation}"`)
  if (!isDeepStrictEqual(withoutNodesPart(request.object), withoutNodesPart(request.old))) {
    throw forbidden(
      request,
      `node ${JSON.stringify(node)} is not allowed to update fields other than status.capacity and status.conditions`,
    )
  }
}

function withoutNodesPart(object: KubeObject | undefined): unknown {
  const { status, metadata, ...rest } = object as core.PersistentVolumeClaim
  const { resourceVersion: _version, managedFields: _fields, ...keptMetadata } = metadata ?? {}
  const {
    capacity: _capacity,
    conditions: _conditions,
    allocatedResources: _resources,
    allocatedResourceStatuses: _statuses,
    ...keptStatus
  } = status ?? {}
  return JSON.parse(JSON.stringify({ ...rest, metadata: keptMetadata, status: keptStatus }))
}

function restrictLease(_scope: Scope, { node, request }: NodeWrite): void {
  if (request.namespace !== LEASE_NAMESPACE) throw forbidden(request, `can only access leases in the "${LEASE_NAMESPACE}" system namespace`)
  if (nameOf(request) !== node) throw forbidden(request, 'can only access node lease with the same name as the requesting node')
}

function restrictCsiNode(_scope: Scope, { node, request }: NodeWrite): void {
  if (nameOf(request) !== node) throw forbidden(request, 'can only access CSINode with the same name as the requesting node')
}

function restrictResourceSlice(_scope: Scope, { node, request }: NodeWrite): void {
  const slice = (request.operation === 'DELETE' ? request.old : request.object) as resource.ResourceSlice | undefined
  if (slice?.spec.nodeName === node) return
  throw forbidden(
    request,
    `can only ${request.operation === 'DELETE' ? 'delete' : 'create'} ResourceSlice with the same NodeName as the requesting node`,
  )
}

/** On create the object's own name: the request may have none yet. */
const nameOf = (request: AdmissionRequest): string =>
  request.operation === 'CREATE' ? (request.object?.metadata?.name ?? '') : request.name
