import type { Scope } from '#base'
import { type core, refs } from '#api'
import type { Client } from '#client'
import type { Informer } from '#reconcile'
import type { ObjectSource } from '../objects.ts'
import { namespaceOf, uidOf } from '../pods/pod-facts.ts'
import { ObjectWatches } from './object-watches.ts'
import { ServiceAccountTokens } from './service-account-tokens.ts'
import { unlessMissing } from './unless-missing.ts'

/** What pods refer to, from the API: ConfigMaps and Secrets watched by name while used, Services from the node's informer. */
export function apiObjects(scope: Scope, client: Client, services: Informer<core.Service>): ObjectSource {
  const watches = new ObjectWatches(scope, client)
  const tokens = new ServiceAccountTokens(client)
  const listeners = new Map<string, () => void>()
  const changedFor = (uid: string) => (): void => listeners.get(uid)?.()
  return {
    configMap: (own, pod, name) => watches.get(own, refs.configmaps, namespaceOf(pod), name, uidOf(pod), changedFor(uidOf(pod))),
    secret: (own, pod, name) => watches.get(own, refs.secrets, namespaceOf(pod), name, uidOf(pod), changedFor(uidOf(pod))),
    claim: (own, pod, name) => unlessMissing(client.resource(refs.persistentvolumeclaims).get(own, { namespace: namespaceOf(pod), name })),
    volume: (own, name) => unlessMissing(client.resource(refs.persistentvolumes).get(own, { name })),
    serviceAccountToken: (own, pod, audience, expirationSeconds) => tokens.get(own, pod, audience, expirationSeconds),
    async services(own, pod) {
      await services.waitForSync(own)
      return { own: services.list(namespaceOf(pod)), kubernetes: services.get('default/kubernetes') }
    },
    onChange: (podUid, changed) => void listeners.set(podUid, changed),
    release(podUid) {
      listeners.delete(podUid)
      watches.release(podUid)
      tokens.forget(podUid)
    },
  }
}
