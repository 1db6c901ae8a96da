import type { core } from '#api'
import { PASSING_CONDITIONS } from '../pods/status/conditions.ts'

type Json = Readonly<Record<string, unknown>>
const SAME = Symbol('same')
/** Lists that a strategic merge joins by this field; all others are replaced. */
const MERGED_BY: Readonly<Record<string, string>> = { conditions: 'type', podIPs: 'ip', hostIPs: 'ip' }

/**
 * The strategic merge patch that turns what the API has into what the node says, or undefined when they agree. Conditions that the node
 * does not own are not touched, those of something that is over are deleted; everything else in status is the node's.
 */
export function statusPatch(told: core.PodStatus, now: core.PodStatus, owned: ReadonlySet<string>): Json | undefined {
  const patch: Record<string, unknown> = {}
  const fields = new Set([...Object.keys(now), ...Object.keys(told).filter((field) => owned.has(field))])
  for (const field of fields) {
    const change = fieldChange(field, told[field as keyof core.PodStatus], now[field as keyof core.PodStatus])
    if (change !== SAME) patch[field] = change
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}

function fieldChange(field: string, told: unknown, now: unknown): unknown {
  if (now === undefined) return told === undefined ? SAME : null
  const key = MERGED_BY[field]
  if (key === undefined || !Array.isArray(now)) return same(told, now) ? SAME : now
  const before = new Map((Array.isArray(told) ? (told as Json[]) : []).map((item) => [item[key], item]))
  // Merged field by field: what an item no longer has must be named.
  const dropped = (item: Json): Json =>
    Object.fromEntries(
      Object.entries(before.get(item[key]) ?? {}).flatMap(([name, value]) =>
        item[name] === undefined && value !== null ? [[name, null]] : [],
      ),
    )
  const changed = (now as Json[]).filter((item) => !same(before.get(item[key]), item)).map((item) => ({ ...dropped(item), ...item }))
  if (field === 'conditions') {
    const over = PASSING_CONDITIONS.filter((type) => before.has(type) && !(now as Json[]).some((item) => item['type'] === type))
    return changed.length + over.length === 0 ? SAME : [...changed, ...over.map((type) => ({ $patch: 'delete', type }))]
  }
  const gone = [...before.keys()].filter((value) => !(now as Json[]).some((item) => item[key] === value))
  return changed.length === 0 && gone.length === 0 ? SAME : [...changed, ...gone.map((value) => ({ $patch: 'delete', [key]: value }))]
}

/** Equal as JSON, whatever the order of keys; null, absent and empty objects are not told apart, as the API drops them. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isNothing(a) && isNothing(b)) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => same(item, b[at]))
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) || Array.isArray(b)) return false
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].every((key) => same((a as Json)[key], (b as Json)[key]))
}

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(isNothing)) ||
  (Array.isArray(value) && value.length === 0)
