import { type core, refs } from '#api'
import { type ControllerDefinition, after, done } from '#reconcile'
import { AddressPool } from './address-pool.ts'

export interface BalancerPoolOptions {
  /** The addresses, for example 10.199.1.128/26. Nodes announce them. */
  readonly pool: string
}

const LOOK_AGAIN_MS = 30_000

/**
 * Gives each Service of type LoadBalancer an address of the pool, for as long as it is one; `spec.loadBalancerIP` chooses which. Services with a
 * `loadBalancerClass` are somebody else's, and so are those whose address is not of the pool. Throws `RangeError` for a pool that cannot be.
 */
export function serviceBalancerController({ pool: range }: BalancerPoolOptions): ControllerDefinition {
  new AddressPool(range)
  return {
    name: 'service-lb-controller',
    eventSource: 'service-controller',
    workers: 1,
    setup(context) {
      const pool = new AddressPool(range)
      const services = context.watch(refs.services, ({ key, old, now }) => {
        if (now === undefined || !isOurs(now)) {
          if (old !== undefined && isOurs(old)) pool.release(key)
          return []
        }
        const [address] = addressesOf(now).filter((one) => pool.has(one))
        if (address !== undefined) pool.occupy(key, address)
        return [key]
      })
      const client = context.client.resource(refs.services)
      return async (scope, key) => {
        const service = services.get(key)
        if (service === undefined || !isOurs(service)) return done
        if (service.spec?.ipFamilies?.every((family) => family === 'IPv6') === true) {
          context.events.event(service, 'Warning', 'SyncLoadBalancerFailed', `Error syncing load balancer: ${range} has no address of IPv6`)
          return done
        }
        const present = addressesOf(service)
        const wish = service.spec?.loadBalancerIP || undefined
        if (present.length > 0 && (!present.every((address) => pool.has(address)) || wish === undefined || present.includes(wish)))
          return done
        const refused = wish === undefined || (pool.has(wish) && pool.occupy(key, wish)) ? undefined : `${wish} is not free in ${range}`
        const address = refused === undefined ? (wish ?? pool.take(key)) : undefined
        if (address === undefined) {
          const why = refused ?? `no address is left in ${range}`
          context.events.event(service, 'Warning', 'SyncLoadBalancerFailed', `Error syncing load balancer: ${why}`)
          return after(LOOK_AGAIN_MS)
        }
        const { namespace = '', name = '', uid } = service.metadata ?? {}
        const body = { metadata: { uid }, status: { loadBalancer: { ingress: [{ ip: address, ipMode: 'VIP' }] } } }
        await client.patch(scope, { namespace, name }, { type: 'merge', body }, { subresource: 'status' })
        context.events.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer')
        return done
      }
    },
  }
}

const isOurs = ({ metadata, spec }: core.Service): boolean =>
  spec?.type === 'LoadBalancer' && spec.loadBalancerClass === undefined && metadata?.deletionTimestamp === undefined

const addressesOf = ({ status }: core.Service): readonly string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? [])
