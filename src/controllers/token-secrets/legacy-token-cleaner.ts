import { isConflict, isNotFound, podReferences, refs } from '#api'
import { type ControllerDefinition, after } from '#reconcile'
import { INVALID_SINCE, dateOf, planLegacyToken } from './plan-legacy.ts'
import { ACCOUNT_NAME, ACCOUNT_UID, TOKENS_ONLY } from './token-secrets.ts'

const EVERY_MS = 86_400_000
const ALL = 'all'
const TRACKING = 'kube-system/kube-apiserver-legacy-service-account-token-tracking'

/** Invalidates, and later deletes, tokens of the past that nobody uses. */
export const legacyTokenCleaner: ControllerDefinition = {
  name: 'legacy-serviceaccount-token-cleaner-controller',
  workers: 1,
  setup: (context) => {
    const { informers, client } = context
    const secrets = informers.informer(refs.secrets, TOKENS_ONLY)
    const accounts = informers.informer(refs.serviceaccounts)
    const pods = informers.informer(refs.pods)
    const maps = informers.informer(refs.configmaps)
    const secretClient = client.resource(refs.secrets)
    context.enqueue(ALL)
    return async (scope) => {
      const nowMs = scope.clock.now()
      const trackedSince = maps.get(TRACKING)?.data?.['since']
      for (const secret of secrets.list()) {
        const { namespace = '', name = '', uid, annotations, resourceVersion = '' } = secret.metadata ?? {}
        const found = accounts.get(`${namespace}/${annotations?.[ACCOUNT_NAME] ?? ''}`)
        const account = (annotations?.[ACCOUNT_UID] ?? found?.metadata?.uid) === found?.metadata?.uid ? found : undefined
        const isMounted = pods.list(namespace).some((pod) => podReferences(pod).secrets.has(name))
        const plan = planLegacyToken(secret, { account, isMounted, trackedSince, nowMs })
        try {
          const body = { metadata: { uid, labels: { [INVALID_SINCE]: dateOf(nowMs) } } }
          if (plan === 'invalidate') await secretClient.patch(scope, { namespace, name }, { type: 'merge', body })
          if (plan === 'delete') await secretClient.delete(scope, { namespace, name }, { preconditions: { resourceVersion } })
        } catch (error) {
          if (!isConflict(error) && !isNotFound(error)) throw error
        }
      }
      return after(EVERY_MS)
    }
  },
}
