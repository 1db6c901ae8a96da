import { type Scope, UserError, isCancelled } from '#base'
import type { Place } from './door.ts'
import { type Application, type Condition, applicationRef } from './objects.ts'

/** A controller that runs answers within a moment. */
const SEEN_WITHIN_MS = 20_000
/** What does not pass by waiting. */
const STUCK: ReadonlySet<string> = new Set(['RevisionMissing', 'RevisionIncomplete', 'RevisionRefused', 'PartRefused', 'NotOurs'])

/**
 * Resolves when the application is as it is wanted. Throws `UserError` with the reason when it cannot become so, when nobody takes care of it,
 * and when the time of `scope` is over. `onChange` hears how it is.
 */
export async function awaitApplication(scope: Scope, place: Place, onChange: (application: Application) => void): Promise<void> {
  let last: Application | undefined
  using seeing = scope.child({ timeoutMs: SEEN_WITHIN_MS })
  try {
    await follow(seeing, place, (now) => {
      last = now
      return isSeen(now)
    })
    await follow(scope, place, (now) => {
      last = now
      onChange(now)
      return isSettled(now)
    })
  } catch (error) {
    if (!isCancelled(error) && !seeing.signal.aborted) throw error
    if (last !== undefined && !isSeen(last))
      throw new UserError(
        `nobody takes care of application ${place.name}`,
        'run the controllers: sampan up --delivery, or sampan delivery beside the cluster',
      )
    throw new UserError(
      `application ${place.name} is not ready in time: ${conditionOf(last, 'Ready')?.message ?? ''}`,
      `see: sampan app status ${place.name}`,
    )
  }
}

const conditionOf = (application: Application | undefined, type: string): Condition | undefined =>
  application?.status?.conditions?.find((condition) => condition.type === type)

const isSeen = ({ metadata, status }: Application): boolean => (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 1)

function isSettled(application: Application): boolean {
  if (!isSeen(application)) return false
  const degraded = conditionOf(application, 'Degraded')
  if (degraded?.status === 'True' && STUCK.has(degraded.reason))
    throw new UserError(degraded.message, 'nothing of it was done: bring another revision, or roll back')
  return conditionOf(application, 'Ready')?.status === 'True'
}

async function follow(scope: Scope, { client, namespace, name }: Place, isOver: (now: Application) => boolean): Promise<void> {
  const resource = client.resource(applicationRef)
  const selection = { namespace, fieldSelector: `metadata.name=${name}` }
  for (;;) {
    const list = await resource.list(scope, selection)
    const [found] = list.items
    if (found === undefined) throw new UserError(`application ${name} is gone`)
    if (isOver(found)) return
    for await (const event of resource.watch(scope, { ...selection, resourceVersion: list.metadata?.resourceVersion ?? '' }))
      if ((event.type === 'ADDED' || event.type === 'MODIFIED') && isOver(event.object)) return
  }
}
