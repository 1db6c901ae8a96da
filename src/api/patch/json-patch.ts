import { deepClone, deepEqual, isJsonObject, type JsonObject, member, setMember } from '../meta/deep.ts'
import { jsonTypeName } from '../meta/go-format.ts'
import { REASONS, StatusError, statusError } from '../meta/status.ts'

export const JSON_PATCH_MAX_OPERATIONS = 10_000
/** What all copies of one patch may add together, in bytes of JSON: copies of copies double, and soon nothing can hold them. */
const MOST_COPIED_BYTES = 3 * 1024 * 1024

/**
 * Applies a JSON patch (RFC 6902) as Kubernetes does, which is more forgiving than the RFC: a missing member can be replaced,
 * tested against null and copied (as null), negative indices count from the end, and what stands before the first slash of
 * a path is not looked at.
 *
 * Neither argument is changed; the result shares what did not change with both. Throws a StatusError: 400 when the patch is
 * no list of operations, 413 when it has too many, 422 when one cannot be applied.
 */
export function jsonPatch(document: unknown, operations: unknown): unknown {
  const checked = operationsOf(operations)
  const draft = new Draft(document)
  for (const operation of checked) apply(draft, operation)
  return draft.root
}

interface Operation {
  readonly op: string
  readonly path: string | undefined
  readonly from: string | undefined
  readonly value: unknown
}

function operationsOf(operations: unknown): Operation[] {
  if (operations === null) return []
  if (!Array.isArray(operations)) throw undecodable(operations, 'Go value of type []handlers.jsonPatchOp')
  const read = operations.map((operation: unknown) => {
    if (operation === null) return { op: '', path: undefined, from: undefined, value: null }
    if (!isJsonObject(operation)) throw undecodable(operation, 'Go value of type handlers.jsonPatchOp')
    return {
      op: textOf(operation, 'op') ?? '',
      path: textOf(operation, 'path'),
      from: textOf(operation, 'from'),
      value: member(operation, 'value') ?? null,
    }
  })
  if (read.length > JSON_PATCH_MAX_OPERATIONS) {
    throw statusError.tooLarge(
      `Request entity too large: The allowed maximum operations in a JSON patch is ${JSON_PATCH_MAX_OPERATIONS}, got ${read.length}`,
    )
  }
  return read
}

function textOf(operation: JsonObject, name: string): string | undefined {
  const value = member(operation, name) ?? undefined
  if (value === undefined || typeof value === 'string') return value
  throw undecodable(value, `Go struct field jsonPatchOp.${name} of type string`)
}

const undecodable = (value: unknown, target: string): Error =>
  statusError.badRequest(`error decoding patch: json: cannot unmarshal ${jsonTypeName(value)} into ${target}`)

/** An operation that cannot be carried out. All look the same to the client that has sent the patch; `why` is for who has written it. */
export class InapplicablePatch extends StatusError {
  readonly why: string
  /** Nothing is wrong but what a test has found. */
  readonly isTest: boolean
  constructor(why: string, isTest = false) {
    super({
      code: 422,
      reason: REASONS.invalid,
      message: 'the server rejected our request due to an error in our request',
      details: {},
    })
    this.why = why
    this.isTest = isTest
  }
}

const MISSING = 'missing value'

type Container = JsonObject | unknown[]
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null

/** The document, of which only what a patch writes to is copied: each container at most once. */
class Draft {
  root: unknown
  readonly #own = new Set<Container>()
  /** What copies may still add. */
  copyBytes = MOST_COPIED_BYTES
  constructor(document: unknown) {
    this.root = document
  }

  /** The container that a path's last part is in, for writing; undefined when there is none. */
  parent(path: string): { container: Container; key: string } | undefined {
    const [, ...parts] = path.split('/')
    const key = parts.pop()
    if (key === undefined) return undefined
    let container = this.#writable(this.root, (copy) => {
      this.root = copy
    })
    for (const part of parts) {
      if (container === undefined) return undefined
      const above = container
      const name = unescape(part)
      const found = lookUp(above, name)
      container = 'why' in found ? undefined : this.#writable(found.value, (copy) => write(above, name, copy))
    }
    return container && { container, key: unescape(key) }
  }

  #writable(value: unknown, replace: (copy: Container) => void): Container | undefined {
    if (!isContainer(value)) return undefined
    if (this.#own.has(value)) return value
    const copy = Array.isArray(value) ? value.slice() : shallow(value)
    this.#own.add(copy)
    replace(copy)
    return copy
  }
}

