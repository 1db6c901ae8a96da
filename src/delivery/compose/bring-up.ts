import { type Scope, UserError } from '#base'
import { type KubeObject, type ResourceRef, StatusError, type apps, type batch, isRolledOut, refs } from '#api'
import type { Client } from '#client'
import { applyObjects } from '../apply/apply-objects.ts'
import { servesPlatform } from '../platform/install-kinds.ts'
import { bringUpApplication, takeDownApplication } from './as-application.ts'
import type { BringUp } from './project.ts'
import { type Converted, type StartStep, type Wait, objectsOf } from './convert.ts'
import { whyNotReady } from './why-not-ready.ts'

const FIELD_MANAGER = 'sampan-compose'

/** Kinds of which a project may leave objects behind when it changes. Claims stay: they hold data. */
const PRUNED: readonly ResourceRef[] = [
  refs.deployments,
  refs.daemonsets,
  refs.jobs,
  refs.services,
  refs.ingresses,
  refs.networkpolicies,
  refs.configmaps,
  refs.secrets,
]

/**
 * Everything of a project in the order of its dependencies, as an application where the cluster has them. Repeating it changes nothing; what is no
 * longer in it is removed.
 */
export async function bringUp(scope: Scope, converted: Converted, options: BringUp): Promise<void> {
  const { client, namespace, project } = options
  const steps = new Map(converted.order.map((step) => [step.service, step]))
  const isApplication = await servesPlatform(scope, client)
  await options.step(isApplication ? 'namespace' : 'namespace, names and volumes', async () => {
    await applyObjects(scope, client, [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }], {
      fieldManager: FIELD_MANAGER,
    })
    if (!isApplication) await applyObjects(scope, client, converted.supporting, { fieldManager: FIELD_MANAGER, namespace })
  })
  if (isApplication) {
    await bringUpApplication(scope, converted, options, (step) => whyLate(scope, step, options))
    return removeOthers(scope, client, namespace, project, wantedOf(converted))
  }
  for (const { service, workload, waits } of converted.order) {
    await options.step(`start ${service}`, async (note) => {
      const waited = waits.filter((wait) => wait.until !== 'started')
      for (const wait of waited) await untilReached(scope, wait, steps.get(wait.service), options)
      if (waited.length > 0) note(`after ${waited.map((wait) => wait.service).join(', ')}`)
      await applyWorkload(scope, workload, options)
    })
  }
  if (options.wait)
    for (const step of converted.order) await options.step(`${step.service} is ready`, () => waitFor(scope, step, 'healthy', options))
  await removeOthers(scope, client, namespace, project, wantedOf(converted))
}

const wantedOf = (converted: Converted): ReadonlySet<string> =>
  new Set(objectsOf(converted).map(({ kind, metadata }) => `${kind ?? ''} ${metadata?.name ?? ''}`))

/** A Job cannot be changed: one that differs is made anew. */
async function applyWorkload(scope: Scope, object: KubeObject, { client, namespace }: BringUp): Promise<void> {
  try {
    await applyObjects(scope, client, [object], { fieldManager: FIELD_MANAGER, namespace })
  } catch (error) {
    if (object.kind !== 'Job' || !(error instanceof StatusError) || error.status.reason !== 'Invalid') throw error
    await client.resource(refs.jobs).delete(scope, { namespace, name: object.metadata?.name ?? '' }, { propagationPolicy: 'Foreground' })
    await untilGone(scope, client, namespace, object.metadata?.name ?? '')
    await applyObjects(scope, client, [object], { fieldManager: FIELD_MANAGER, namespace })
  }
}

async function untilGone(scope: Scope, client: Client, namespace: string, name: string): Promise<void> {
  const jobs = client.resource(refs.jobs)
  const list = await jobs.list(scope, { namespace, fieldSelector: `metadata.name=${name}` })
  if (list.items.length === 0) return
  const options = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion: list.metadata?.resourceVersion ?? '' }
  for await (const event of jobs.watch(scope, options)) if (event.type === 'DELETED') return
  return untilGone(scope, client, namespace, name)
}

async function untilReached(scope: Scope, wait: Wait, step: StartStep | undefined, options: BringUp): Promise<void> {
  if (step === undefined) throw new UserError(`service ${wait.service} is not there to wait for`)
  try {
    await waitFor(scope, step, wait.until, options)
  } catch (error) {
    if (wait.required || !(error instanceof UserError)) throw error
  }
}

