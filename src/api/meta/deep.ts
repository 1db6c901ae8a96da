import { isUnsetList, unsetList } from './unset-list.ts'

/**
 * Plain JSON values: null, booleans, numbers, strings, arrays and objects without a class. Members whose value is `undefined`
 * count as absent. Keys such as `__proto__` and `constructor` are ordinary keys.
 */
export type JsonObject = Record<string, unknown>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether two JSON values are the same, whatever the order of their keys. Identical references are equal at once. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false
    for (let at = 0; at < a.length; at++) if (!deepEqual(a[at], b[at])) return false
    return true
  }
  return !Array.isArray(b) && sameMembers(a as JsonObject, b as JsonObject)
}

function sameMembers(a: JsonObject, b: JsonObject): boolean {
  let members = 0
  for (const key of Object.keys(a)) {
    const value = a[key]
    if (value === undefined) continue
    members++
    if (!Object.hasOwn(b, key) || !deepEqual(value, b[key])) return false
  }
  for (const key of Object.keys(b)) if (b[key] !== undefined) members--
  return members === 0
}

/** A copy that shares nothing with the original. */
export function deepClone<T>(value: T): T {
  return clone(value) as T
}

function clone(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return isUnsetList(value) ? unsetList() : value.map(clone)
  const copy: JsonObject = {}
  for (const key of Object.keys(value)) setMember(copy, key, clone((value as JsonObject)[key]))
  return copy
}

/** Freezes a value and all below it, and returns it: for tests that show that nobody writes to what they were lent. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}

/** A member of an object that may come from a client: never one that is inherited. */
export function member(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets a member under any key. A plain assignment to `__proto__` would change what the object inherits from. */
export function setMember(object: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else object[key] = value
}
