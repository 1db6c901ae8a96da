import { type KubeObject, type ObjectSchema, type Resource, share, storedForm } from '#api'
import type { PartMemo } from './part-memo.ts'

/** Reads stored objects, whose field sets, and specs where their kind allows it, are shared with the others that have the same. */

const SPEC = Buffer.from('"spec":{')
const STATUS = Buffer.from(',"status":')
const FIELDS = Buffer.from('"fieldsV1":{')
const FIELD_ENDS = [',"subresource":', '},{"manager":', '}]'].map((text) => Buffer.from(text))
const CLOSE = 0x7d

/** How field sets are read: for all kinds alike. */
const FIELD_SETS = {}

/** Where a value is thought to stand. Whether it does is shown by its being known. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The object's own spec, most probably. Where the bytes from `start` to `end` are a whole JSON object, so is the value that begins there:
 * an object's text ends where its braces say, and no quote within a string goes without a backslash.
 */
export function specSpan(bytes: Buffer): Span | undefined {
  const at = bytes.indexOf(SPEC)
  if (at === -1) return undefined
  const start = at + SPEC.length - 1
  const status = bytes.lastIndexOf(STATUS)
  const end = status > start ? status : bytes.lastIndexOf(CLOSE)
  return end > start ? { start, end } : undefined
}

function fieldsSpan(bytes: Buffer, from: number): Span | undefined {
  const at = bytes.indexOf(FIELDS, from)
  if (at === -1) return undefined
  const start = at + FIELDS.length - 1
  let end = -1
  for (const mark of FIELD_ENDS) {
    const found = bytes.indexOf(mark, start)
    if (found !== -1 && (end === -1 || found < end)) end = found
  }
  return end === -1 ? undefined : { start, end }
}

/** The object that stored bytes stand for: read only. */
export function parseStored(memo: PartMemo, { schema, strategy }: Resource, bytes: Buffer): KubeObject {
  const parts: object[] = []
  let text = ''
  let done = 0
  const cut = (span: Span, part: object | undefined): void => {
    if (part === undefined) return
    text += `${bytes.toString('utf8', done, span.start)}"${memo.token}${parts.length}"`
    parts.push(part)
    done = span.end
  }
  let managers = 0
  for (let span = fieldsSpan(bytes, 0); span !== undefined; span = fieldsSpan(bytes, span.end)) {
    cut(span, partAt(memo, FIELD_SETS, bytes, span, ownForm))
    managers = parts.length
  }
  const spec = strategy.sharesSpec === true ? specSpan(bytes) : undefined
  if (spec !== undefined && spec.start >= done)
    cut(
      spec,
      partAt(memo, schema, bytes, spec, (value) => specForm(schema, value)),
    )
  if (parts.length === 0) return JSON.parse(bytes.toString()) as KubeObject
  const object = JSON.parse(text + bytes.toString('utf8', done)) as KubeObject & { spec?: unknown }
  return putBack(memo, object, parts, managers) ? object : (JSON.parse(bytes.toString()) as KubeObject)
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

function partAt(memo: PartMemo, of: object, bytes: Buffer, { start, end }: Span, form: Form): object | undefined {
  if (!memo.fits(end - start)) return undefined
  const text = bytes.toString('latin1', start, end)
  const known = memo.find(of, text)
  if (known !== undefined || !memo.isSecond(text)) return known
  const part = read(bytes.toString('utf8', start, end), form)
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
  const bytes = Buffer.from(JSON.stringify(form))
  if (memo.fits(bytes.length)) memo.keep(schema, bytes.toString('latin1'), form)
}
