import { deepFreeze } from './deep.ts'

/**
 * Parts that many objects have in common: the specs of the pods of one workload, the field sets of their managers. A shared part is
 * frozen all the way down, so that no object can be changed through another; whoever wants another one puts a new value in its place.
 * What is worked out from such a part alone (its text, that it is valid) is worked out once.
 */
const parts = new WeakSet<object>()

/** Freezes a value for good and lets others remember things about it. */
export function share<T extends object>(value: T): T {
  parts.add(deepFreeze(value))
  return value
}

export function isShared(value: unknown): boolean {
  return typeof value === 'object' && value !== null && parts.has(value)
}

/** What a function of a value alone gives: asked once for each shared part, and each time for every other value. */
export class OncePerPart<T extends object, R> {
  readonly #known = new WeakMap<T, R>()
  readonly #compute: (value: T) => R

  constructor(compute: (value: T) => R) {
    this.#compute = compute
  }

  of(value: T): R {
    if (!parts.has(value)) return this.#compute(value)
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const result = this.#compute(value)
    this.#known.set(value, result)
    return result
  }
}
