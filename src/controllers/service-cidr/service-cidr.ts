import { type Scope, rfc3339 } from '#base'
import { type meta, type networking, refs } from '#api'
import { type ControllerDefinition, after, done } from '#reconcile'
import { mayGo } from './plan.ts'

type ServiceCIDR = networking.ServiceCIDR

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer'
const ALLOCATED = 'ipaddress.kubernetes.io/managed-by=ipallocator.k8s.io'
/** API servers may give addresses of a range until they have heard that it is being deleted. */
const DELETION_GRACE_MS = 10_000
/** What keeps a range is asked for so often while somebody wants to delete it: nobody else has to remember all addresses. */
const LOOK_AGAIN_MS = 5000

const READY = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' } as const
const TERMINATING = {
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
} as const

/** Ranges of Service addresses become ready, and stay while Services have addresses of them. */
export const serviceCidrController: ControllerDefinition = {
  name: 'service-cidr-controller',
  setup(context) {
    const ranges = context.watch(refs.servicecidrs, ({ key, now }) => (now === undefined ? [] : [key]))
    const client = context.client.resource(refs.servicecidrs)
    const addresses = context.client.resource(refs.ipaddresses)

    async function say(scope: Scope, range: ServiceCIDR, condition: Omit<meta.Condition, 'lastTransitionTime'>): Promise<void> {
      const found = range.status?.conditions?.find(({ type }) => type === condition.type)
      if (found?.status === condition.status && found.reason === condition.reason && found.message === condition.message) return
      const kept = range.status?.conditions?.filter(({ type }) => type !== condition.type) ?? []
      const conditions = [...kept, { ...condition, lastTransitionTime: rfc3339(scope.clock.now()) }]
      await client.update(scope, { ...range, status: { ...range.status, conditions } }, { subresource: 'status' })
    }

    function setFinalizers(scope: Scope, range: ServiceCIDR, finalizers: string[]): Promise<ServiceCIDR> {
      return client.update(scope, { ...range, metadata: { ...range.metadata, finalizers } })
    }

    return async (scope, name) => {
      const range = ranges.get(name)
      if (range === undefined) return done
      const { deletionTimestamp, finalizers = [] } = range.metadata ?? {}
      if (deletionTimestamp === undefined) {
        const guarded = finalizers.includes(FINALIZER) ? range : await setFinalizers(scope, range, [...finalizers, FINALIZER])
        await say(scope, guarded, READY)
        return done
      }
      if (!finalizers.includes(FINALIZER)) return done
      const { items } = await addresses.list(scope, { labelSelector: ALLOCATED })
      if (!mayGo(range, ranges.list(), items ?? [])) {
        await say(scope, range, TERMINATING)
        return after(LOOK_AGAIN_MS)
      }
      const waitMs = Date.parse(deletionTimestamp) + DELETION_GRACE_MS - scope.clock.now()
      if (waitMs > 0) return after(waitMs)
      await setFinalizers(
        scope,
        range,
        finalizers.filter((one) => one !== FINALIZER),
      )
      return done
    }
  },
}
