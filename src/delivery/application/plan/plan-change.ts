import { type KubeObject, deepEqual } from '#api'
import { partId, partKindOf } from '../part-kinds.ts'

/** What bringing an application from one revision to another does to one part. */
export interface PartChange {
  readonly kind: 'add' | 'change' | 'remove' | 'keep'
  readonly part: string
  /** Fields that differ, as `path: before -> after`; of Secrets their names alone. Of `keep`: why. */
  readonly details: readonly string[]
}

const MOST_DETAILS = 12
const LONGEST_VALUE = 60

/** Pure. Parts that do not change are not told of. */
export function planChange(from: readonly KubeObject[], to: readonly KubeObject[]): readonly PartChange[] {
  const before = new Map(from.map((object) => [partId(object), object]))
  const changes: PartChange[] = []
  for (const object of to) {
    const part = partId(object)
    const old = before.get(part)
    before.delete(part)
    if (old === undefined) changes.push({ kind: 'add', part, details: [] })
    else if (!deepEqual(old, object)) changes.push({ kind: 'change', part, details: detailsOf(old, object) })
  }
  for (const [part, object] of before)
    changes.push(
      partKindOf(object)?.holdsData === true
        ? { kind: 'keep', part, details: ['it holds data: it stays, as it is'] }
        : { kind: 'remove', part, details: [] },
    )
  return changes
}

/** What no revision can bring back, for whoever is about to roll back to one. */
export function warningsOf(changes: readonly PartChange[], to: readonly KubeObject[]): readonly string[] {
  const volumes = to.filter((object) => partKindOf(object)?.holdsData === true || object.kind === 'StatefulSet')
  const jobs = changes.filter(({ kind, part }) => part.startsWith('Job/') && (kind === 'add' || kind === 'change'))
  return [
    ...(volumes.length > 0 ? [`volumes are not touched: what is in ${volumes.map(partId).join(', ')} stays as it is now`] : []),
    ...jobs.map(({ part }) => `${part} runs again`),
  ]
}

function detailsOf(old: KubeObject, now: KubeObject): readonly string[] {
  const isSecret = now.kind === 'Secret'
  const details: string[] = []
  const visit = (path: string, a: unknown, b: unknown): void => {
    if (deepEqual(a, b)) return
    if (isTree(a) && isTree(b) && Array.isArray(a) === Array.isArray(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        visit(Array.isArray(a) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`, valueOf(a, key), valueOf(b, key))
      return
    }
    details.push(isSecret ? `${path}: differs` : `${path}: ${shown(a)} -> ${shown(b)}`)
  }
  visit('', old, now)
  return details.length > MOST_DETAILS ? [...details.slice(0, MOST_DETAILS), `and ${details.length - MOST_DETAILS} more`] : details
}

const isTree = (value: unknown): value is object => typeof value === 'object' && value !== null
const valueOf = (tree: object, key: string): unknown =>
  Object.hasOwn(tree, key) ? (tree as Readonly<Record<string, unknown>>)[key] : undefined

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const line = text.replaceAll('\n', ' ')
  return line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE)}…` : line
}
