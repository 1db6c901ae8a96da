import { type core, quantityMilli, quantityValue } from '#api'
import { initContainersOf, isSidecar, mainContainersOf, toldStatusOf } from '../pod-facts.ts'

export type Resources = core.ResourceRequirements
/** By container name: what the node has granted. Only cpu and memory of lasting containers can change while a pod lives. */
export type Allocation = ReadonlyMap<string, Resources>

const RESIZABLE = ['cpu', 'memory'] as const
type Resizable = (typeof RESIZABLE)[number]

export const resizableContainersOf = (pod: core.Pod): readonly core.Container[] => [
  ...mainContainersOf(pod),
  ...initContainersOf(pod).filter((container) => isSidecar(pod, container)),
]

/** What the pod asks for now. */
export const askedOf = (pod: core.Pod): Allocation =>
  new Map(resizableContainersOf(pod).map(({ name, resources = {} }) => [name, resources]))

/** What the API was told to be granted: how an agent that was restarted knows. A container that it was told nothing of has what it asks for. */
export function toldAllocationOf(pod: core.Pod): Allocation {
  return new Map(
    resizableContainersOf(pod).map(({ name, resources = {} }) => {
      const told = toldStatusOf(pod, name)
      if (told?.resources === undefined) return [name, resources]
      const requests = { ...resources.requests, ...picked(told.allocatedResources ?? told.resources.requests) }
      const limits = { ...resources.limits, ...picked(told.resources.limits) }
      return [name, { ...resources, ...(hasAny(requests) ? { requests } : {}), ...(hasAny(limits) ? { limits } : {}) }]
    }),
  )
}

const picked = (amounts: Readonly<Record<string, string>> | undefined): Record<string, string> =>
  Object.fromEntries(RESIZABLE.flatMap((name) => (amounts?.[name] === undefined ? [] : [[name, amounts[name]]])))
const hasAny = (amounts: object): boolean => Object.keys(amounts).length > 0

/** The pod as the node has granted it; the same object when that is what it asks for. */
export function withAllocation(pod: core.Pod, allocation: Allocation): core.Pod {
  const asked = askedOf(pod)
  if ([...asked].every(([name, resources]) => sameResources(resources, allocation.get(name) ?? resources))) return pod
  const granted = (container: core.Container): core.Container => {
    const resources = asked.has(container.name) ? allocation.get(container.name) : undefined
    return resources === undefined ? container : { ...container, resources }
  }
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: mainContainersOf(pod).map(granted),
      ...(pod.spec?.initContainers === undefined ? {} : { initContainers: pod.spec.initContainers.map(granted) }),
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
