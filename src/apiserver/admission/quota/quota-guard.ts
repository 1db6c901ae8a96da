import { type core, quotaEvaluator, refs } from '#api'
import type { GuardedChange, ObjectReader, WriteGuard } from '../../contract.ts'
import { checkQuotas } from './check-quotas.ts'

/**
 * ResourceQuota. What an object uses is written into the quotas' status by the transaction that stores the object, which also
 * compares the quotas: they are never exceeded, however many requests and servers there are. Requests of one namespace take turns here,
 * so that they do not spoil each other's comparison; namespaces without a quota do not notice any of it.
 */
export function quotaGuard(reader: ObjectReader): WriteGuard {
  const lastTurns = new Map<string, Promise<void>>()
  const quotasOf = (namespace: string): readonly core.ResourceQuota[] => reader.list(refs.resourcequotas, namespace)
  return {
    name: 'ResourceQuota',
    handles: (request) => {
      const { operation, namespace, resource } = request
      if (namespace === '' || (operation !== 'CREATE' && operation !== 'UPDATE') || quotasOf(namespace).length === 0) return false
      return quotaEvaluator(resource)?.charges(request) === true
    },
    async enter({ namespace }) {
      const before = lastTurns.get(namespace)
      const { promise, resolve } = Promise.withResolvers<void>()
      lastTurns.set(namespace, promise)
      await before
      return () => {
        if (lastTurns.get(namespace) === promise) lastTurns.delete(namespace)
        resolve()
      }
    },
    changes(scope, request) {
      const evaluator = quotaEvaluator(request.resource)
      if (evaluator === undefined) return []
      const charges = checkQuotas(quotasOf(request.namespace), request, evaluator, scope.clock.now())
      return charges.map(
        ({ quota, used }): GuardedChange => ({
          ref: refs.resourcequotas,
          old: quota,
          subresource: 'status',
          change: (draft: core.ResourceQuota) => {
            draft.status = { ...draft.status, used: { ...used } }
          },
        }),
      )
    },
  }
}
