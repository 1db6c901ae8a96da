import { readSigningRequest } from '#base'
import { type authorization, type certificates, type core, keyOf, refs } from '#api'
import { type ControllerDefinition, done } from '#reconcile'
import { approvalKinds, approvedSigners } from './approval.ts'
import { SIGNERS, hasCondition, requestPem } from './requests.ts'

/** Approves requests for certificates of nodes that their requesters are allowed to make. */
export const certificateApprover: ControllerDefinition = {
  name: 'certificatesigningrequest-approving-controller',
  setup: (context) => {
    const requests = context.watch(refs.certificatesigningrequests, ({ key, now }) => (now !== undefined && isOpen(now) ? [key] : []))
    // A serving certificate can be asked for a moment before the Node says its addresses.
    const nodes = context.watch(refs.nodes, ({ now }) =>
      now === undefined
        ? []
        : requests
            .list()
            .filter((one) => isOpen(one) && isOf(one, now))
            .map(keyOf),
    )
    const client = context.client.resource(refs.certificatesigningrequests)
    const reviews = context.client.resource(refs.subjectaccessreviews)
    return async (scope, key) => {
      const request = requests.get(key)
      if (request === undefined || !isOpen(request)) return done
      const asked = await readSigningRequest(requestPem(request))
      const { username, uid, groups, extra } = request.spec
      for (const { subresource, message } of approvalKinds(request, asked, nodes.list())) {
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
  return approvedSigners.has(request.spec.signerName) && (request.status?.certificate ?? '') === '' && !isDecided
}

const isOf = ({ spec }: certificates.CertificateSigningRequest, { metadata }: core.Node): boolean =>
  spec.signerName === SIGNERS.kubeletServing && spec.username === `system:node:${metadata?.name ?? ''}`
