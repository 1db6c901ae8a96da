import { type Scope, UserError } from '#base'
import type { KubeObject } from '#api'
import { awaitApplication, awaitPart } from '../application/await-application.ts'
import { DEPENDS_ON } from '../application/plan/dependencies.ts'
import { type Place, deleteApplication, deploy, findApplication } from '../application/door.ts'
import { partId } from '../application/part-kinds.ts'
import type { BringUp } from './project.ts'
import type { Converted, StartStep } from './convert.ts'

/** Where the cluster has applications, a project is one: the order of its services is kept in it, and the controllers follow it. */
export async function bringUpApplication(
  scope: Scope,
  converted: Converted,
  options: BringUp,
  whyLate: (step: StartStep) => Promise<string>,
): Promise<void> {
  const place = placeOfProject(options)
  await options.step('revision', async (note) => {
    const how = { door: 'Compose', cause: 'sampan compose up', dryRun: false, run: true } as const
    const { revision, isUnchanged } = await deploy(scope, place, applicationObjects(converted), how)
    note(`${revision}${isUnchanged ? ', as before' : ''}`)
  })
  if (!options.wait) return
  for (const step of converted.order)
    await options.step(`${step.service} is ready`, async () => {
      try {
        await awaitPart(scope, place, partId(step.workload))
      } catch (error) {
        if (!scope.signal.aborted) throw error
        throw new UserError(`service ${step.service} is not ready in time: ${await whyLate(step)}`)
      }
    })
  await options.step('application', (note) => awaitApplication(scope, place, (now) => note(`${now.status?.summary ?? ''} pods`)))
}

/** Everything of a project, with what each service waits for. */
export function applicationObjects({ supporting, order }: Converted): readonly KubeObject[] {
  const workloads = new Map(order.map(({ service, workload }) => [service, workload]))
  return [
    ...supporting,
    ...order.map(({ workload, waits }) => {
      const others = waits.flatMap(({ service, until, required }) => {
        const other = workloads.get(service)
        return until === 'started' || other === undefined ? [] : [`${partId(other)}${required ? '' : '?'}`]
      })
      if (others.length === 0) return workload
      return {
        ...workload,
        metadata: { ...workload.metadata, annotations: { ...workload.metadata?.annotations, [DEPENDS_ON]: others.join(', ') } },
      }
    }),
  ]
}

/** Removes the application of a project where there is one. Resolves with how many parts went. */
export async function takeDownApplication(
  scope: Scope,
  project: Pick<BringUp, 'client' | 'namespace' | 'project'>,
  volumes: boolean,
): Promise<number> {
  const place = placeOfProject(project)
  const application = await findApplication(scope, place)
  if (application === undefined) return 0
  await deleteApplication(scope, place, volumes)
  return (application.status?.parts ?? []).filter(({ holdsData }) => volumes || holdsData !== true).length
}

const placeOfProject = ({ client, namespace, project }: Pick<BringUp, 'client' | 'namespace' | 'project'>): Place => ({
  client,
  namespace,
  name: project.replaceAll('_', '-'),
})
