import type { LabelSelector } from '#api'
import type { Entry } from '../entry.ts'

export interface FieldRequirement {
  readonly path: string
  readonly equal: boolean
  readonly value: string
  /** Which of the entry's field values this is; -1 and -2 are metadata.name and metadata.namespace. */
  readonly slot: number
  /** Of an object that a webhook has to turn into another version first. Only after that has been done. */
  readonly convertedValue?: (entry: Entry) => string
}

export const NAME_SLOT = -1
export const NAMESPACE_SLOT = -2
export const CONVERTED_SLOT = -3

/** Which objects of a resource a list or a watch is about. Immutable. */
export interface Selection {
  readonly namespace: string
  readonly name: string
  /** Undefined when all labels will do. */
  readonly labels: LabelSelector | undefined
  readonly fields: readonly FieldRequirement[]
}

export const EVERYTHING: Selection = { namespace: '', name: '', labels: undefined, fields: [] }

/** Whether the values of selectable fields are needed, which costs a parse of each object. */
export function needsFields(selection: Selection): boolean {
  return selection.fields.some((field) => field.slot >= 0)
}

/** Whether objects have to be converted before it is known whether they match. */
export function needsConversion(selection: Selection): boolean {
  return selection.fields.some((field) => field.slot === CONVERTED_SLOT)
}

export function hasSelector(selection: Selection): boolean {
  return selection.labels !== undefined || selection.fields.length > 0
}

/** First key and end of the keys that the selection can hold, in a cache of namespaced or cluster-scoped objects. */
export function keyRange(selection: Selection, namespaced: boolean): { readonly from: string; readonly to: string | undefined } {
  const { namespace, name } = selection
  if (!namespaced) return name === '' ? { from: '', to: undefined } : { from: name, to: `${name}\0` }
  if (namespace === '') return { from: '', to: undefined }
  if (name !== '') return { from: `${namespace}/${name}`, to: `${namespace}/${name}\0` }
  // '0' follows '/'.
  return { from: `${namespace}/`, to: `${namespace}0` }
}

export function matches(selection: Selection, entry: Entry): boolean {
  const { namespace, name, labels, fields } = selection
  if (namespace !== '' && !(entry.key.startsWith(namespace) && entry.key.charCodeAt(namespace.length) === 0x2f)) return false
  if (name !== '' && entry.name !== name) return false
  if (labels !== undefined && !labels.matches(entry.labels)) return false
  for (const field of fields) if ((fieldValue(entry, field) === field.value) !== field.equal) return false
  return true
}

function fieldValue(entry: Entry, field: FieldRequirement): string {
  if (field.slot === NAME_SLOT) return entry.name
  if (field.slot === NAMESPACE_SLOT) return entry.namespace
  if (field.convertedValue !== undefined) return field.convertedValue(entry)
  return entry.fields?.[field.slot] ?? ''
}
