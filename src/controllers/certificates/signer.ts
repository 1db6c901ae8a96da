import { type KeyPair, readSigningRequest, rfc3339, signAsAsked } from '#base'
import { type certificates, refs } from '#api'
import { type ControllerDefinition, done } from '#reconcile'
import { SIGNERS, hasCondition, requestPem, signingProblem } from './requests.ts'
import { usagesOf } from './usages.ts'

const LIFETIME_MS = 365 * 86_400_000
const SHORTEST_MS = 600_000

/** Signs approved requests to Kubernetes' own signers with the cluster's authority, or says why it does not. */
export function certificateSigner(authority: KeyPair): ControllerDefinition {
  return {
    name: 'certificatesigningrequest-signing-controller',
    setup: (context) => {
      const requests = context.watch(refs.certificatesigningrequests, ({ key, now }) => (now !== undefined && isReady(now) ? [key] : []))
      const client = context.client.resource(refs.certificatesigningrequests)
      return async (scope, key) => {
        const request = requests.get(key)
        if (request === undefined || !isReady(request)) return done
        const pem = requestPem(request)
        const problem = signingProblem(request, await readSigningRequest(pem))
        if (problem !== undefined) {
          const now = rfc3339(scope.clock.now())
          const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: problem, lastUpdateTime: now }
          const conditions = [...(request.status?.conditions ?? []), failed]
          await client.update(scope, { ...request, status: { ...request.status, conditions } }, { subresource: 'status' })
          return done
        }
        const { expirationSeconds, usages = [] } = request.spec
        const askedMs = expirationSeconds === undefined ? LIFETIME_MS : expirationSeconds * 1000
        const lifetimeMs = Math.min(LIFETIME_MS, Math.max(SHORTEST_MS, askedMs))
        const signed = await signAsAsked(scope, authority, pem, { ...usagesOf(usages), lifetimeMs })
        const certificate = Buffer.from(signed).toString('base64')
        await client.update(scope, { ...request, status: { ...request.status, certificate } }, { subresource: 'status' })
        return done
      }
    },
  }
}

const OURS: ReadonlySet<string> = new Set(Object.values(SIGNERS))

function isReady(request: certificates.CertificateSigningRequest): boolean {
  const isOurs = OURS.has(request.spec.signerName)
  return isOurs && (request.status?.certificate ?? '') === '' && hasCondition(request, 'Approved') && !hasCondition(request, 'Failed')
}