function shallow(object: JsonObject): JsonObject {
  const copy: JsonObject = {}
  for (const key of Object.keys(object)) setMember(copy, key, object[key])
  return copy
}

/** About how long a value is as JSON, not counted further than just above `most`. */
function jsonSize(value: unknown, most: number): number {
  if (typeof value === 'string') return value.length + 2
  if (!isContainer(value)) return String(value).length
  let size = 2
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length && size <= most; at++) size += jsonSize(value[at], most - size) + 1
    return size
  }
  for (const key in value) {
    if (size > most) return size
    size += key.length + 4 + jsonSize(value[key], most - size)
  }
  return size
}

function unescape(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}

function apply(draft: Draft, { op, path, from, value }: Operation): void {
  switch (op) {
    case 'add':
      return put(draft, path, value, ADDING)
    case 'remove':
      return remove(draft, path)
    case 'replace':
      return replace(draft, path, value)
    case 'move':
      return move(draft, from, path)
    case 'copy':
      return copy(draft, from, path)
    case 'test':
      return test(draft, path, value)
    default:
      throw new InapplicablePatch(`Unexpected kind: ${op === '' ? 'unknown' : op}`)
  }
}

const NO_PATH = `operation missing path field: ${MISSING}`
const NO_FROM = `operation, missing from field: ${MISSING}`

/** What an operation that puts something somewhere says when it cannot. */
interface Words {
  readonly noPath: string
  readonly noParent: (path: string) => string
  readonly noPlace: (path: string, why: string) => string
}

const ADDING: Words = {
  noPath: `add operation failed to decode path: ${MISSING}`,
  noParent: (path) => `add operation does not apply: doc is missing path: "${path}": ${MISSING}`,
  noPlace: (path, why) => `error in add for path: '${path}': ${why}`,
}
const MOVING: Words = {
  noPath: `move operation failed to decode path: ${NO_PATH}`,
  noParent: (path) => `move operation does not apply: doc is missing destination path: ${path}: ${MISSING}`,
  noPlace: (path, why) => `error in move for path: '${path}': ${why}`,
}
const COPYING: Words = {
  noPath: `copy operation failed to decode path: ${MISSING}`,
  noParent: (path) => `copy operation does not apply: doc is missing destination path: ${path}: ${MISSING}`,
  noPlace: (_, why) => `error while adding value during copy: ${why}`,
}

function put(draft: Draft, path: string | undefined, value: unknown, words: Words): void {
  if (path === undefined) throw new InapplicablePatch(words.noPath)
  const place = draft.parent(path)
  if (place === undefined) throw new InapplicablePatch(words.noParent(path))
  const { container, key } = place
  if (!Array.isArray(container)) return setMember(container, key, value)
  if (key === '-') return void container.push(value)
  if (!isIndex(key)) throw new InapplicablePatch(words.noPlace(path, `value was not a proper array index: '${key}': ${notANumber(key)}`))
  const at = indexOf(key, container.length + 1)
  if (typeof at === 'string') throw new InapplicablePatch(words.noPlace(path, at))
  container.splice(at, 0, value)
}

function remove(draft: Draft, path: string | undefined): void {
  if (path === undefined) throw new InapplicablePatch(`remove operation failed to decode path: ${MISSING}`)
  const place = draft.parent(path)
  if (place === undefined) throw new InapplicablePatch(`remove operation does not apply: doc is missing path: "${path}": ${MISSING}`)
  const why = takeOut(place.container, place.key)
  if (why !== undefined) throw new InapplicablePatch(`error in remove for path: '${path}': ${why}`)
}

