import { isShared, OncePerPart } from '../meta/shared-parts.ts'

type Values = Readonly<Record<string, unknown>>

/** The text of a whole object in its normal form: what `JSON.stringify` gives, put together around the texts of its shared parts. */
export function wholeText(object: Values): string {
  return hasParts(object) ? membersText(object, topText) : JSON.stringify(object)
}

/** Shared parts are fields of the object itself, and the field sets of its managers. */
function hasParts(object: Values): boolean {
  for (const name in object) if (isShared(object[name])) return true
  return managersOf(object['metadata']).some(({ fieldsV1 }) => isShared(fieldsV1))
}

interface ManagersEntry extends Values {
  readonly fieldsV1?: unknown
}

function managersOf(metadata: unknown): readonly ManagersEntry[] {
  const entries = (metadata as { readonly managedFields?: unknown } | undefined)?.managedFields
  return Array.isArray(entries) ? (entries as readonly ManagersEntry[]) : []
}

const partText = new OncePerPart<object, string>((value) => JSON.stringify(value))
const valueText = (value: unknown): string => (isShared(value) ? partText.of(value as object) : JSON.stringify(value))

const topText = (name: string, value: unknown): string =>
  name === 'metadata' && typeof value === 'object' && value !== null ? metadataText(value as Values) : valueText(value)

/** The managers are the last field of metadata. */
function metadataText(metadata: Values): string {
  const managers = managersOf(metadata)
  if (managers.length === 0) return JSON.stringify(metadata)
  const { managedFields: _, ...others } = metadata
  const head = JSON.stringify(others)
  const entries = managers.map((entry) => (isShared(entry.fieldsV1) ? membersText(entry, memberText) : JSON.stringify(entry)))
  return `${head.slice(0, -1)}${head.length > 2 ? ',' : ''}"managedFields":[${entries.join(',')}]}`
}

const memberText = (_name: string, value: unknown): string => valueText(value)

function membersText(object: Values, textOf: (name: string, value: unknown) => string): string {
  let text = '{'
  for (const name in object) {
    const value = object[name]
    if (value === undefined) continue
    if (text.length > 1) text += ','
    text += `${JSON.stringify(name)}:${textOf(name, value)}`
  }
  return `${text}}`
}
