import { type Scope, UserError } from '#base'
import { type KubeObject, StatusError, isAlreadyExists, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { APPLICATION_LABEL } from '../platform/group.ts'
import { type Bundle, bundleOf, readManifests } from './manifests.ts'
import { type Application, type ApplicationRevision, type Mode, applicationRef, revisionRef } from './objects.ts'
import { modeOf } from './plan/plan-application.ts'
import { type PartChange, planChange, warningsOf } from './plan/plan-change.ts'
import { SEALED_TYPE, type WholeRevision, ifThere, listRevisions, numberOf, readRevision, revisionName, sealedName } from './revisions.ts'

/** The ways by which a revision comes. */
export type Door = 'Compose' | 'Manifests' | 'Rollback'

export interface Place {
  readonly client: Client
  readonly namespace: string
  readonly name: string
}

export interface Deployment {
  readonly door: Door
  /** Why, in the words of whoever does it. */
  readonly cause: string
  /** It is only said what would be done. */
  readonly dryRun: boolean
  /** Also lets the application run when it is suspended or stopped. */
  readonly run: boolean
}

export interface Deployed {
  /** The present revision afterwards; of a dry run, what it would be. */
  readonly revision: number
  /** It said the same already. */
  readonly isUnchanged: boolean
  readonly changes: readonly PartChange[]
  readonly warnings: readonly string[]
}

/** Two that make a revision at once: the second takes the next number. */
const TRIES = 5

/**
 * Makes what is brought the wanted revision of an application, which is made when it is not there. The controller does the rest. What is
 * killed on the way leaves a revision that nothing wants, and no more.
 */
export async function deploy(scope: Scope, place: Place, brought: readonly unknown[], how: Deployment): Promise<Deployed> {
  const { objects, refusals } = readManifests(brought, place.name, place.namespace)
  if (refusals.length > 0) throw new UserError(`this cannot be an application:\n${refusals.map((refusal) => `  ${refusal}`).join('\n')}`)
  const bundle = bundleChecked(objects)
  const application = await findApplication(scope, place)
  const present = application === undefined ? undefined : await readRevision(scope, place.client, place, application.spec.revision)
  const known = typeof present === 'object' ? present : undefined
  const changes = planChange(known?.objects ?? [], objects)
  const warnings = known === undefined ? [] : warningsOf(changes, objects).filter((warning) => warning.endsWith('runs again'))
  if (application !== undefined && known?.revision.spec.digest === bundle.digest) {
    if (how.run && !how.dryRun && modeOf(application) !== 'Running') await setMode(scope, place, 'Running')
    return { revision: application.spec.revision, isUnchanged: true, changes: [], warnings: [] }
  }
  const revision = await make(
    scope,
    place,
    bundle,
    { door: how.door, cause: how.cause, sealed: Object.keys(bundle.sealed).length },
    how.dryRun,
  )
  if (!how.dryRun) await want(scope, place, application, revision, how.run)
  return { revision, isUnchanged: false, changes, warnings }
}

function bundleChecked(objects: readonly KubeObject[]): Bundle {
  try {
    return bundleOf(objects)
  } catch (error) {
    throw error instanceof RangeError ? new UserError(error.message, 'put large files into a volume or an image') : error
  }
}

export interface Rollback {
  /** Absent: the one before, of those that were reached and say something else. */
  readonly to?: number | undefined
  readonly cause: string
  readonly dryRun: boolean
}

/** Makes a revision that says what an earlier one said. Nothing has to be right with the present one for that. */
export async function rollback(scope: Scope, place: Place, how: Rollback): Promise<Deployed & { readonly to: number }> {
  const application = await existing(scope, place)
  const present = await readRevision(scope, place.client, place, application.spec.revision)
  const target = await targetOf(scope, place, application, how.to)
  const from = typeof present === 'object' ? present.objects : []
  const changes = planChange(from, target.objects)
  const warnings = warningsOf(changes, target.objects)
  const to = target.revision.spec.revision
  if (to === application.spec.revision) return { revision: to, to, isUnchanged: true, changes: [], warnings: [] }
  const { manifests, digest, sealed } = target.revision.spec
  const bundle: Bundle = { manifests, sealed: target.sealed, digest }
  const revision = await make(scope, place, bundle, { door: 'Rollback', cause: how.cause, rollbackOf: to, sealed }, how.dryRun)
  if (!how.dryRun) await want(scope, place, application, revision, false)
  return { revision, to, isUnchanged: false, changes, warnings }
}

async function targetOf(scope: Scope, place: Place, { spec }: Application, to: number | undefined): Promise<WholeRevision> {
  const all = await revisionsOf(scope, place)
  const numbers = all.map((one) => one.spec.revision).join(', ')
  const present = all.find((one) => one.spec.revision === spec.revision)
  const earlier = all.filter(
    (one) => one.spec.revision < spec.revision && one.status?.appliedTime !== undefined && one.spec.digest !== present?.spec.digest,
  )
  const number = to ?? earlier.at(-1)?.spec.revision
  if (number === undefined) throw new UserError(`application ${place.name} was never at another revision`, `there are: ${numbers}`)
  const found = await readRevision(scope, place.client, place, number)
  if (found === undefined) throw new UserError(`application ${place.name} has no revision ${number}`, `there are: ${numbers}`)
  if (found === 'unreadable') throw new UserError(`what is in revision ${number} cannot be read`, 'choose another one')
  if (found === 'incomplete') throw new UserError(`the contents of the Secrets of revision ${number} are gone`, 'choose another one')
  return found
}

/** Oldest first. */
export async function revisionsOf(scope: Scope, { client, namespace, name }: Place): Promise<readonly ApplicationRevision[]> {
  const { items } = await client.resource(revisionRef).list(scope, { namespace, labelSelector: `${APPLICATION_LABEL}=${name}` })
  return items.toSorted((a, b) => a.spec.revision - b.spec.revision)
}

type Origin = Pick<ApplicationRevision['spec'], 'door' | 'cause' | 'rollbackOf' | 'sealed'>

/** A revision with its Secret, under the next number. */
async function make(scope: Scope, place: Place, bundle: Bundle, origin: Origin, dryRun: boolean): Promise<number> {
  const { client, namespace, name } = place
  const author = await userOf(scope, client)
  const newest = Math.max(0, ...(await listRevisions(scope, client, place)).map(numberOf))
  for (let number = newest + 1; ; number++) {
    const called = revisionName(name, number)
    const spec = { application: name, revision: number, author, ...origin, manifests: bundle.manifests, digest: bundle.digest }
    try {
      const made = await client
        .resource(revisionRef)
        .create(scope, { metadata: { namespace, name: called, labels: { [APPLICATION_LABEL]: name } }, spec }, { dryRun })
      if (!dryRun && origin.sealed > 0) await seal(scope, place, made, bundle.sealed)
      return number
    } catch (error) {
      if (!isAlreadyExists(error) || number - newest >= TRIES) throw error
    }
  }
}

async function seal(
  scope: Scope,
  { client, namespace }: Place,
  { metadata }: ApplicationRevision,
  sealed: Readonly<Record<string, string>>,
): Promise<void> {
  const { name = '', uid = '', labels } = metadata ?? {}
  const owner = { apiVersion: `${revisionRef.group}/${revisionRef.version}`, kind: revisionRef.kind, name, uid }
  await client.resource(refs.secrets).create(scope, {
    metadata: { namespace, name: sealedName(name), ...(labels === undefined ? {} : { labels }), ownerReferences: [owner] },
    type: SEALED_TYPE,
    immutable: true,
    data: Object.fromEntries(Object.entries(sealed).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  })
}

async function userOf(scope: Scope, client: Client): Promise<string> {
  const review = await ifThere(client.resource(refs.selfsubjectreviews).create(scope, {}))
  return review?.status?.userInfo?.username ?? 'unknown'
}

/** The last step: from here on the controller brings it about. Somebody else who has done that meanwhile is not overwritten. */
async function want(scope: Scope, place: Place, application: Application | undefined, revision: number, run: boolean): Promise<void> {
  const { client, namespace, name } = place
  const resource = client.resource(applicationRef)
  try {
    if (application === undefined) {
      await resource.create(scope, { metadata: { namespace, name }, spec: { revision } })
      return
    }
    await resource.patch(scope, place, {
      type: 'json',
      body: [
        { op: 'test', path: '/spec/revision', value: application.spec.revision },
        { op: 'replace', path: '/spec/revision', value: revision },
        ...(run ? [{ op: 'replace', path: '/spec/mode', value: 'Running' }] : []),
      ],
    })
  } catch (error) {
    if (!isAlreadyExists(error) && !(error instanceof StatusError && error.status.reason === 'Invalid')) throw error
    const now = await findApplication(scope, place)
    if (now?.spec.revision === application?.spec.revision) throw error
    throw new UserError(
      `somebody else has deployed revision ${now?.spec.revision ?? 0} of ${name} meanwhile`,
      `look at it, and deploy again: sampan app history ${name}`,
    )
  }
}

export async function setMode(scope: Scope, place: Place, mode: Mode): Promise<Application> {
  try {
    return await place.client.resource(applicationRef).patch(scope, place, { type: 'merge', body: { spec: { mode } } })
  } catch (error) {
    throw isNotFound(error) ? noSuch(place) : error
  }
}

/** With its parts and its history; claims and what is in them only when asked. False: there was nothing to delete. */
export async function deleteApplication(scope: Scope, place: Place, volumes: boolean): Promise<boolean> {
  const { client, namespace, name } = place
  const application = await findApplication(scope, place)
  if (application !== undefined) {
    await ifThere(client.resource(applicationRef).delete(scope, place, { propagationPolicy: 'Foreground' }))
    await untilGone(scope, place)
  }
  const claims = await client
    .resource(refs.persistentvolumeclaims)
    .list(scope, { namespace, labelSelector: `${APPLICATION_LABEL}=${name}` })
  if (volumes)
    for (const { metadata } of claims.items)
      await ifThere(client.resource(refs.persistentvolumeclaims).delete(scope, { namespace, name: metadata?.name ?? '' }))
  return application !== undefined || (volumes && claims.items.length > 0)
}

async function untilGone(scope: Scope, { client, namespace, name }: Place): Promise<void> {
  const resource = client.resource(applicationRef)
  const selection = { namespace, fieldSelector: `metadata.name=${name}` }
  const list = await resource.list(scope, selection)
  if (list.items.length === 0) return
  for await (const event of resource.watch(scope, { ...selection, resourceVersion: list.metadata?.resourceVersion ?? '' }))
    if (event.type === 'DELETED') return
  return untilGone(scope, { client, namespace, name })
}

export const findApplication = (scope: Scope, place: Place): Promise<Application | undefined> =>
  ifThere(place.client.resource(applicationRef).get(scope, place))

async function existing(scope: Scope, place: Place): Promise<Application> {
  const found = await findApplication(scope, place)
  if (found === undefined) throw noSuch(place)
  return found
}

const noSuch = ({ namespace, name }: Place): UserError =>
  new UserError(`there is no application ${name} in namespace ${namespace}`, 'see: sampan app list --all-namespaces')
