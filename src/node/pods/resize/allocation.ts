import { type Amounts, type core, quantityMilli, quantityValue, subtractQuantities } from '#api'
import { initContainersOf, mainContainersOf, toldStatusOf } from '../pod-facts.ts'

export type Resources = core.ResourceRequirements
/** No container is called that: what is granted to the pod as a whole. */
export const WHOLE_POD = ''
/** By container name: what the node has granted. Only cpu and memory of containers, and of the pod, can change while it lives. */
export type Allocation = ReadonlyMap<string, Resources>

const RESIZABLE = ['cpu', 'memory'] as const
type Resizable = (typeof RESIZABLE)[number]

export const resizableContainersOf = (pod: core.Pod): readonly core.Container[] => [...mainContainersOf(pod), ...initContainersOf(pod)]

/** What the pod asks for now. */
export const askedOf = (pod: core.Pod): Allocation =>
  new Map([
    ...resizableContainersOf(pod).map(({ name, resources = {} }): [string, Resources] => [name, resources]),
    ...(pod.spec?.resources === undefined ? [] : [[WHOLE_POD, pod.spec.resources] as const]),
  ])

/** What the API was told to be granted: how an agent that was restarted knows. A container that it was told nothing of has what it asks for. */
export function toldAllocationOf(pod: core.Pod): Allocation {
  const parts = resizableContainersOf(pod).map(({ name, resources = {} }): [string, Resources] => [
    name,
    toldOf(resources, toldStatusOf(pod, name)),
  ])
  const whole = pod.spec?.resources
  if (whole !== undefined) parts.push([WHOLE_POD, wholeToldOf(pod, whole)])
  return new Map(parts)
}

function toldOf(asked: Resources, told: Pick<core.ContainerStatus, 'resources' | 'allocatedResources'> | undefined): Resources {
  if (told?.resources === undefined) return asked
  const requests = { ...asked.requests, ...picked(told.allocatedResources ?? told.resources.requests) }
  const limits = { ...asked.limits, ...picked(told.resources.limits) }
  return { ...asked, ...(hasAny(requests) ? { requests } : {}), ...(hasAny(limits) ? { limits } : {}) }
}

/** What is told of a pod is all that it uses: sums of its containers where it says nothing itself, its overhead on top. */
function wholeToldOf({ spec, status }: core.Pod, asked: Resources): Resources {
  if (status?.resources === undefined) return asked
  const stated = (own: Amounts, told: Amounts | undefined): Amounts =>
    Object.fromEntries(
      Object.entries(own).map(([name, amount]) => {
        const whole = (RESIZABLE as readonly string[]).includes(name) ? told?.[name] : undefined
        return [name, whole === undefined ? amount : subtractQuantities(whole, spec?.overhead?.[name] ?? '0')]
      }),
    )
  return {
    ...asked,
    ...(asked.requests && { requests: stated(asked.requests, status.allocatedResources) }),
    ...(asked.limits && { limits: stated(asked.limits, status.resources.limits) }),
  }
}

const picked = (amounts: Readonly<Record<string, string>> | undefined): Record<string, string> =>
  Object.fromEntries(RESIZABLE.flatMap((name) => (amounts?.[name] === undefined ? [] : [[name, amounts[name]]])))
const hasAny = (amounts: object): boolean => Object.keys(amounts).length > 0

/** The pod as the node has granted it; the same object when that is what it asks for. */
export function withAllocation(pod: core.Pod, allocation: Allocation): core.Pod {
  const asked = askedOf(pod)
  const isNew = asked.has(WHOLE_POD) && !allocation.has(WHOLE_POD)
  if (!isNew && [...asked].every(([name, resources]) => sameResources(resources, allocation.get(name) ?? resources))) return pod
  const granted = (container: core.Container): core.Container => {
    const resources = asked.has(container.name) ? allocation.get(container.name) : undefined
    return resources === undefined ? container : { ...container, resources }
  }
  const { resources: whole, ...spec } = pod.spec ?? { containers: [] }
  return {
    ...pod,
    spec: {
      ...spec,
      ...(whole === undefined || isNew ? {} : { resources: allocation.get(WHOLE_POD) ?? whole }),
      containers: mainContainersOf(pod).map(granted),
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(granted) }),
    },
  }
}

/** Equal as amounts, however they are written. */
export const sameResources = (a: Resources, b: Resources): boolean => changedResources(a, b).length === 0

export const changedResources = (a: Resources, b: Resources): Resizable[] =>
  RESIZABLE.filter(
    (name) =>
      amount(name, a.requests?.[name]) !== amount(name, b.requests?.[name]) ||
      amount(name, a.limits?.[name]) !== amount(name, b.limits?.[name]),
  )

export const amount = (name: Resizable, text: string | undefined): number | undefined =>
  text === undefined ? undefined : name === 'cpu' ? quantityMilli(text) : quantityValue(text)
