import { isNotFound, refs } from '#api'
import { type ControllerDefinition, after, done } from '#reconcile'
import { BOOTSTRAP_TOKENS, endsAtMs, planSignatures } from './plan-signatures.ts'

const CLUSTER_INFO = 'kube-public/cluster-info'

/** Signs the cluster's public description with every bootstrap token that may, so that who has the token can trust it. */
export const bootstrapSigner: ControllerDefinition = {
  name: 'bootstrap-signer-controller',
  workers: 1,
  setup: (context) => {
    const secrets = context.informers.informer(refs.secrets, BOOTSTRAP_TOKENS)
    secrets.onChange(() => context.enqueue(CLUSTER_INFO))
    const maps = context.watch(refs.configmaps, ({ key }) => (key === CLUSTER_INFO ? [key] : []))
    const client = context.client.resource(refs.configmaps)
    return async (scope, key) => {
      const map = maps.get(key)
      if (map === undefined) return done
      const data = planSignatures(map, secrets.list(), scope.clock.now())
      if (data !== undefined) await client.update(scope, { ...map, data })
      return done
    }
  },
}

/** Deletes bootstrap tokens when their time has ended. */
export const tokenCleaner: ControllerDefinition = {
  name: 'token-cleaner-controller',
  workers: 1,
  setup: (context) => {
    const secrets = context.informers.informer(refs.secrets, BOOTSTRAP_TOKENS)
    secrets.onChange(({ key, now }) => now !== undefined && context.enqueue(key))
    const client = context.client.resource(refs.secrets)
    return async (scope, key) => {
      const secret = secrets.get(key)
      const endMs = secret === undefined ? undefined : endsAtMs(secret)
      if (secret === undefined || endMs === undefined) return done
      const leftMs = endMs - scope.clock.now()
      if (leftMs > 0) return after(Math.min(leftMs, 86_400_000))
      const { namespace, name = '', uid = '' } = secret.metadata ?? {}
      try {
        await client.delete(scope, { namespace, name }, { preconditions: { uid } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
      return done
    }
  },
}
