import { rfc3339 } from '#base'
import type { OwnerReference, discovery } from '#api'
import { canonicalJson, sameOnWire, TRIGGER_TIME } from '#reconcile'

/** Endpoints of one slice, where its frame names no other number. */
const CAPACITY = 100

/** Endpoints that share address type and ports; they may fill several slices. */
export interface SliceGroup {
  readonly addressType: string
  readonly ports: readonly discovery.EndpointPort[]
  readonly endpoints: readonly discovery.Endpoint[]
}

/** What all slices of one Service have in common. */
export interface SliceFrame {
  readonly namespace: string
  readonly generateName: string
  readonly owner: OwnerReference
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Endpoints of one slice. Default 100. */
  readonly capacity?: number
}

export interface SlicePlan {
  readonly create: readonly discovery.EndpointSlice[]
  readonly update: readonly discovery.EndpointSlice[]
  readonly remove: readonly discovery.EndpointSlice[]
}

/**
 * The fewest writes that bring the slices to the wanted groups: endpoints stay in the slice that has them, new ones fill slices that are
 * written anyway, then one with room, then new ones. `addressTypes` that have no endpoints keep one empty slice.
 */
export function planSlices(
  groups: readonly SliceGroup[],
  existing: readonly discovery.EndpointSlice[],
  frame: SliceFrame,
  addressTypes: readonly string[],
): SlicePlan {
  const create: discovery.EndpointSlice[] = []
  const update: discovery.EndpointSlice[] = []
  const kept = new Set<discovery.EndpointSlice>()

  for (const addressType of addressTypes) {
    const ofType = groups.filter((group) => group.addressType === addressType && group.endpoints.length > 0)
    const wanted: readonly SliceGroup[] = ofType.length > 0 ? ofType : [{ addressType, ports: [], endpoints: [] }]
    for (const group of wanted) {
      const mine = existing.filter(
        (slice) => slice.addressType === addressType && portsKey(slice.ports ?? []) === portsKey(group.ports) && !kept.has(slice),
      )
      const slices = group.endpoints.length === 0 ? placeholder(mine, frame, addressType) : fill(group, mine, frame)
      for (const { before, slice } of slices) {
        if (before === undefined) create.push(slice)
        else {
          kept.add(before)
          if (differs(before, slice)) update.push(slice)
        }
      }
    }
  }
  return reusing({ create, update, remove: existing.filter((slice) => !kept.has(slice)) })
}

/** A slice that would go becomes one that would be made: one write instead of two, and no moment without endpoints. */
function reusing(plan: SlicePlan): SlicePlan {
  const remove = [...plan.remove]
  const create: discovery.EndpointSlice[] = []
  const update = [...plan.update]
  for (const slice of plan.create) {
    const i = remove.findIndex((spare) => spare.addressType === slice.addressType)
    const [spare] = i === -1 ? [] : remove.splice(i, 1)
    if (spare === undefined) create.push(slice)
    else
      update.push({ ...slice, metadata: { ...spare.metadata, labels: slice.metadata?.labels, annotations: slice.metadata?.annotations } })
  }
  return { create, update, remove }
}

/** A slice as it should be, and as it is, where it exists. */
interface Outcome {
  readonly before: discovery.EndpointSlice | undefined
  readonly slice: discovery.EndpointSlice
}

function placeholder(mine: readonly discovery.EndpointSlice[], frame: SliceFrame, addressType: string): readonly Outcome[] {
  const before = mine[0]
  return [{ before, slice: { ...framed(before, frame, addressType), endpoints: null, ports: null } }]
}

function fill(group: SliceGroup, mine: readonly discovery.EndpointSlice[], frame: SliceFrame): readonly Outcome[] {
  const capacity = frame.capacity ?? CAPACITY
  const left = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]))
  const filled = mine.map((before) => {
    const endpoints: discovery.Endpoint[] = []
    for (const endpoint of before.endpoints ?? []) {
      const key = endpointKey(endpoint)
      const now = left.get(key)
      if (now === undefined) continue
      endpoints.push(now)
      left.delete(key)
    }
    return { before, endpoints, isWritten: !sameOnWire(endpoints, before.endpoints ?? []) }
  })
  const waiting = [...left.values()]
  const take = (room: number): discovery.Endpoint[] => waiting.splice(0, Math.max(0, room))
  // The fullest slices that are written anyway come first, so that the others can empty.
  const written = filled.filter(({ isWritten }) => isWritten).sort((a, b) => b.endpoints.length - a.endpoints.length)
  for (const { endpoints } of written) endpoints.push(...take(capacity - endpoints.length))
  if (waiting.length > 0 && waiting.length < capacity) {
    const withRoom = filled
      .filter(({ endpoints }) => endpoints.length + waiting.length <= capacity)
      .sort((a, b) => b.endpoints.length - a.endpoints.length)[0]
    withRoom?.endpoints.push(...take(waiting.length))
  }
  const ports = [...group.ports]
  const slices: Outcome[] = []
  for (const { before, endpoints } of filled)
    if (endpoints.length > 0) slices.push({ before, slice: { ...framed(before, frame, group.addressType), endpoints, ports } })
  while (waiting.length > 0)
    slices.push({ before: undefined, slice: { ...framed(undefined, frame, group.addressType), endpoints: take(capacity), ports } })
  return slices
}

function framed(before: discovery.EndpointSlice | undefined, frame: SliceFrame, addressType: string): discovery.EndpointSlice {
  const metadata = before?.metadata ?? { namespace: frame.namespace, generateName: frame.generateName, ownerReferences: [frame.owner] }
  return { ...before, metadata: { ...metadata, labels: { ...frame.labels }, annotations: { ...frame.annotations } }, addressType }
}

function differs(before: discovery.EndpointSlice, now: discovery.EndpointSlice): boolean {
  const shape = ({ metadata, endpoints, ports }: discovery.EndpointSlice): unknown => {
    const { [TRIGGER_TIME]: _time, ...annotations } = metadata?.annotations ?? {}
    return [metadata?.labels ?? {}, annotations, endpoints ?? [], ports ?? []]
  }
  return !sameOnWire(shape(before), shape(now))
}

function endpointKey({ addresses, targetRef }: discovery.Endpoint): string {
  return `${targetRef?.uid ?? ''} ${addresses.join(',')}`
}

export function portsKey(ports: readonly discovery.EndpointPort[]): string {
  return ports
    .map((port) => canonicalJson({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }))
    .sort()
    .join(' ')
}

/** Groups endpoints by address type and ports. */
export function groupsOf(
  parts: readonly {
    readonly addressType: string
    readonly ports: readonly discovery.EndpointPort[]
    readonly endpoint: discovery.Endpoint
  }[],
): readonly SliceGroup[] {
  const groups = new Map<string, SliceGroup & { readonly endpoints: discovery.Endpoint[] }>()
  for (const { addressType, ports, endpoint } of parts) {
    const id = `${addressType} ${portsKey(ports)}`
    const group = groups.get(id)
    if (group === undefined) groups.set(id, { addressType, ports, endpoints: [endpoint] })
    else group.endpoints.push(endpoint)
  }
  return [...groups.values()]
}

export function triggerAnnotation(atMs: number | undefined): Record<string, string> {
  return atMs === undefined ? {} : { [TRIGGER_TIME]: rfc3339(atMs) }
}
