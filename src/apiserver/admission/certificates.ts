import { type Scope, readSigningRequest } from '#base'
import type { certificates } from '#api'
import type { AdmissionRequest, AdmissionStep, Authorizer } from '../contract.ts'
import { forbidden, isAbout } from './refuse.ts'

const GROUP = 'certificates.k8s.io'
const PLURAL = 'certificatesigningrequests'
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'
type Request = certificates.CertificateSigningRequest

/** Approving needs the right to `approve` for the signer that the request names. */
export function certificateApproval(authorizer: Authorizer): AdmissionStep {
  return {
    name: 'CertificateApproval',
    handles: (request) => request.operation === 'UPDATE' && isAbout(request, GROUP, PLURAL, 'approval'),
    async validate(scope, request) {
      const { signerName } = (request.old as Request).spec
      if (await mayFor(scope, authorizer, request, 'approve', signerName)) return
      throw forbidden(request, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`)
    },
  }
}

/** Writing the certificate, or that there will be none, needs the right to `sign` for the signer. */
export function certificateSigning(authorizer: Authorizer): AdmissionStep {
  return {
    name: 'CertificateSigning',
    handles: (request) => request.operation === 'UPDATE' && isAbout(request, GROUP, PLURAL, 'status'),
    async validate(scope, request) {
      const next = request.object as Request
      const old = request.old as Request
      if (next.status?.certificate === old.status?.certificate && hasFailed(next) === hasFailed(old)) return
      const { signerName } = old.spec
      if (await mayFor(scope, authorizer, request, 'sign', signerName)) return
      throw forbidden(request, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`)
    },
  }
}

const hasFailed = ({ status }: Request): boolean => status?.conditions?.some(({ type }) => type === 'Failed') ?? false

/** Nobody gets into `system:masters` by a signing request. */
export const certificateSubjectRestriction: AdmissionStep = {
  name: 'CertificateSubjectRestriction',
  handles: (request) => request.operation === 'CREATE' && isAbout(request, GROUP, PLURAL),
  async validate(_scope, request) {
    const { signerName, request: encoded } = (request.object as Request).spec
    if (signerName !== CLIENT_SIGNER) return
    const { subject } = await readSigningRequest(Buffer.from(encoded, 'base64').toString())
    if (subject.organizations?.includes('system:masters'))
      throw forbidden(request, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`)
  },
}

/** The right for one signer, or for all signers of its domain. */
async function mayFor(scope: Scope, authorizer: Authorizer, request: AdmissionRequest, verb: string, signerName: string): Promise<boolean> {
  const [domain = ''] = signerName.split('/')
  for (const name of [signerName, `${domain}/*`]) {
    const question = {
      user: request.user,
      verb,
      isResource: true,
      group: GROUP,
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
      path: '',
    }
    if ((await authorizer.authorize(scope, question)).kind === 'allow') return true
  }
  return false
}
