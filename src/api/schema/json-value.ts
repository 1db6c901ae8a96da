import { isObject } from './decode/types.ts'

/** Sets an own property. Assigning to a key called `__proto__` would change the prototype instead. */
export function setOwn(holder: object, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
  else (holder as Record<string, unknown>)[key] = value
}

/** The value with the keys of all objects sorted, as Go writes values that have no type. */
export function sortedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedValue)
  if (!isObject(value)) return value
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value).sort()) setOwn(out, key, sortedValue(value[key]))
  return out
}
