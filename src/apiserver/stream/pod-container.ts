import { type core, statusError } from '#api'

/** The container that is meant: the one asked for, or the only one. Throws `StatusError` 400. */
export function chosenContainer(pod: core.Pod, asked: string): string {
  const name = pod.metadata?.name ?? ''
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {}
  const all = [...initContainers, ...containers, ...ephemeralContainers].map((container) => container.name)
  if (asked !== '') {
    if (!all.includes(asked)) throw statusError.badRequest(`container ${asked} is not valid for pod ${name}`)
    return asked
  }
  const [only] = containers
  if (only === undefined) throw statusError.badRequest(`a container name must be specified for pod ${name}`)
  if (containers.length > 1)
    throw statusError.badRequest(`a container name must be specified for pod ${name}, choose one of: [${all.join(' ')}]`)
  return only.name
}

/** `/NAMESPACE/POD/CONTAINER`, as paths of a node's API end. */
export const pathOf = (...parts: readonly string[]): string => parts.map((part) => `/${encodeURIComponent(part)}`).join('')
