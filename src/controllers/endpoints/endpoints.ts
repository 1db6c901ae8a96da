import { messageOf, rfc3339 } from '#base'
import { type core, isAlreadyExists, isConflict, isNotFound, refs } from '#api'
import {
  addressesOf,
  type ControllerDefinition,
  done,
  hasEndpoints,
  HEADLESS_LABEL,
  hostnameIn,
  isFinished,
  isHeadless,
  isNamespaceEnding,
  isReady,
  isTerminating,
  podsOfService,
  repackSubsets,
  sameOnWire,
  servicesOfPod,
  targetPortOf,
  TRIGGER_TIME,
  TriggerTimes,
} from '#reconcile'

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by'
const MANAGER = 'endpoint-controller'
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'
const CAPACITY = 1000

/** Who serves each port; ports that the same addresses serve stand together, sorted, ready ones apart from the others. */
export function planSubsets(service: core.Service, pods: readonly core.Pod[]): core.EndpointSubset[] {
  const family = service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4'
  const publishAll = service.spec?.publishNotReadyAddresses === true
  return repackSubsets(
    pods.flatMap((pod): core.EndpointSubset[] => {
      const ip = addressesOf(pod, family)[0]
      if (ip === undefined || isFinished(pod) || (isTerminating(pod) && !publishAll)) return []
      const ports = (service.spec?.ports ?? []).flatMap((port): core.EndpointPort[] => {
        const number = targetPortOf(pod, port)
        const name = port.name ? { name: port.name } : {}
        const appProtocol = port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }
        return number === undefined ? [] : [{ ...name, port: number, protocol: port.protocol ?? 'TCP', ...appProtocol }]
      })
      if (ports.length === 0 && !isHeadless(service)) return []
      const { namespace, name, uid } = pod.metadata ?? {}
      const hostname = hostnameIn(service, pod)
      const address: core.EndpointAddress = {
        ip,
        ...(hostname === undefined ? {} : { hostname }),
        ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
        targetRef: { kind: 'Pod', namespace, name, uid },
      }
      return [{ [publishAll || isReady(pod) ? 'addresses' : 'notReadyAddresses']: [address], ports }]
    }),
  )
}

/** An Endpoints object holds at most a thousand addresses; ready ones are kept before others. True when some were left out. */
export function truncate(subsets: readonly core.EndpointSubset[]): {
  readonly subsets: core.EndpointSubset[]
  readonly isTruncated: boolean
} {
  let left = CAPACITY
  const count = (addresses: readonly unknown[] | undefined): number => addresses?.length ?? 0
  const total = subsets.reduce((sum, subset) => sum + count(subset.addresses) + count(subset.notReadyAddresses), 0)
  if (total <= CAPACITY) return { subsets: [...subsets], isTruncated: false }
  const take = (addresses: core.EndpointAddress[] | undefined): core.EndpointAddress[] => {
    const taken = (addresses ?? []).slice(0, left)
    left -= taken.length
    return taken
  }
  const ready = subsets.map((subset) => take(subset.addresses))
  const notReady = subsets.map((subset) => take(subset.notReadyAddresses))
  const kept = subsets.map((subset, i) => {
    const { addresses: _ready, notReadyAddresses: _notReady, ...rest } = subset
    return {
      ...rest,
      ...(count(ready[i]) === 0 ? {} : { addresses: ready[i] }),
      ...(count(notReady[i]) === 0 ? {} : { notReadyAddresses: notReady[i] }),
    }
  })
  return { subsets: kept.filter((subset) => count(subset.addresses) + count(subset.notReadyAddresses) > 0), isTruncated: true }
}

export const endpointsController: ControllerDefinition = {
  name: 'endpoint-controller',
  workers: 5,
  setup(context) {
    const services = context.watch(refs.services, ({ key }) => [key])
    const pods = context.watch(refs.pods, (change) => servicesOfPod(services, change))
    // Endpoints without a Service are someone's own, unless this controller made them.
    const endpoints = context.watch(refs.endpoints, ({ key, old, now }) =>
      services.get(key) !== undefined || (now ?? old)?.metadata?.labels?.[MANAGED_BY] === MANAGER ? [key] : [],
    )
    const client = context.client.resource(refs.endpoints)
    const triggers = new TriggerTimes()

    return async (scope, key) => {
      const service = services.get(key)
      const present = endpoints.get(key)
      if (service === undefined) {
        triggers.forget(key)
        if (present === undefined) return done
        const { namespace, name = '', uid = '' } = present.metadata ?? {}
        await client.delete(scope, { namespace, name }, { preconditions: { uid } }).catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
        return done
      }
      if (!hasEndpoints(service)) return done
      const members = podsOfService(pods, service)
      const { subsets, isTruncated } = truncate(planSubsets(service, members))
      const { [HEADLESS_LABEL]: _headless, ...serviceLabels } = service.metadata?.labels ?? {}
      const labels = { ...serviceLabels, ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}), [MANAGED_BY]: MANAGER }
      const isOverCapacity = present?.metadata?.annotations?.[OVER_CAPACITY] === 'truncated'
      if (
        present !== undefined &&
        sameOnWire(present.subsets ?? [], subsets) &&
        sameOnWire(present.metadata?.labels ?? {}, labels) &&
        isOverCapacity === isTruncated
      )
        return done

      const changedMs = triggers.changed(key, service, members)
      const { [TRIGGER_TIME]: _time, [OVER_CAPACITY]: _over, ...annotations } = present?.metadata?.annotations ?? {}
      const metadata = {
        ...present?.metadata,
        namespace: service.metadata?.namespace,
        name: service.metadata?.name,
        labels,
        annotations: {
          ...annotations,
          ...(changedMs === undefined ? {} : { [TRIGGER_TIME]: rfc3339(changedMs) }),
          ...(isTruncated ? { [OVER_CAPACITY]: 'truncated' } : {}),
        },
      }
      const wanted: core.Endpoints = { metadata, ...(subsets.length === 0 ? {} : { subsets }) }
      try {
        await (present === undefined ? client.create(scope, wanted) : client.update(scope, wanted))
      } catch (error) {
        if (isNamespaceEnding(error)) return done
        // Made in this moment by someone: its event brings the key back.
        if (isAlreadyExists(error)) return done
        scope.check()
        const about = { apiVersion: 'v1', kind: 'Endpoints', metadata }
        const why = messageOf(error)
        if (present === undefined)
          context.events.event(about, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${key}: ${why}`)
        else if (!isConflict(error))
          context.events.event(about, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${key}: ${why}`)
        throw error
      }
      return done
    }
  },
}
