import { type Scope, isCancelled, messageOf, rfc3339 } from '#base'
import { type KubeObject, type ResourceRef, StatusError, isConflict, isNotFound } from '#api'
import {
  type ControllerContext,
  type ControllerDefinition,
  type Informer,
  type Reconcile,
  type Result,
  after,
  done,
  sameOnWire,
} from '#reconcile'
import { APPLICATION_LABEL, PLATFORM_MANAGER } from '../platform/group.ts'
import { isHeld, modePatch } from './modes.ts'
import { type Application, type ApplicationStatus, type PartStatus, applicationRef, revisionRef } from './objects.ts'
import { REVISION_MARK, asPart, ownershipOf } from './ownership.ts'
import { PART_KINDS, partId, partKindOf, partRef } from './part-kinds.ts'
import { type Action, type Apply, type Plan, modeOf, planApplication } from './plan/plan-application.ts'
import { type Trouble, planStatus } from './plan/plan-status.ts'
import { readManifests } from './manifests.ts'
import { type WholeRevision, ifThere, listRevisions, ownedBy, planPruning, readRevision, revisionName } from './revisions.ts'

/** What the API refuses may be allowed later (a quota, a policy): looked at again, without hurry. */
const REFUSED_AGAIN_MS = 60_000
const GOING_AGAIN_MS = 1_000
/** Revisions that are kept read, so that a change of a part costs no request. */
const KEPT_READ = 64
const DEFAULT_LIMIT = 10

/** Brings the parts of Applications to their revision and mode, and says how they are. It writes to the Kubernetes API and nowhere else. */
export const applicationController: ControllerDefinition = {
  name: 'application-controller',
  eventSource: 'sampan-delivery',
  workers: 8,
  setup,
}

const NOTHING: Plan = { actions: [], later: [], isWhole: false, parts: [] }

type Trying = { readonly plan: Plan; readonly trouble: Trouble | undefined; readonly again: number | undefined }

