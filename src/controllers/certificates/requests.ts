import type { SigningRequest } from '#base'
import type { certificates } from '#api'

type Request = certificates.CertificateSigningRequest

export const SIGNERS = {
  client: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  legacy: 'kubernetes.io/legacy-unknown',
} as const

export const requestPem = ({ spec }: Request): string => Buffer.from(spec.request, 'base64').toString()

export const hasCondition = ({ status }: Request, type: string): boolean =>
  (status?.conditions ?? []).some((one) => one.type === type && (one.status ?? 'True') === 'True')

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/
export const isAddress = (name: string): boolean => name.includes(':') || IPV4.test(name)

/** Why the signer of this name must not sign the request, in Kubernetes' words; undefined when it may. */
export function signingProblem({ spec }: Request, asked: SigningRequest): string | undefined {
  const usages = spec.usages ?? []
  switch (spec.signerName) {
    case SIGNERS.client:
      return clientProblem(usages)
    case SIGNERS.kubeletClient:
      return kubeletClientProblem(asked, usages)
    case SIGNERS.kubeletServing:
      return kubeletServingProblem(asked, usages)
    default:
      return undefined
  }
}

function clientProblem(usages: readonly string[]): string | undefined {
  const wrong = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage))
  if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}

export function kubeletClientProblem({ subject, names, unexpected }: SigningRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(subject.organizations)) return 'subject organization is not system:nodes'
  if (names.some((name) => !isAddress(name))) return 'DNS subjectAltNames are not allowed'
  if (unexpected.includes('email')) return 'Email subjectAltNames are not allowed'
  if (names.some(isAddress)) return 'IP subjectAltNames are not allowed'
  if (unexpected.includes('url')) return 'URI subjectAltNames are not allowed'
  return nodeNameProblem(subject.commonName) ?? usageProblem(usages, 'client auth')
}

export function kubeletServingProblem({ subject, names, unexpected }: SigningRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(subject.organizations)) return 'subject organization is not system:nodes'
  if (names.length === 0) return 'DNS or IP subjectAltName is required'
  if (unexpected.includes('email')) return 'Email subjectAltNames are not allowed'
  if (unexpected.includes('url')) return 'URI subjectAltNames are not allowed'
  return usageProblem(usages, 'server auth') ?? nodeNameProblem(subject.commonName)
}

/** The service proxy's own: a name and nothing else. */
export function proxyClientProblem({ subject, names, unexpected }: SigningRequest, usages: readonly string[]): string | undefined {
  if (subject.commonName !== 'system:kube-proxy' || (subject.organizations ?? []).length > 0) return 'subject is not system:kube-proxy'
  if (names.length > 0 || unexpected.length > 0) return 'subjectAltNames are not allowed'
  return usageProblem(usages, 'client auth')
}

const isOfNodes = (organizations: readonly string[] | undefined): boolean =>
  organizations?.length === 1 && organizations[0] === 'system:nodes'

const nodeNameProblem = (commonName: string): string | undefined =>
  commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:'

/** Keys that are not RSA need no encipherment. */
function usageProblem(usages: readonly string[], purpose: string): string | undefined {
  const given = new Set(usages)
  const required = ['digital signature', 'key encipherment', purpose]
  const matches = [required, required.filter((usage) => usage !== 'key encipherment')].some(
    (set) => set.length === given.size && set.every((usage) => given.has(usage)),
  )
  return matches ? undefined : `usages did not match [${[...required].sort().join(' ')}]`
}
