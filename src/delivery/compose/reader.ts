import { type Dict, type Place, type Value, isDict } from '#compose'

/** A key that cannot be carried over, and why. */
export interface Refusal {
  /** From the root of the project: `services`, `web`, `devices`. */
  readonly path: readonly string[]
  readonly reason: string
}

/** Collects what does not carry over, so that all of it is told at once. */
export interface Findings {
  refuse(path: readonly string[], reason: string): void
  /** Carried over in another way than a reader may expect. */
  note(path: readonly string[], text: string): void
}

export type PlaceOf = (path: readonly string[]) => Place | undefined

export const textOf = (value: Value | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
export const numberOf = (value: Value | undefined): number | undefined =>
  typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined
export const isTrue = (value: Value | undefined): boolean => value === true
export const listOf = (value: Value | undefined): readonly Value[] => (Array.isArray(value) ? value : [])
export const textsOf = (value: Value | undefined): readonly string[] => listOf(value).filter((item) => typeof item === 'string')
export const dictsOf = (value: Value | undefined): readonly Dict[] => listOf(value).filter(isDict)

/** Texts of a map; a value that is `null` is left out. */
export function pairsOf(value: Value | undefined): readonly (readonly [string, string])[] {
  if (!isDict(value)) return []
  return Object.entries(value).flatMap(([key, content]) => (content === null ? [] : [[key, String(content)] as const]))
}

/** `{key: value}` where there is a value, for spreading. */
export function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }
}

/** Seconds of a duration in its canonical text (`1m30s`), at least one, rounded up. */
export function secondsOf(duration: Value | undefined): number | undefined {
  if (typeof duration !== 'string') return undefined
  const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, µs: 1e-6, ns: 1e-9 }
  let seconds = 0
  for (const [, amount = '0', unit = 's'] of duration.matchAll(/([\d.]+)(ms|µs|ns|h|m|s)/g)) seconds += Number(amount) * (units[unit] ?? 0)
  return Math.max(1, Math.ceil(seconds))
}

/** A name that Kubernetes takes for objects and in DNS, or `undefined` where there is none. */
export function objectName(name: string): string | undefined {
  const made = name.toLowerCase().replaceAll(/[_.]/g, '-')
  return /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(made) ? made : undefined
}