function setup(context: ControllerContext): Reconcile {
  const { client, events } = context
  const applications = context.watch(applicationRef, ({ key }) => [key])
  const followed = PART_KINDS.filter(({ isFollowed }) => isFollowed).map(({ ref }) => followParts(context, ref))
  const applicationClient = client.resource(applicationRef)
  const read = new Map<string, WholeRevision>()

  return async (scope, key): Promise<Result> => {
    const application = applications.get(key)
    // What belongs to it goes with it: the server's garbage collection does that, and nothing here could do it better.
    if (application === undefined || application.metadata?.deletionTimestamp !== undefined) return done
    const revision = await wantedRevision(scope, application)
    if ('reason' in revision) return report(scope, application, { plan: NOTHING, trouble: revision, again: REFUSED_AGAIN_MS })
    const tried = await bringAbout(scope, application, revision)
    return report(scope, application, tried)
  }

  async function wantedRevision(scope: Scope, { metadata, spec }: Application): Promise<WholeRevision | Trouble> {
    const { namespace = '', name = '', uid = '' } = metadata ?? {}
    const id = `${uid}/${spec.revision}`
    const known = read.get(id)
    if (known !== undefined) return known
    const found = await readRevision(scope, client, { namespace, name }, spec.revision)
    const called = revisionName(name, spec.revision)
    if (found === undefined) return { reason: 'RevisionMissing', message: `there is no ApplicationRevision ${called}` }
    if (found === 'unreadable') return { reason: 'RevisionRefused', message: `what is in ${called} cannot be read` }
    if (found === 'incomplete') return { reason: 'RevisionIncomplete', message: `the contents of the Secrets of ${called} are not there` }
    // Whoever may write revisions may have written this one by hand.
    const { objects, refusals } = readManifests(found.objects, name, namespace)
    if (refusals.length > 0) return { reason: 'RevisionRefused', message: `${called}: ${refusals.join('; ')}` }
    const whole = { ...found, objects }
    read.set(id, whole)
    if (read.size > KEPT_READ) for (const oldest of read.keys()) if (read.size > KEPT_READ) read.delete(oldest)
    return whole
  }

  async function bringAbout(scope: Scope, application: Application, whole: WholeRevision): Promise<Trying> {
    const live = followed.flatMap((informer) => informer.byIndex(BY_APPLICATION, keyOfApplication(application)))
    const plan = planApplication({ application, objects: whole.objects, live })
    const isNew = application.status?.revision !== application.spec.revision
    const applied = plan.actions.filter((action) => action.kind === 'apply')
    // All of a revision is asked about before any of it is written: what the API refuses changes nothing.
    const isFirst = isNew && !isBegun(application, live)
    const hindered = await hindrance(scope, application, isFirst ? [...applied, ...plan.later] : applied, isFirst)
    if (hindered !== undefined) {
      if (hindered.trouble?.reason === 'RevisionRefused') await noteRefusal(scope, whole, hindered.trouble.message)
      return { plan, ...hindered }
    }
    for (const action of plan.actions) {
      const trouble = await carryOut(scope, application, action)
      if (trouble !== undefined) return { plan, trouble, again: REFUSED_AGAIN_MS }
    }
    if (plan.isWhole && isNew) {
      await removeUnfollowed(scope, application, whole)
      await finish(scope, application, whole)
    }
    return { plan, trouble: undefined, again: undefined }
  }

  /** Why nothing may be written now: the names are others', what had them is going, or the API would refuse it. */
  async function hindrance(
    scope: Scope,
    application: Application,
    applied: readonly Apply[],
    isFirst: boolean,
  ): Promise<Omit<Trying, 'plan'> | undefined> {
    const others: string[] = []
    const going: string[] = []
    const adopted: KubeObject[] = []
    for (const { object, live } of applied) {
      const kind = partKindOf(object)
      const there = live ?? (await ifThere(client.resource(partRef(object)).get(scope, nameOf(object, application))))
      if (there === undefined) continue
      const ownership = ownershipOf({ ...there, kind: object.kind }, application, kind?.holdsData === true)
      if (ownership.kind === 'refuse') others.push(ownership.why)
      if (ownership.kind === 'wait') going.push(ownership.why)
      if (ownership.kind === 'adopt') adopted.push(object)
    }
    if (others.length > 0) return { trouble: { reason: 'NotOurs', message: others.join('; ') }, again: REFUSED_AGAIN_MS }
    if (going.length > 0) return { trouble: undefined, again: GOING_AGAIN_MS }
    if (!isFirst) return undefined
    const refused = await refusals(scope, application, applied)
    if (refused.length > 0) return { trouble: { reason: 'RevisionRefused', message: refused.join('; ') }, again: REFUSED_AGAIN_MS }
    for (const object of adopted)
      events.event(application, 'Normal', 'Adopted', `${partId(object)} was there and belongs to nobody: it is a part now`)
    return undefined
  }

  async function refusals(scope: Scope, application: Application, applied: readonly Apply[]): Promise<readonly string[]> {
    const refused: string[] = []
    for (const { object, live } of applied) {
      // A Job that differs is made anew.
      if (object.kind === 'Job' && live !== undefined) continue
      try {
        await applyPart(scope, application, object, true)
      } catch (error) {
        if (!isRefusal(error)) throw error
        refused.push(`${partId(object)}: ${messageOf(error)}`)
      }
    }
    return refused
  }

  async function applyPart(scope: Scope, application: Application, object: KubeObject, dryRun: boolean): Promise<void> {
    const kind = partKindOf(object)
    const body = asPart(object, application, application.spec.revision, kind?.holdsData === true)
    await client
      .resource(partRef(object))
      .patch(scope, nameOf(object, application), { type: 'apply', body }, { fieldManager: PLATFORM_MANAGER, force: true, dryRun })
  }

  /** Resolves with what the API would not take. */
  async function carryOut(scope: Scope, application: Application, action: Action): Promise<Trouble | undefined> {
    const object = action.kind === 'apply' ? action.object : action.live
    const resource = client.resource(partRef(object))
    const name = nameOf(object, application)
    try {
      switch (action.kind) {
        case 'mode':
          await resource.patch(scope, name, { type: 'merge', body: action.patch })
          break
        case 'remove':
          await remove(scope, application, action.live)
          break
        case 'apply': {
          const { live } = action
          const release = live !== undefined && isHeld(live) && modeOf(application) === 'Running' ? modePatch(live, 'Running') : undefined
          if (release !== undefined) await resource.patch(scope, name, { type: 'merge', body: release })
          await applyPart(scope, application, object, false)
          break
        }
        default:
          return action satisfies never
      }
      return undefined
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (object.kind === 'Job' && action.kind === 'apply' && action.live !== undefined) {
        // It cannot be changed. Its removal brings this back, and it is made anew.
        await remove(scope, application, action.live, 'has changed, and is made anew')
        return undefined
      }
      return { reason: 'PartRefused', message: `${partId(object)}: ${messageOf(error)}` }
    }
  }

  async function remove(scope: Scope, application: Application, live: KubeObject, why?: string): Promise<void> {
    const { uid } = live.metadata ?? {}
    await ifThere(
      client.resource(partRef(live)).delete(scope, nameOf(live, application), {
        propagationPolicy: 'Background',
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      }),
    )
    events.event(
      application,
      'Normal',
      'Removed',
      `${partId(live)} ${why ?? `is no part of revision ${application.spec.revision} in mode ${modeOf(application)}`}`,
    )
  }

  /** Secrets that were parts and are none any more; their names are in the status alone. */
  async function removeUnfollowed(scope: Scope, application: Application, { objects }: WholeRevision): Promise<void> {
    const wanted = new Set(objects.map(partId))
    for (const part of application.status?.parts ?? []) {
      const object: KubeObject = { apiVersion: part.apiVersion, kind: part.kind, metadata: { name: part.name } }
      const kind = partKindOf(object)
      if (kind === undefined || kind.isFollowed || wanted.has(partId(object))) continue
      const there = await ifThere(client.resource(kind.ref).get(scope, nameOf(object, application)))
      if (there !== undefined && ownershipOf(there, application, false).kind === 'ours')
        await remove(scope, application, { ...there, kind: part.kind })
    }
  }

  /** The parts are at the revision: it says so itself, belongs to the application, and the oldest ones go. */
  async function finish(scope: Scope, application: Application, { revision }: WholeRevision): Promise<void> {
    const { namespace = '', name = '', uid } = application.metadata ?? {}
    const revisions = client.resource(revisionRef)
    const present = await listRevisions(scope, client, { namespace, name })
    for (const one of present)
      if (one.metadata?.ownerReferences?.some((owner) => owner.uid === uid) !== true)
        await ifThere(revisions.patch(scope, { namespace, name: one.metadata?.name ?? '' }, { type: 'merge', body: ownedBy(application) }))
    if (revision.status?.appliedTime === undefined)
      await revisions.patch(
        scope,
        { namespace, name: revision.metadata?.name ?? '' },
        { type: 'merge', body: { status: { appliedTime: rfc3339(scope.clock.now()), refusal: null } } },
        { subresource: 'status' },
      )
    for (const old of planPruning(present, application.spec.revision, application.spec.revisionHistoryLimit ?? DEFAULT_LIMIT))
      await ifThere(revisions.delete(scope, { namespace, name: old.metadata?.name ?? '' }, { propagationPolicy: 'Background' }))
    events.event(application, 'Normal', 'Applied', `Brought to revision ${application.spec.revision}`)
  }

  async function noteRefusal(scope: Scope, { revision }: WholeRevision, message: string): Promise<void> {
    const { namespace, name = '' } = revision.metadata ?? {}
    await client
      .resource(revisionRef)
      .patch(
        scope,
        { namespace, name },
        { type: 'merge', body: { status: { refusal: message.slice(0, 4096) } } },
        { subresource: 'status' },
      )
  }

  async function report(scope: Scope, application: Application, { plan, trouble, again }: Trying): Promise<Result> {
    const before = application.status
    const isReached = plan.isWhole && trouble === undefined && again === undefined
    const reached = isReached
      ? { revision: application.spec.revision, mode: modeOf(application) }
      : before?.revision === undefined
        ? undefined
        : { revision: before.revision, mode: before.mode ?? 'Running' }
    const parts =
      trouble?.reason === 'RevisionMissing' || trouble?.reason === 'RevisionIncomplete'
        ? (before?.parts ?? [])
        : withFormer(plan.parts, before, isReached)
    const status = planStatus({ application, parts, reached, trouble, nowMs: scope.clock.now() })
    if (!sameOnWire(status, before)) {
      const { namespace, name = '' } = application.metadata ?? {}
      const body = { status: { revision: null, mode: null, ...status } }
      await ifThere(applicationClient.patch(scope, { namespace, name }, { type: 'merge', body }, { subresource: 'status' }))
      if (trouble !== undefined && !isTold(before, trouble)) events.event(application, 'Warning', trouble.reason, trouble.message)
    }
    return again === undefined ? done : after(again)
  }
}

