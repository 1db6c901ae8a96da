import { type Scope, messageOf } from '#base'
import { type KubeObject, type ResourceRef, StatusError, isNotFound, refs } from '#api'
import type { Client, ObjectName } from '#client'
import { type ControllerContext, type ControllerDefinition, type Reconcile, after, canonicalJson, done } from '#reconcile'
import { PLATFORM_MANAGER } from '../platform/group.ts'
import { releaseRef } from './kinds.ts'
import { type Release, type ReleaseStatus, TERMINAL } from './objects.ts'
import { LOCK, OWNER, wantedTemplate } from './parts.ts'
import { planRelease } from './plan/plan.ts'
import { readCounts } from './read-counts.ts'
import { httpRouteRef } from './route/http-route.ts'
import { TRACKS, type Track, trackName } from './route/shares.ts'
import { SOON_MS, type World, type Write } from './world.ts'

const BY_DEPLOYMENT = 'release-deployment'

/** Looks at the world, plans, carries the plan out, says what it has done. Everything that it remembers is in the status. */
export const releaseController: ControllerDefinition = {
  name: 'release',
  eventSource: 'sampan-release',
  setup(context) {
    const releases = context.watch(releaseRef, ({ key }) => [key])
    releases.addIndex(BY_DEPLOYMENT, ({ metadata, spec }) => [`${metadata?.namespace ?? ''}/${spec.deployment}`])
    const keysOf = (object: KubeObject | undefined): readonly string[] =>
      object === undefined
        ? []
        : deploymentsOf(object).flatMap((name) =>
            releases
              .byIndex(BY_DEPLOYMENT, `${object.metadata?.namespace ?? ''}/${name}`)
              .flatMap((release) => (isOver(release) ? [] : [keyOf(release)])),
          )
    // What a release has made, and what it is about, are called by the Deployment's name, with the track after it or without.
    context.watch(refs.deployments, ({ now, old }) => keysOf(now ?? old))
    return reconcile(context)
  },
}

const keyOf = ({ metadata }: KubeObject): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
const isOver = ({ status }: Release): boolean => status !== undefined && TERMINAL.has(status.phase)

function deploymentsOf({ metadata }: KubeObject): readonly string[] {
  const name = metadata?.name ?? ''
  const isTrack = metadata?.annotations?.[OWNER] !== undefined
  return [name, ...TRACKS.flatMap((track) => (isTrack && name.endsWith(`-${track}`) ? [name.slice(0, -track.length - 1)] : []))]
}

function reconcile(context: ControllerContext): Reconcile {
  const { client } = context
  return async (scope, key) => {
    const [namespace = '', name = ''] = key.split('/')
    const release = await found(client.resource(releaseRef).get(scope, { namespace, name }))
    if (release === undefined) return done
    const world = await look(scope, client, release)
    const { writes, status, afterMs } = planRelease(world, scope.clock.now())
    for (const write of writes) if (!(await carryOut(scope, client, namespace, write))) return after(SOON_MS)
    if (!(await writeStatus(scope, client, namespace, release, status))) return after(SOON_MS)
    tell(context, release, status)
    return afterMs === undefined ? done : after(afterMs)
  }
}

/** Each object as the server has it now: a release is rare, and acts on what others depend on. */
async function look(scope: Scope, client: Client, release: Release): Promise<World> {
  const { spec, status, metadata } = release
  const namespace = metadata?.namespace ?? ''
  const get = <T extends KubeObject>(ref: ResourceRef<T>, name: string | undefined): Promise<T | undefined> =>
    name === undefined ? Promise.resolve(undefined) : found(client.resource(ref).get(scope, { namespace, name }))
  const track = async (which: Track): Promise<World['tracks'][Track]> => {
    const [deployment, service] = await Promise.all([
      get(refs.deployments, trackName(spec.deployment, which)),
      get(refs.services, spec.service === undefined ? undefined : trackName(spec.service, which)),
    ])
    return { deployment, service }
  }
  const [target, service, ingress, httpRoute, next, control] = await Promise.all([
    get(refs.deployments, spec.deployment),
    get(refs.services, spec.service),
    get(refs.ingresses, spec.ingress),
    get(httpRouteRef, spec.httpRoute),
    track('next'),
    track('control'),
  ])
  const { items } = await client.resource(refs.horizontalpodautoscalers).list(scope, { namespace })
  const begins = status === undefined || status.phase === 'Pending' || (TERMINAL.has(status.phase) && spec.attempt > status.attempt)
  const counts = spec.analysis !== undefined && (status?.phase === 'Preparing' || status?.phase === 'Progressing')
  return {
    release,
    target,
    service,
    ingress,
    httpRoute,
    tracks: { next, control },
    autoscalers: items.filter(
      ({ spec: { scaleTargetRef } = {} }) => scaleTargetRef?.kind === 'Deployment' && scaleTargetRef.name === spec.deployment,
    ),
    owner: await ownerOf(scope, client, release, target),
    proposed: begins && target !== undefined ? await propose(scope, client, release, target) : undefined,
    reading: counts && spec.service !== undefined ? await readCounts(scope, client, namespace, spec.service) : undefined,
  }
}

