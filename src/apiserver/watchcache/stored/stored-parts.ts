import { type KubeObject, type ObjectSchema, type Resource, share, storedForm } from '#api'
import type { PartMemo } from '#base'

/** Reads stored objects, whose field sets, and specs where their kind allows it, are shared with the others that have the same. */

const SPEC = '"spec":{'
const STATUS = ',"status":{'
const FIELDS = '"fieldsV1":{'
const SUBRESOURCE = ',"subresource":'
const LONGEST_SUBRESOURCE = 64

/** How field sets are read: for all kinds alike. */
const FIELD_SETS = {}

/** Where a value is thought to stand. Whether it does is shown by its being known. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The object's own spec, most probably. Where the text from `start` to `end` is a whole JSON object, so is the value that begins there:
 * an object's text ends where its braces say, and no quote within a string goes without a backslash.
 */
export function specSpan(text: string): Span | undefined {
  const at = text.indexOf(SPEC)
  if (at === -1) return undefined
  const start = at + SPEC.length - 1
  const status = text.lastIndexOf(STATUS)
  const end = status > start ? status : text.lastIndexOf('}')
  return end > start ? { start, end } : undefined
}

/** The field sets of the managers, most probably: each ends where its entry does, or where the entry goes on with its subresource. */
function fieldSpans(text: string): readonly Span[] {
  let at = text.indexOf(FIELDS)
  if (at === -1) return NONE
  const spans: Span[] = []
  while (at !== -1) {
    const start = at + FIELDS.length - 1
    const next = text.indexOf(FIELDS, start)
    let end = next === -1 ? text.indexOf('}]', start) : text.lastIndexOf('},{', next)
    if (end < start) return spans
    const more = text.slice(Math.max(start, end - LONGEST_SUBRESOURCE), end).lastIndexOf(SUBRESOURCE)
    if (more !== -1) end = Math.max(start, end - LONGEST_SUBRESOURCE) + more
    spans.push({ start, end })
    at = next
  }
  return spans
}
const NONE: readonly Span[] = []

/** The object that stored bytes stand for: read only. */
export function parseStored(memo: PartMemo, { schema, strategy }: Resource, bytes: Buffer): KubeObject {
  const text = bytes.toString()
  const parts: object[] = []
  let rest = ''
  let done = 0
  const cut = (span: Span, part: object | undefined): void => {
    if (part === undefined) return
    rest += `${text.slice(done, span.start)}"${memo.token}${parts.length}"`
    parts.push(part)
    done = span.end
  }
  for (const span of fieldSpans(text)) cut(span, partAt(memo, FIELD_SETS, text, span, ownForm))
  const managers = parts.length
  const spec = strategy.sharesSpec === true ? specSpan(text) : undefined
  if (spec !== undefined && spec.start >= done)
    cut(
      spec,
      partAt(memo, schema, text, spec, (value) => specForm(schema, value)),
    )
  if (parts.length === 0) return JSON.parse(text) as KubeObject
  const object = JSON.parse(rest + text.slice(done)) as KubeObject & { spec?: unknown }
  return putBack(memo, object, parts, managers) ? object : (JSON.parse(text) as KubeObject)
}

/** False when a part stood in another place than was thought. */
function putBack(memo: PartMemo, object: KubeObject & { spec?: unknown }, parts: readonly object[], managers: number): boolean {
  let at = 0
  if (managers > 0)
    for (const entry of object.metadata?.managedFields ?? [])
      if ((entry.fieldsV1 as unknown) === `${memo.token}${at}`) entry.fieldsV1 = parts[at++] as Record<string, unknown>
  if (at !== managers) return false
  if (at < parts.length && object.spec === `${memo.token}${at}`) object.spec = parts[at++]
  return at === parts.length
}

type Form = (value: object) => object | undefined

function partAt(memo: PartMemo, of: object, whole: string, { start, end }: Span, form: Form): object | undefined {
  if (!memo.fits(end - start)) return undefined
  const text = whole.slice(start, end)
  const known = memo.find(of, text)
  if (known !== undefined || !memo.isSecond(text)) return known
  const part = read(text, form)
  if (part !== undefined) memo.keep(of, text, part)
  return part
}

/** Undefined unless the text is one object, in the form in which this server writes it. */
function read(text: string, form: Form): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const part = typeof value === 'object' && value !== null ? form(value) : undefined
    return part !== undefined && JSON.stringify(part) === text ? share(part) : undefined
  } catch {
    return undefined
  }
}

const ownForm: Form = (value) => value

function specForm(schema: ObjectSchema, value: object): object | undefined {
  const form = storedForm(schema, { spec: share(value) }).value['spec']
  return typeof form === 'object' && form !== null ? form : undefined
}

/** Remembers the stored form of a spec that is shared already. */
export function keepStoredSpec(memo: PartMemo, schema: ObjectSchema, spec: object): void {
  const form = specForm(schema, spec)
  if (form === undefined) return
  const text = JSON.stringify(form)
  if (memo.fits(text.length)) memo.keep(schema, text, form)
}
