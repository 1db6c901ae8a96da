import { type AnyContainer, type core, visitContainers } from '#api'

/** A reason why a pod is outside a level. */
export interface Violation {
  readonly reason: string
  readonly detail: string
}
export interface CheckedPod {
  readonly metadata: core.Pod['metadata']
  readonly spec: core.PodSpec
}
/** Undefined: nothing wrong. */
export type Check = (pod: CheckedPod) => Violation | undefined

export const quoted = (words: Iterable<string>): string => [...words].map((word) => JSON.stringify(word)).join(', ')
export const sorted = (words: Iterable<string>): readonly string[] => [...new Set(words)].sort()
/** `container "a"` or `containers "a", "b"`. */
export const containersText = (names: readonly string[]): string => `${names.length === 1 ? 'container' : 'containers'} ${quoted(names)}`
export const plural = (one: string, many: string, count: number): string => (count === 1 ? one : many)

/** Names of the containers for which the test holds; each container is tested once. */
export function containersThat(spec: core.PodSpec, test: (container: AnyContainer) => boolean): readonly string[] {
  const names: string[] = []
  visitContainers(spec, (container) => {
    if (test(container)) names.push(container.name)
  })
  return names
}

/** `pod and container "a"`: who sets something bad. */
export function settersText(pod: boolean, containers: readonly string[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length === 0 ? [] : [containersText(containers)])].join(' and ')
}

export const isWindows = ({ spec }: CheckedPod): boolean => spec.os?.name === 'windows'
/** Root in a user namespace is nobody outside of it. */
export const hasUserNamespace = ({ spec }: CheckedPod): boolean => spec.hostUsers === false
