import { items } from '../values/containers.ts'
import { isIn, Work } from '../values/equality.ts'
import { CelError } from '../values/error.ts'
import type { ListValue, Outcome } from '../values/value.ts'
import type { Library } from '../types/functions.ts'

function contains(list: ListValue, part: ListValue): Outcome {
  const work = new Work()
  for (const item of items(part)) {
    const found = item instanceof CelError ? item : isIn(item, list, work)
    if (found !== true) return found
  }
  return true
}

function intersects(a: ListValue, b: ListValue): Outcome {
  const work = new Work()
  for (const item of items(a)) if (!(item instanceof CelError) && isIn(item, b, work) === true) return true
  return false
}

function equivalent(a: ListValue, b: ListValue): Outcome {
  const contained = contains(a, b)
  return contained === true ? contains(b, a) : contained
}

export const sets: Library = [
  ['sets.contains', 'list_sets_contains_list', '(list(T), list(T)) -> bool', contains],
  ['sets.equivalent', 'list_sets_equivalent_list', '(list(T), list(T)) -> bool', equivalent],
  ['sets.intersects', 'list_sets_intersects_list', '(list(T), list(T)) -> bool', intersects],
]
