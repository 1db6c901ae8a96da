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

/** All failures of an operation look the same to the client. */
function inapplicable(): StatusError {
  return new StatusError({
    code: 422,
    reason: REASONS.invalid,
    message: 'the server rejected our request due to an error in our request',
    details: {},
  })
}

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

  /** The container that a path's last part is in, for writing. */
  parent(path: string | undefined): { container: Container; key: string } {
    if (path === undefined) throw inapplicable()
    const [, ...parts] = path.split('/')
    const key = parts.pop()
    if (key === undefined) throw inapplicable()
    let container = this.#writable(this.root, (copy) => {
      this.root = copy
    })
    for (const part of parts) {
      const above = container
      const name = unescape(part)
      container = this.#writable(get(above, name), (copy) => write(above, name, copy))
    }
    return { container, key: unescape(key) }
  }

  #writable(value: unknown, replace: (copy: Container) => void): Container {
    if (!isContainer(value)) throw inapplicable()
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
      return add(draft, path, value)
    case 'remove':
      return remove(draft, path)
    case 'replace':
      return replace(draft, path, value)
    case 'move': {
      const source = draft.parent(from)
      const moved = get(source.container, source.key)
      remove(draft, from)
      return add(draft, path, moved)
    }
    case 'copy': {
      const source = draft.parent(from)
      const copied = get(source.container, source.key) ?? null
      draft.copyBytes -= jsonSize(copied, draft.copyBytes)
      if (draft.copyBytes < 0) throw inapplicable()
      return add(draft, path, deepClone(copied))
    }
    case 'test':
      if (!deepEqual(path === '' ? draft.root : current(draft, path), value)) throw inapplicable()
      return
    default:
      throw inapplicable()
  }
}

/** A member that is missing counts as null; an item that is missing cannot be looked at. */
function current(draft: Draft, path: string | undefined): unknown {
  const { container, key } = draft.parent(path)
  return get(container, key) ?? null
}

function add(draft: Draft, path: string | undefined, value: unknown): void {
  const { container, key } = draft.parent(path)
  if (!Array.isArray(container)) return setMember(container, key, value)
  const at = key === '-' ? container.length : indexOf(key, container.length + 1)
  container.splice(at, 0, value)
}

function remove(draft: Draft, path: string | undefined): void {
  const { container, key } = draft.parent(path)
  if (Array.isArray(container)) container.splice(indexOf(key, container.length), 1)
  else if (Object.hasOwn(container, key)) delete container[key]
  else throw inapplicable()
}

function replace(draft: Draft, path: string | undefined, value: unknown): void {
  if (path === '') {
    if (!isContainer(value)) throw inapplicable()
    draft.root = value
    return
  }
  const { container, key } = draft.parent(path)
  write(container, key, value)
}

function get(container: Container, key: string): unknown {
  return Array.isArray(container) ? container[indexOf(key, container.length)] : member(container, key)
}

function write(container: Container, key: string, value: unknown): void {
  if (Array.isArray(container)) container[indexOf(key, container.length)] = value
  else setMember(container, key, value)
}

/** An index below `length`, negative ones counting from the end. */
function indexOf(key: string, length: number): number {
  const index = /^[+-]?[0-9]{1,9}$/.test(key) ? Number(key) : Number.NaN
  const at = index < 0 ? index + length : index
  if (!(at >= 0 && at < length)) throw inapplicable()
  return at
}
