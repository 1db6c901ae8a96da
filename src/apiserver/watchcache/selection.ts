import type { Entry, Labels } from './entry.ts'

/** One requirement of a label selector, as far as an index or a match needs it. */
export interface LabelRequirement {
  readonly key: string
  readonly operator: 'exists' | 'not-exists' | 'in' | 'not-in' | 'greater' | 'less'
  readonly values: readonly string[]
}

export interface FieldRequirement {
  readonly path: string
  readonly equal: boolean
  readonly value: string
  /** Which of the entry's field values this is; -1 and -2 are metadata.name and metadata.namespace. */
  readonly slot: number
}

export const NAME_SLOT = -1
export const NAMESPACE_SLOT = -2

/** Which objects of a resource a list or a watch is about. Immutable. */
export interface Selection {
  readonly namespace: string
  readonly name: string
  readonly labels: readonly LabelRequirement[]
  readonly fields: readonly FieldRequirement[]
}

export const EVERYTHING: Selection = { namespace: '', name: '', labels: [], fields: [] }

/** Whether the values of selectable fields are needed, which costs a parse of each object. */
export function needsFields(selection: Selection): boolean {
  return selection.fields.some((field) => field.slot >= 0)
}

export function hasSelector(selection: Selection): boolean {
  return selection.labels.length > 0 || selection.fields.length > 0
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
  for (const requirement of labels) if (!matchesLabel(requirement, entry.labels)) return false
  for (const field of fields) if ((fieldValue(entry, field) === field.value) !== field.equal) return false
  return true
}

function fieldValue(entry: Entry, field: FieldRequirement): string {
  if (field.slot === NAME_SLOT) return entry.name
  if (field.slot === NAMESPACE_SLOT) return entry.namespace
  return entry.fields?.[field.slot] ?? ''
}

export function matchesLabel(requirement: LabelRequirement, labels: Labels): boolean {
  const value = labels[requirement.key]
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined
    case 'not-exists':
      return value === undefined
    case 'in':
      return value !== undefined && requirement.values.includes(value)
    case 'not-in':
      return value === undefined || !requirement.values.includes(value)
    case 'greater':
    case 'less': {
      if (value === undefined || !/^[+-]?\d+$/.test(value)) return false
      const bound = BigInt(requirement.values[0] ?? '0')
      return requirement.operator === 'greater' ? BigInt(value) > bound : BigInt(value) < bound
    }
    default:
      return requirement.operator satisfies never
  }
}
