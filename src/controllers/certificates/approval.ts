import type { SigningRequest } from '#base'
import type { certificates, core } from '#api'
import { SIGNERS, isAddress, kubeletClientProblem, kubeletServingProblem, proxyClientProblem } from './requests.ts'

/** A kind of request that is approved by itself when its requester may `create` this subresource of certificatesigningrequests. */
export interface ApprovalKind {
  readonly subresource: string
  readonly message: string
}

const SELF = 'selfnodeclient'
/** Kubelets may have what RBAC says: their own certificate renewed, or a first one for a bootstrap token. */
const KUBELET_CLIENT: readonly ApprovalKind[] = [
  { subresource: SELF, message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' },
  { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
]
/**
 * Two that kube-controller-manager leaves to people, and that nobody may ask for by default: a binding of Sampan's own lets the nodes of a cluster that others
 * can join. A serving certificate is only for names and addresses that the Node has and no other Node claims.
 */
const KUBELET_SERVING: readonly ApprovalKind[] = [
  { subresource: 'selfnodeserver', message: 'Auto approving self kubelet serving certificate after SubjectAccessReview.' },
]
const PROXY_CLIENT: readonly ApprovalKind[] = [
  { subresource: 'nodeproxy', message: 'Auto approving service proxy client certificate of a node after SubjectAccessReview.' },
]

export const approvedSigners: ReadonlySet<string> = new Set([SIGNERS.kubeletClient, SIGNERS.kubeletServing, SIGNERS.client])

/** As what a request could be approved; the first that its requester may ask for decides. */
export function approvalKinds(
  { spec }: certificates.CertificateSigningRequest,
  asked: SigningRequest,
  nodes: readonly core.Node[],
): readonly ApprovalKind[] {
  const { username = '', usages = [] } = spec
  const isSelf = username === asked.subject.commonName
  switch (spec.signerName) {
    case SIGNERS.kubeletClient:
      if (kubeletClientProblem(asked, usages) !== undefined) return []
      return KUBELET_CLIENT.filter(({ subresource }) => subresource !== SELF || isSelf)
    case SIGNERS.kubeletServing:
      return isSelf && kubeletServingProblem(asked, usages) === undefined && ownsNames(username, asked.names, nodes) ? KUBELET_SERVING : []
    case SIGNERS.client:
      return username.startsWith(NODE_USER) && proxyClientProblem(asked, usages) === undefined ? PROXY_CLIENT : []
    default:
      return []
  }
}

const NODE_USER = 'system:node:'

/** What a Node says of itself is no proof: another Node that says the same of an address or a name makes it nobody's. */
function ownsNames(username: string, names: readonly string[], nodes: readonly core.Node[]): boolean {
  const nodeName = username.slice(NODE_USER.length)
  const node = nodes.find(({ metadata }) => metadata?.name === nodeName)
  if (node === undefined) return false
  const own = claimsOf(node)
  const others = new Set(nodes.filter((other) => other !== node).flatMap((other) => [...claimsOf(other)]))
  return names.every((name) => own.has(name) && !others.has(name))
}

function claimsOf({ metadata, status }: core.Node): ReadonlySet<string> {
  const addresses = (status?.addresses ?? []).filter(({ type, address }) =>
    isAddress(address) ? type === 'InternalIP' || type === 'ExternalIP' : type !== 'InternalIP' && type !== 'ExternalIP',
  )
  return new Set([metadata?.name ?? '', ...addresses.map(({ address }) => address)])
}
