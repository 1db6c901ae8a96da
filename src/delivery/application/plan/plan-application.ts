import type { KubeObject, autoscaling } from '#api'
import { dependenciesOf } from './dependencies.ts'
import { HELD, holdOf, isHeldIn, modePatch } from '../modes.ts'
import type { Application, Mode, PartStatus } from '../objects.ts'
import { REVISION_MARK, isOwnPart } from '../ownership.ts'
import { partId, partKindOf } from '../part-kinds.ts'
import { type SeenPart, seenPart } from './part-state.ts'

export interface Snapshot {
  readonly application: Application
  /** Of the revision that is wanted, in the order in which they are applied. */
  readonly objects: readonly KubeObject[]
  /** What the server has with the application's label, of all kinds that are followed. */
  readonly live: readonly KubeObject[]
}

export interface Apply {
  readonly kind: 'apply'
  readonly object: KubeObject
  readonly live: KubeObject | undefined
}

export type Action =
  /** Bring it to the revision, whole. */
  | Apply
  /** It is at the revision, and is to be held or let go. */
  | { readonly kind: 'mode'; readonly live: KubeObject; readonly patch: object }
  | { readonly kind: 'remove'; readonly live: KubeObject }

export interface Plan {
  readonly actions: readonly Action[]
  /** What is to be applied once others are ready. */
  readonly later: readonly Apply[]
  /** Once all actions are done, the application is at its revision and in its mode. False: parts wait for others. */
  readonly isWhole: boolean
  readonly parts: readonly PartStatus[]
}

/** What would bring an application to its revision and mode, and how its parts are meanwhile. Pure. */
export function planApplication({ application, objects, live }: Snapshot): Plan {
  const { revision } = application.spec
  const mode = modeOf(application)
  const { status } = application
  const isRepeated = status?.revision === revision
  const liveById = new Map(live.map((object) => [partId(object), object]))
  const wanted = objects.filter((object) => mode !== 'Stopped' || partKindOf(object)?.isRoute !== true)
  const seen = new Map(wanted.map((object) => [partId(object), stateOf(object, liveById.get(partId(object)), revision)]))
  const scaled = scaledBy(objects)
  const actions: Action[] = []
  const parts: PartStatus[] = []
  const later: Apply[] = []
  for (const object of wanted) {
    const id = partId(object)
    const kind = partKindOf(object)
    const there = liveById.get(id)
    const state = seen.get(id) ?? { state: 'Progressing' }
    const tell = (part: SeenPart): void => void parts.push(partStatus(object, part, kind?.holdsData === true))
    // Nothing says of a Secret whether it is at the revision: it is written whenever a revision is brought about.
    const isAt = kind?.isFollowed === false ? isRepeated : there !== undefined && markOf(there) === revision
    if (isAt) {
      const patch = there === undefined ? undefined : modePatch(there, mode)
      if (there !== undefined && patch !== undefined) actions.push({ kind: 'mode', live: there, patch })
      tell(patch === undefined ? (kind?.isFollowed === false ? { state: 'Ready' } : state) : { ...state, state: 'Progressing' })
      continue
    }
    // A Job that has run at this revision may be removed when it is through; it does not run twice.
    if (object.kind === 'Job' && there === undefined && isRepeated) {
      tell({ state: 'Ready', message: 'has run' })
      continue
    }
    const waiting = isHeldIn(mode) ? undefined : waitsFor(object, seen)
    if (waiting === undefined) actions.push({ kind: 'apply', object: appliedObject(object, there, isHeldIn(mode), scaled), live: there })
    else later.push({ kind: 'apply', object, live: there })
    tell(
      waiting === undefined
        ? { ...state, state: there === undefined && isRepeated && status?.mode === mode ? 'Missing' : 'Progressing' }
        : { state: 'Waiting', message: `waits for ${waiting}` },
    )
  }
  const others = live.filter((object) => !seen.has(partId(object)))
  for (const object of others) {
    if (partKindOf(object)?.holdsData === true)
      parts.push(partStatus(object, { ...seenPart(object), message: `not in revision ${revision}: stays, as it holds data` }, true))
    else if (later.length === 0 && isOwnPart(object, application) && object.metadata?.deletionTimestamp === undefined)
      actions.push({ kind: 'remove', live: object })
  }
  return { actions, later, isWhole: later.length === 0, parts }
}

export const modeOf = ({ spec }: Application): Mode => spec.mode ?? 'Running'

export const markOf = ({ metadata }: KubeObject): number => Number(metadata?.annotations?.[REVISION_MARK] ?? 0)

function partStatus({ apiVersion = '', kind = '', metadata }: KubeObject, part: SeenPart, holdsData: boolean): PartStatus {
  return {
    apiVersion,
    kind,
    name: metadata?.name ?? '',
    state: part.state,
    ...(part.message === undefined || part.message === '' ? {} : { message: part.message.slice(0, 1024) }),
    ...(holdsData ? { holdsData } : {}),
    ...(part.pods === undefined ? {} : { pods: part.pods }),
  }
}

/** What is not at the revision yet is not ready for it, however well it is. */
function stateOf(object: KubeObject, live: KubeObject | undefined, revision: number): SeenPart {
  if (partKindOf(object)?.isFollowed === false) return { state: 'Ready' }
  if (live === undefined) return { state: 'Progressing' }
  const seen = seenPart(live)
  return markOf(live) === revision ? seen : { ...seen, state: 'Progressing', message: `at revision ${markOf(live)}` }
}

/** The first part that it has to wait for. */
function waitsFor(object: KubeObject, seen: ReadonlyMap<string, SeenPart>): string | undefined {
  return dependenciesOf(object).find(({ id, isRequired }) => {
    const other = seen.get(id)
    return other !== undefined && other.state !== 'Ready' && (isRequired || other.state !== 'Failed')
  })?.id
}

/** An object as it is applied: when held, without pods and with the memory of how many there are to be; where an autoscaler decides, with as many as it wants. */
function appliedObject(object: KubeObject, live: KubeObject | undefined, held: boolean, scaled: ReadonlySet<string>): KubeObject {
  const { spec = {}, ...rest } = object as KubeObject & { readonly spec?: object }
  const hold = held ? holdOf(object) : undefined
  if (hold !== undefined) {
    const metadata = { ...object.metadata, annotations: { ...object.metadata?.annotations, [HELD]: hold.memory } }
    return { ...rest, metadata, spec: mergedSpec(spec, hold.spec) } as KubeObject
  }
  const replicas = (live as { readonly spec?: { readonly replicas?: number } } | undefined)?.spec?.replicas ?? 0
  return replicas > 0 && scaled.has(partId(object)) ? ({ ...object, spec: { ...spec, replicas } } as KubeObject) : object
}

/** Parts whose size an autoscaler of the application decides. */
function scaledBy(objects: readonly KubeObject[]): ReadonlySet<string> {
  return new Set(
    objects
      .filter((object): object is autoscaling.HorizontalPodAutoscaler => object.kind === 'HorizontalPodAutoscaler')
      .map(({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
  )
}

function mergedSpec(spec: object, over: object): object {
  const merged: Record<string, unknown> = { ...spec }
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key]
    merged[key] = isPlain(below) && isPlain(value) ? mergedSpec(below, value) : value
  }
  return merged
}

const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)
