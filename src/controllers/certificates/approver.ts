import { readSigningRequest } from '#base'
import { type authorization, type certificates, refs } from '#api'
import { type ControllerDefinition, done } from '#reconcile'
import { SIGNERS, hasCondition, kubeletClientProblem, requestPem } from './requests.ts'

/** Kubelets may have what RBAC says: their own certificate renewed, or a first one for a bootstrap token. */
const KINDS = [
  { subresource: 'selfnodeclient', message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' },
  { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
] as const

/** Approves requests for kubelets' client certificates that their requesters are allowed to make. */
export const certificateApprover: ControllerDefinition = {
  name: 'certificatesigningrequest-approving-controller',
  setup: (context) => {
    const requests = context.watch(refs.certificatesigningrequests, ({ key, now }) => (now !== undefined && isOpen(now) ? [key] : []))
    const client = context.client.resource(refs.certificatesigningrequests)
    const reviews = context.client.resource(refs.subjectaccessreviews)
    return async (scope, key) => {
      const request = requests.get(key)
      if (request === undefined || !isOpen(request)) return done
      const asked = await readSigningRequest(requestPem(request))
      if (kubeletClientProblem(asked, request.spec.usages ?? []) !== undefined) return done
      const { username, uid, groups, extra } = request.spec
      for (const { subresource, message } of KINDS) {
        if (subresource === 'selfnodeclient' && username !== asked.subject.commonName) continue
        const review: authorization.SubjectAccessReview = {
          spec: {
            ...(username === undefined ? {} : { user: username }),
            ...(uid === undefined ? {} : { uid }),
            ...(groups === undefined ? {} : { groups }),
            ...(extra === undefined ? {} : { extra }),
            resourceAttributes: {
              group: 'certificates.k8s.io',
              version: '*',
              resource: 'certificatesigningrequests',
              subresource,
              verb: 'create',
            },
          },
        }
        const { status } = await reviews.create(scope, review)
        if (status?.allowed !== true) continue
        const conditions = [...(request.status?.conditions ?? []), { type: 'Approved', status: 'True', reason: 'AutoApproved', message }]
        await client.update(scope, { ...request, status: { ...request.status, conditions } }, { subresource: 'approval' })
        return done
      }
      return done
    }
  },
}

function isOpen(request: certificates.CertificateSigningRequest): boolean {
  const isDecided = hasCondition(request, 'Approved') || hasCondition(request, 'Denied')
  return request.spec.signerName === SIGNERS.kubeletClient && (request.status?.certificate ?? '') === '' && !isDecided
}
