import { deepEqual, isJsonObject, member } from '../meta/deep.ts'
import { goTypeName, goValue } from '../meta/go-format.ts'
import { PATCH } from './strategic-directives.ts'
import { badPatch, noMergeKey } from './strategic-errors.ts'

export type Items = readonly unknown[]

/** Both lists, each value once, where it came first. */
export function withMergedScalars(original: Items, patch: Items): Items {
  return [...new Set([...original, ...patch])]
}

export function withoutScalars(original: Items, removed: Items): Items {
  return original.filter((item) => !removed.includes(item))
}

/**
 * The merged list in its final order. Items that `order` (the patch, or its `$setElementOrder`) names keep that order among
 * themselves, the others that of the document; each of the others goes before the first named one that the document has
 * behind it. An item is identified by `mergeKey`, or by its value when that is empty.
 */
export function inOrder(merged: Items, order: Items, document: Items, mergeKey: string): Items {
  const indexIn = indexer(mergeKey)
  const named: unknown[] = []
  const others: unknown[] = []
  for (const item of merged) (indexIn(order, item) >= 0 ? named : others).push(item)
  sortBy(named, (item) => indexIn(order, item))
  sortBy(others, (item) => indexIn(document, item))

  const result: unknown[] = []
  let at = 0
  for (const item of others) {
    const place = indexIn(document, item)
    for (; at < named.length; at++) {
      const rival = indexIn(document, named[at])
      if (place >= 0 && rival >= 0 && place < rival) break
      result.push(named[at])
    }
    result.push(item)
  }
  return [...result, ...named.slice(at)]
}

function sortBy(items: unknown[], rank: (item: unknown) => number): void {
  const ranks = new Map(items.map((item) => [item, rank(item)]))
  items.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0))
}

function indexer(mergeKey: string): (list: Items, item: unknown) => number {
  if (mergeKey === '') return (list, item) => list.indexOf(item)
  return (list, item) => {
    const key = isJsonObject(item) ? member(item, mergeKey) : undefined
    if (key === undefined) throw noMergeKey(item, mergeKey)
    return list.findIndex((candidate, at) => {
      if (!isJsonObject(candidate)) throw badPatch(`value for key ${at} is not a map`, 500)
      return deepEqual(member(candidate, mergeKey), key)
    })
  }
}

/** The patch's items must come in the order that its `$setElementOrder` gives, when it gives one; items to be deleted need not. */
export function checkElementOrder(patch: Items, order: Items, mergeKey: string): void {
  if (order.length === 0) return
  const isDeleted = (item: unknown): boolean => mergeKey !== '' && isJsonObject(item) && member(item, PATCH) === 'delete'
  const kept = patch.filter((item) => !isDeleted(item))
  let at = 0
  for (const item of order) if (at < kept.length && sameItem(kept[at], item, mergeKey)) at++
  if (at < kept.length) {
    throw badPatch(`The order in patch list:\n${goValue(patch)}\n doesn't match $setElementOrder list:\n${goValue(order)}\n`, 500)
  }
}

function sameItem(a: unknown, b: unknown, mergeKey: string): boolean {
  if (mergeKey === '') return a === b
  for (const item of [a, b]) {
    if (!isJsonObject(item)) throw badPatch(`expected a map[string]interface {}, but received a ${goTypeName(item)}`, 500)
    if (member(item, mergeKey) === undefined) throw noMergeKey(item, mergeKey)
  }
  return isJsonObject(a) && isJsonObject(b) && deepEqual(member(a, mergeKey), member(b, mergeKey))
}
