import {
  type KubeObject,
  type Resource,
  applySchemaDefaults,
  apiVersionOf,
  decodeObject,
  deepClone,
  deepEqual,
  isShared,
  share,
} from '#api'
import { type PartMemo, readJson } from '#base'
import { keepStoredSpec, specSpan } from '../../watchcache/stored/stored-parts.ts'

/**
 * New objects of one workload bring the same spec, byte for byte. What it says, what its defaults add and what admission makes of it is
 * shared by all of them, so that each costs little more than what it has of its own. Kinds say whether their rules allow it
 * (`Strategy.sharesSpec`).
 */
type WithSpec = KubeObject & { spec?: unknown }

/** A body whose spec has been read before. */
export interface CutBody {
  /** With a token in the place of the spec. */
  readonly rest: Buffer
  readonly token: string
  readonly spec: object
}

export function cutSpec(memo: PartMemo, resource: Resource, body: Uint8Array): CutBody | undefined {
  if (resource.strategy.sharesSpec !== true || resource.conversion !== undefined) return undefined
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const whole = bytes.toString()
  const span = specSpan(whole)
  if (span === undefined || !memo.fits(span.end - span.start)) return undefined
  const text = whole.slice(span.start, span.end)
  let spec = memo.find(resource, text)
  if (spec === undefined && memo.isSecond(text)) {
    spec = completeSpec(resource, Buffer.from(text))
    if (spec !== undefined) memo.keep(resource, text, spec)
  }
  if (spec === undefined) return undefined
  const { token } = memo
  const rest = Buffer.from(`${whole.slice(0, span.start)}"${token}"${whole.slice(span.end)}`)
  return { rest, token, spec }
}

/** The spec with all its defaults, from its text alone. Undefined for one that anything is to be said about. */
function completeSpec(resource: Resource, text: Buffer): object | undefined {
  try {
    const { value, duplicates, literals } = readJson(text)
    if (duplicates.length > 0 || literals !== undefined) return undefined
    const { object, unknown } = decodeObject<WithSpec>(resource.schema, { spec: value })
    if (unknown.length > 0) return undefined
    object.kind = resource.kind
    object.apiVersion = apiVersionOf(resource)
    object.metadata = {}
    applySchemaDefaults(resource.schema, object)
    resource.strategy.defaults?.(object)
    return typeof object.spec === 'object' && object.spec !== null ? share(object.spec) : undefined
  } catch {
    // It will be said what is wrong with it when it is read with its object.
    return undefined
  }
}

/** What became of shared specs on their way into the store. */
const admitted = new WeakMap<object, object[]>()
const MOST_FORMS = 8

/** Gives the draft a spec of its own whose fields may be replaced; what is below them is shared as before. */
export function openSpec(draft: WithSpec): object | undefined {
  const { spec } = draft
  if (typeof spec !== 'object' || spec === null || !isShared(spec)) return undefined
  draft.spec = { ...spec }
  return spec
}

/** Copies an opened spec to the ground, for those who write anywhere. */
export function ownSpec(draft: WithSpec): void {
  draft.spec = deepClone(draft.spec)
}

/**
 * The counterpart: a spec that was opened from `origin` is exchanged for the shared one that it is equal to, if there is one. `isComplete`
 * says that it has its defaults: then it is shared from now on.
 */
export function closeSpec(memo: PartMemo, resource: Resource, origin: object, draft: WithSpec, isComplete: boolean): boolean {
  const { spec } = draft
  if (typeof spec !== 'object' || spec === null || isShared(spec)) return isShared(spec)
  const known = admitted.get(origin)
  const same = deepEqual(spec, origin) ? origin : known?.find((one) => deepEqual(one, spec))
  if (same !== undefined) {
    draft.spec = same
    return true
  }
  if (!isComplete || (known !== undefined && known.length >= MOST_FORMS)) return false
  draft.spec = share(spec)
  if (known === undefined) admitted.set(origin, [spec])
  else known.push(spec)
  keepStoredSpec(memo, resource.schema, spec)
  return true
}
