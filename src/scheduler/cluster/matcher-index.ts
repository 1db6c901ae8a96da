import type { PodInfo } from '../pod/pod-info.ts'
import type { NamespaceLabels, PodMatcher } from '../pod/terms.ts'

/**
 * Values by what pods they are about, so that a pod meets only those that may match it: each is filed under one label that its pods have to carry
 * (with the namespace, where there is only one), the rest in one heap. With many workloads nearly all of them have a label of their own.
 */
export class MatcherIndex<T> {
  readonly #matcherOf: (value: T) => PodMatcher
  readonly #filed = new Map<string, Set<T>>()
  readonly #heap = new Set<T>()
  readonly #places = new Map<T, Place<T>>()

  constructor(matcherOf: (value: T) => PodMatcher) {
    this.#matcherOf = matcherOf
  }

  get size(): number {
    return this.#places.size
  }

  add(value: T): void {
    const place = this.#placeOf(this.#matcherOf(value))
    if (place.label !== undefined) this.#filed.set(place.label, place.values)
    place.values.add(value)
    this.#places.set(value, place)
  }

  delete(value: T): void {
    const place = this.#places.get(value)
    if (place === undefined) return
    this.#places.delete(value)
    place.values.delete(value)
    if (place.label !== undefined && place.values.size === 0) this.#filed.delete(place.label)
  }

  clear(): void {
    this.#filed.clear()
    this.#heap.clear()
    this.#places.clear()
  }

  values(): Iterable<T> {
    return this.#places.keys()
  }

  /** Tells each value whose matcher matches the pod. */
  forEachMatching(pod: PodInfo, namespaces: NamespaceLabels, tell: (value: T) => void): void {
    const ask = (place: ReadonlySet<T> | undefined): void => {
      if (place !== undefined) for (const value of place) if (this.#matcherOf(value).matches(pod, namespaces)) tell(value)
    }
    ask(this.#heap)
    if (this.#filed.size === 0) return
    for (const name in pod.labels) {
      const label = labelKey(name, pod.labels[name] ?? '')
      ask(this.#filed.get(label))
      ask(this.#filed.get(within(pod.namespace, label)))
    }
  }

  /** The emptiest of the places where every pod that matches will look. */
  #placeOf({ labels, namespace }: PodMatcher): Place<T> {
    let best: Place<T> | undefined
    for (const [name, value] of labels) {
      const own = labelKey(name, value)
      const label = namespace === undefined ? own : within(namespace, own)
      const values = this.#filed.get(label) ?? new Set<T>()
      if (best === undefined || values.size < best.values.size) best = { label, values }
    }
    return best ?? { label: undefined, values: this.#heap }
  }
}

interface Place<T> {
  /** Undefined: the heap. */
  readonly label: string | undefined
  readonly values: Set<T>
}

// No label and no namespace has a space in it.
const labelKey = (name: string, value: string): string => `${name}=${value}`
const within = (namespace: string, label: string): string => `${namespace} ${label}`