/** Another Release that has the Deployment and has not ended. */
async function ownerOf(scope: Scope, client: Client, release: Release, target: World['target']): Promise<Release | undefined> {
  const [name = '', uid = ''] = target?.metadata?.annotations?.[LOCK]?.split('/') ?? []
  if (name === '' || uid === release.metadata?.uid) return undefined
  const owner = await found(client.resource(releaseRef).get(scope, { namespace: release.metadata?.namespace, name }))
  return owner === undefined || owner.metadata?.uid !== uid || isOver(owner) ? undefined : owner
}

/** What the server would make of it: with its defaults, or what it says against it. Nothing is changed. */
async function propose(scope: Scope, client: Client, { spec }: Release, target: NonNullable<World['target']>): Promise<World['proposed']> {
  const template = wantedTemplate(spec, target.spec?.template ?? {})
  if ('problem' in template) return template
  const name = { namespace: target.metadata?.namespace, name: target.metadata?.name ?? '' }
  const body = [{ op: 'add', path: '/spec/template', value: template }]
  try {
    const stored = await client.resource(refs.deployments).patch(scope, name, { type: 'json', body }, { dryRun: true })
    return stored.spec?.template
  } catch (error) {
    if (error instanceof StatusError && error.status.code === 422) return { problem: messageOf(error) }
    throw error
  }
}

/** False: the object is another one than was looked at. Look again. */
async function carryOut(scope: Scope, client: Client, namespace: string, { verb, ref, name, body }: Write): Promise<boolean> {
  const resource = client.resource(ref)
  const at: ObjectName = { namespace, name }
  try {
    switch (verb) {
      case 'apply':
        await resource.patch(scope, at, { type: 'apply', body }, { fieldManager: PLATFORM_MANAGER, force: true })
        return true
      case 'json':
        await resource.patch(scope, at, { type: 'json', body: body as readonly unknown[] })
        return true
      case 'update':
        await resource.update(scope, body as KubeObject)
        return true
      case 'delete':
        await resource.delete(scope, at, { propagationPolicy: 'Background', preconditions: body as { readonly uid: string } })
        return true
    }
  } catch (error) {
    if (isNotFound(error)) return verb === 'delete'
    // A test of a JSON patch that does not hold is refused as invalid.
    if (error instanceof StatusError && (error.status.code === 409 || (verb === 'json' && error.status.code === 422))) return false
    throw error
  }
}

async function writeStatus(scope: Scope, client: Client, namespace: string, release: Release, status: ReleaseStatus): Promise<boolean> {
  const now = { ...status, observedGeneration: release.metadata?.generation }
  if (release.status !== undefined && canonicalJson(release.status) === canonicalJson(now)) return true
  const resource = client.resource(releaseRef)
  try {
    // Marks of this very plan may have changed the object since.
    const fresh = await resource.get(scope, { namespace, name: release.metadata?.name ?? '' })
    if (fresh.metadata?.uid !== release.metadata?.uid || canonicalJson(fresh.status ?? null) !== canonicalJson(release.status ?? null))
      return false
    await resource.update(scope, { ...fresh, status: now }, { subresource: 'status' })
    return true
  } catch (error) {
    if (isNotFound(error)) return true
    if (error instanceof StatusError && error.status.code === 409) return false
    throw error
  }
}

function tell({ events }: ControllerContext, release: Release, { phase, reason, message }: ReleaseStatus): void {
  if (release.status?.phase === phase && release.status.reason === reason) return
  const isBad = phase === 'RollingBack' || phase === 'Refused' || reason === 'NotEnoughEvidence'
  events.event(release, isBad ? 'Warning' : 'Normal', reason, message === '' ? phase : message)
}

async function found<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
