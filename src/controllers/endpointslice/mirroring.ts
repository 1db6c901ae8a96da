import { type core, type discovery, refs } from '#api'
import { type ControllerDefinition, controllerReference, done, OwnWrites, TRIGGER_TIME, repackSubsets, untilSettled } from '#reconcile'
import { SERVICE_INDEX, serviceKeyOfSlice, writeSlices } from './endpointslice.ts'
import { MANAGED_BY, SERVICE_NAME } from './plan-endpoints.ts'
import { groupsOf, planSlices, portsKey } from './plan-slices.ts'

const MIRROR = 'endpointslicemirroring-controller.k8s.io'
const SKIP_MIRROR = 'endpointslice.kubernetes.io/skip-mirror'
const LEADER = 'control-plane.alpha.kubernetes.io/leader'
const NOT_COPIED = new Set([TRIGGER_TIME, 'kubectl.kubernetes.io/last-applied-configuration'])
/** Addresses that serve the same ports are mirrored into one slice; those beyond this are not. */
const MAX_PER_SUBSET = 1000

/** Endpoints of a Service without a selector are mirrored, whoever wrote them: what its controller wrote while it had one too. Not what opts out. */
function isMirrored(endpoints: core.Endpoints, service: core.Service | undefined): boolean {
  const { labels, annotations } = endpoints.metadata ?? {}
  return (
    service !== undefined && service.spec?.selector === undefined && labels?.[SKIP_MIRROR] !== 'true' && annotations?.[LEADER] === undefined
  )
}

export interface Mirrored {
  readonly groups: ReturnType<typeof groupsOf>
  /** How many addresses are not mirrored, because their subset has too many. */
  readonly left: number
}

/** Ready addresses are mirrored before others. */
export function mirroredGroups(endpoints: core.Endpoints): Mirrored {
  const groups = groupsOf(
    repackSubsets(endpoints.subsets ?? []).flatMap((subset) => {
      const ports = (subset.ports ?? []).map(
        (port): discovery.EndpointPort => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }),
      )
      const part = (ready: boolean) => (address: core.EndpointAddress) => {
        const endpoint: discovery.Endpoint = {
          addresses: [address.ip],
          conditions: { ready },
          ...(address.hostname ? { hostname: address.hostname } : {}),
          ...(address.nodeName ? { nodeName: address.nodeName } : {}),
          ...(address.targetRef === undefined ? {} : { targetRef: address.targetRef }),
        }
        return { addressType: address.ip.includes(':') ? 'IPv6' : 'IPv4', ports, endpoint }
      }
      return [...(subset.addresses ?? []).map(part(true)), ...(subset.notReadyAddresses ?? []).map(part(false))]
    }),
  )
  const room = new Map<string, number>()
  let left = 0
  const kept = groups.map((group) => {
    const ports = portsKey(group.ports)
    const size = room.get(ports) ?? MAX_PER_SUBSET
    const sorted = [...group.endpoints].sort((a, b) => Number(b.conditions?.ready === true) - Number(a.conditions?.ready === true))
    const mirrored = sorted.slice(0, size)
    room.set(ports, size - mirrored.length)
    left += sorted.length - mirrored.length
    return { ...group, endpoints: mirrored }
  })
  return { groups: kept, left }
}

export const endpointSliceMirroringController: ControllerDefinition = {
  name: 'endpoint-slice-mirroring-controller',
  setup(context) {
    const services = context.watch(refs.services, ({ key, old, now }) =>
      (old?.spec?.selector === undefined) === (now?.spec?.selector === undefined) && old !== undefined && now !== undefined ? [] : [key],
    )
    const endpoints = context.watch(refs.endpoints, ({ key }) => [key])
    const slices = context.watch(refs.endpointslices, ({ old, now }) =>
      [old, now].flatMap((slice) => (slice?.metadata?.labels?.[MANAGED_BY] === MIRROR ? [serviceKeyOfSlice(slice)] : [])),
    )
    slices.addIndex(SERVICE_INDEX, (slice) => [serviceKeyOfSlice(slice)])
    const ownWrites = new OwnWrites(slices, () => context.scope.clock.monotonic())

    return async (scope, key) => {
      const waiting = untilSettled(key, ownWrites)
      if (waiting !== undefined) return waiting
      const source = endpoints.get(key)
      const existing = slices.byIndex(SERVICE_INDEX, key).filter((slice) => slice.metadata?.labels?.[MANAGED_BY] === MIRROR)
      if (source === undefined || !isMirrored(source, services.get(key))) {
        await writeSlices(scope, context.client, { create: [], update: [], remove: existing }, key, ownWrites, `Endpoints ${key}`)
        return done
      }
      const { groups, left } = mirroredGroups(source)
      if (left > 0)
        context.events.event(
          { apiVersion: 'v1', kind: 'Endpoints', metadata: source.metadata },
          'Warning',
          'TooManyAddressesToMirror',
          `A max of ${MAX_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset. ${left} addresses were skipped`,
        )
      const annotations = Object.fromEntries(Object.entries(source.metadata?.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name)))
      const frame = {
        namespace: source.metadata?.namespace ?? '',
        generateName: `${source.metadata?.name ?? ''}-`,
        owner: controllerReference(source, refs.endpoints),
        labels: { ...source.metadata?.labels, [SERVICE_NAME]: source.metadata?.name ?? '', [MANAGED_BY]: MIRROR },
        annotations,
        capacity: MAX_PER_SUBSET,
      }
      const addressTypes = [...new Set(groups.map((group) => group.addressType))]
      await writeSlices(scope, context.client, planSlices(groups, existing, frame, addressTypes), key, ownWrites, `Endpoints ${key}`)
      return done
    }
  },
}
