import type { Json } from './corpus.ts'

/** Paths in recorded steps: `a.b`, `items[].metadata.name`, `list.0.x`, `metadata.annotations.a\.b`. */
export const ABSENT = '<absent>'

export function splitPath(path: string): readonly string[] {
  const parts: string[] = []
  for (const piece of path.match(/(?:\\.|[^.\\])+/g) ?? []) {
    const plain = piece.replace(/\\(.)/g, '$1')
    const arrays = /((?:\[\])*)$/.exec(plain)?.[1] ?? ''
    if (plain.length > arrays.length) parts.push(plain.slice(0, plain.length - arrays.length))
    for (let i = 0; i < arrays.length; i += 2) parts.push('[]')
  }
  return parts
}

export function pick(value: Json | undefined, path: string): Json {
  return pickParts(value, splitPath(path))
}

function pickParts(value: Json | undefined, parts: readonly string[]): Json {
  const [first, ...rest] = parts
  if (first === undefined) return value === undefined ? ABSENT : value
  if (first === '[]') return Array.isArray(value) ? value.map((item) => pickParts(item, rest)) : ABSENT
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, first)) return ABSENT
  return pickParts((value as Record<string, Json>)[first], rest)
}

export function remove(value: Json | undefined, path: string): void {
  removeParts(value, splitPath(path))
}

function removeParts(value: Json | undefined, parts: readonly string[]): void {
  const [first, ...rest] = parts
  if (first === undefined || value === null || typeof value !== 'object') return
  if (first === '[]') for (const item of Array.isArray(value) ? value : []) removeParts(item, rest)
  else if (rest.length === 0) delete (value as Record<string, Json>)[first]
  else removeParts((value as Record<string, Json>)[first], rest)
}

export function assign(value: Json, path: string, content: Json): void {
  const parts = splitPath(path)
  let at = value as Record<string, Json>
  for (const part of parts.slice(0, -1)) {
    at[part] ??= {}
    at = at[part] as Record<string, Json>
  }
  at[parts.at(-1) ?? ''] = content
}

/** `*` stands for any value that is there, `` for none, `~…` for a pattern. */
export function matches(item: Json, wanted: Readonly<Record<string, Json>> = {}): boolean {
  return Object.entries(wanted).every(([path, value]) => {
    const got = pick(item, path)
    if (value === '*') return got !== ABSENT
    if (value === '') return got === ABSENT || got === ''
    if (typeof value === 'string' && value.startsWith('~')) return typeof got === 'string' && new RegExp(value.slice(1)).test(got)
    return JSON.stringify(got) === JSON.stringify(value)
  })
}

export function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key] ?? null)]),
  )
}