/** Throws `UserError` with the reason when the time of `scope` is over before. */
async function waitFor(scope: Scope, step: StartStep, until: Wait['until'], options: BringUp): Promise<void> {
  try {
    await watchUntil(scope, step, until, options)
  } catch (error) {
    if (!scope.signal.aborted) throw error
    throw new UserError(
      `service ${step.service} is not ${until === 'completed' ? 'through' : 'ready'} in time: ${await whyLate(scope, step, options)}`,
    )
  }
}

function whyLate(scope: Scope, { workload }: StartStep, { client, namespace }: BringUp): Promise<string> {
  const labels = Object.entries(workload.spec?.template.metadata?.labels ?? {})
  const selector = labels.filter(([key]) => key.startsWith('app.kubernetes.io/')).map(([key, value]) => `${key}=${value}`)
  return whyNotReady(scope, client, namespace, selector.join(','))
}

async function watchUntil(
  scope: Scope,
  { workload, service }: StartStep,
  until: Wait['until'],
  { client, namespace }: BringUp,
): Promise<void> {
  const name = workload.metadata?.name ?? ''
  const ref: ResourceRef = workload.kind === 'Job' ? refs.jobs : workload.kind === 'DaemonSet' ? refs.daemonsets : refs.deployments
  const reached = (object: KubeObject): boolean => {
    if (workload.kind === 'Job') return jobReached(object as batch.Job, service, until)
    return workload.kind === 'DaemonSet' ? isSpread(object as apps.DaemonSet) : isRolledOut(object as apps.Deployment)
  }
  for (;;) {
    const list = await client.resource<KubeObject>(ref).list(scope, { namespace, fieldSelector: `metadata.name=${name}` })
    const [found] = list.items
    if (found === undefined) throw new UserError(`service ${service} is gone`)
    if (reached(found)) return
    const options = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion: list.metadata?.resourceVersion ?? '' }
    for await (const event of client.resource<KubeObject>(ref).watch(scope, options))
      if (event.type === 'MODIFIED' && reached(event.object)) return
  }
}

function jobReached(job: batch.Job, service: string, until: Wait['until']): boolean {
  const holds = (type: string): boolean =>
    job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true
  if (holds('Failed'))
    throw new UserError(
      `service ${service} did not complete: ${job.status?.conditions?.find(({ type }) => type === 'Failed')?.message ?? 'it failed'}`,
    )
  return until === 'completed' ? holds('Complete') : holds('Complete') || (job.status?.ready ?? 0) > 0
}

function isSpread({ metadata, status }: apps.DaemonSet): boolean {
  const wanted = status?.desiredNumberScheduled ?? 0
  return (
    (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 1) &&
    (status?.updatedNumberScheduled ?? 0) >= wanted &&
    (status?.numberAvailable ?? 0) >= wanted
  )
}

/** Deletes what carries the project's label and is not wanted. */
async function removeOthers(scope: Scope, client: Client, namespace: string, project: string, wanted: ReadonlySet<string>): Promise<void> {
  for (const ref of PRUNED) {
    const list = await client.resource<KubeObject>(ref).list(scope, { namespace, labelSelector: selectorOf(project) })
    for (const { metadata } of list.items)
      if (metadata?.name !== undefined && !wanted.has(`${ref.kind} ${metadata.name}`))
        await client.resource(ref).delete(scope, { namespace, name: metadata.name }, { propagationPolicy: 'Background' })
  }
}

const selectorOf = (project: string): string => `app.kubernetes.io/managed-by=sampan-compose,app.kubernetes.io/part-of=${project}`

/** Removes a project; its claims, and with them its data, only when asked. The namespace stays for whatever else is in it. */
export async function takeDown(scope: Scope, client: Client, namespace: string, project: string, volumes: boolean): Promise<number> {
  let removed = (await servesPlatform(scope, client)) ? await takeDownApplication(scope, { client, namespace, project }, volumes) : 0
  for (const ref of volumes ? [...PRUNED, refs.persistentvolumeclaims] : PRUNED) {
    const list = await client.resource<KubeObject>(ref).list(scope, { namespace, labelSelector: selectorOf(project) })
    for (const { metadata } of list.items) {
      if (metadata?.name === undefined) continue
      await client.resource(ref).delete(scope, { namespace, name: metadata.name }, { propagationPolicy: 'Foreground' })
      removed++
    }
  }
  return removed
}
