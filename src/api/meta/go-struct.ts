import { isUnsetList } from './unset-list.ts'

/**
 * A type of kube-apiserver that its refusals show as it is in memory: fields under their names in Go and in its order, also those that
 * are not set. Of each: its name there, its name in the API, and what stands there when it is not set, or the type of what stands there when it is.
 */
export type GoStruct = readonly (readonly [goName: string, name: string, unset?: unknown, nested?: GoStruct])[]

/** What such a refusal shows of `value`. Unset pointers, lists and maps are null; lists are shown item by item. */
export function shownStruct(type: GoStruct, value: object): Record<string, unknown> {
  const fields = value as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    type.map(([goName, name, unset = null, nested]) => {
      const own = fields[name]
      return [goName, own === undefined || own === null || isUnsetList(own) ? unset : nested === undefined ? own : shownNested(nested, own)]
    }),
  )
}

const shownNested = (type: GoStruct, value: unknown): unknown =>
  Array.isArray(value) ? value.map((item: object) => shownStruct(type, item)) : shownStruct(type, value as object)