function replace(draft: Draft, path: string | undefined, value: unknown): void {
  if (path === undefined) throw new InapplicablePatch(`replace operation failed to decode path: ${NO_PATH}`)
  if (path === '') {
    if (!isContainer(value)) throw new InapplicablePatch('replace operation value must be object or array: %!w(<nil>)')
    draft.root = value
    return
  }
  const place = draft.parent(path)
  if (place === undefined) throw new InapplicablePatch(`replace operation does not apply: doc is missing path: ${path}: ${MISSING}`)
  if ('why' in lookUp(place.container, place.key))
    throw new InapplicablePatch(`replace operation does not apply: doc is missing key: ${path}: ${MISSING}`)
  write(place.container, place.key, value)
}

function move(draft: Draft, from: string | undefined, path: string | undefined): void {
  if (from === undefined) throw new InapplicablePatch(`move operation failed to decode from: ${NO_FROM}`)
  const source = draft.parent(from)
  if (source === undefined) throw new InapplicablePatch(`move operation does not apply: doc is missing from path: ${from}: ${MISSING}`)
  const found = lookUp(source.container, source.key)
  const why = 'why' in found ? found.why : takeOut(source.container, source.key)
  if (why !== undefined || 'why' in found) throw new InapplicablePatch(`error in move for path: '${source.key}': ${why ?? ''}`)
  put(draft, path, found.value, MOVING)
}

function copy(draft: Draft, from: string | undefined, path: string | undefined): void {
  if (from === undefined) throw new InapplicablePatch(`copy operation failed to decode from: ${NO_FROM}`)
  const source = draft.parent(from)
  if (source === undefined) throw new InapplicablePatch(`copy operation does not apply: doc is missing from path: ${from}: ${MISSING}`)
  const found = lookUp(source.container, source.key)
  if ('why' in found) throw new InapplicablePatch(`error in copy for from: '${from}': ${found.why}`)
  const copied = found.value ?? null
  draft.copyBytes -= jsonSize(copied, draft.copyBytes)
  if (draft.copyBytes < 0) throw new InapplicablePatch('Unable to complete the copy, the accumulated size increase of copy is too large')
  put(draft, path, deepClone(copied), COPYING)
}

/** A member that is missing counts as null; an item that is missing cannot be looked at. */
function test(draft: Draft, path: string | undefined, value: unknown): void {
  if (path === undefined) throw new InapplicablePatch(`test operation failed to decode path: ${NO_PATH}`)
  let current = draft.root
  if (path !== '') {
    const place = draft.parent(path)
    if (place === undefined) throw new InapplicablePatch(`test operation does not apply: is missing path: ${path}: ${MISSING}`)
    const found = lookUp(place.container, place.key)
    if ('why' in found) throw new InapplicablePatch(`error in test for path: '${path}': ${found.why}`)
    current = found.value ?? null
  }
  if (!deepEqual(current, value)) throw new InapplicablePatch(`testing value ${path} failed: test failed`, true)
}

/** What stands there (undefined: nothing), or why there can be nothing. */
function lookUp(container: Container, key: string): { readonly value: unknown } | { readonly why: string } {
  if (!Array.isArray(container)) return { value: member(container, key) }
  const at = isIndex(key) ? indexOf(key, container.length) : notANumber(key)
  return typeof at === 'string' ? { why: at } : { value: container[at] }
}

/** Why it cannot be taken out. */
function takeOut(container: Container, key: string): string | undefined {
  if (Array.isArray(container)) {
    const at = isIndex(key) ? indexOf(key, container.length) : notANumber(key)
    if (typeof at === 'string') return at
    container.splice(at, 1)
  } else if (Object.hasOwn(container, key)) delete container[key]
  else return `Unable to remove nonexistent key: ${key}: ${MISSING}`
  return undefined
}

/** To a place that is there. */
function write(container: Container, key: string, value: unknown): void {
  if (!Array.isArray(container)) setMember(container, key, value)
  else {
    const at = indexOf(key, container.length)
    if (typeof at === 'number') container[at] = value
  }
}

const isIndex = (key: string): boolean => /^[+-]?[0-9]{1,9}$/.test(key)
const notANumber = (key: string): string => `strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`

/** An index below `length`, negative ones counting from the end; or what is wrong with it. */
function indexOf(key: string, length: number): number | string {
  const index = Number(key)
  const at = index < 0 ? index + length : index
  return at >= 0 && at < length ? at : `Unable to access invalid index: ${index}: invalid index referenced`
}