/** Names of Secrets that are to be removed are remembered until they are. */
function withFormer(parts: readonly PartStatus[], before: ApplicationStatus | undefined, isReached: boolean): readonly PartStatus[] {
  if (isReached) return parts
  const named = new Set(parts.map(({ kind, name }) => `${kind}/${name}`))
  const former = (before?.parts ?? []).filter(
    ({ apiVersion, kind, name }) => !named.has(`${kind}/${name}`) && partKindOf({ apiVersion, kind })?.isFollowed === false,
  )
  return [...parts, ...former]
}

const isTold = (before: ApplicationStatus | undefined, { reason, message }: Trouble): boolean =>
  before?.conditions?.some((condition) => condition.type === 'Degraded' && condition.reason === reason && condition.message === message) ===
  true

/** Something of the revision is written already: the API has been asked about all of it. */
const isBegun = ({ spec }: Application, live: readonly KubeObject[]): boolean =>
  live.some(({ metadata }) => metadata?.annotations?.[REVISION_MARK] === String(spec.revision))

const BY_APPLICATION = 'application'

function followParts(context: ControllerContext, ref: ResourceRef): Informer<KubeObject> {
  const informer = context.informers.informer<KubeObject>(ref, { labelSelector: APPLICATION_LABEL })
  informer.addIndex(BY_APPLICATION, ({ metadata }) => [`${metadata?.namespace ?? ''}/${metadata?.labels?.[APPLICATION_LABEL] ?? ''}`])
  informer.onChange(({ old, now }) => {
    for (const { metadata } of [old, now].filter((object) => object !== undefined))
      context.enqueue(`${metadata?.namespace ?? ''}/${metadata?.labels?.[APPLICATION_LABEL] ?? ''}`)
  })
  return informer
}

const keyOfApplication = ({ metadata }: Application): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`

const nameOf = ({ metadata }: KubeObject, application: Application): { readonly namespace: string | undefined; readonly name: string } => ({
  namespace: application.metadata?.namespace,
  name: metadata?.name ?? '',
})

/** The server has understood and will not do it, however often it is asked: not lost answers, conflicts or a server that is busy. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof StatusError) || isConflict(error) || isNotFound(error) || isCancelled(error)) return false
  const { code = 500 } = error.status
  return code >= 400 && code < 500 && code !== 429 && code !== 401 && code !== 408
}
