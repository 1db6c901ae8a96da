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
  await seen(scope, place)
  try {
    await follow(scope, place, (now) => {
      last = now
      onChange(now)
      return isSettled(now)
    })
  } catch (error) {
    if (!isCancelled(error)) throw error
    const why = conditionOf(last, 'Ready')?.message ?? ''
    throw new UserError(`application ${place.name} is not ready in time: ${why}`, `see: sampan app status ${place.name}`)
  }
}

/** Throws `UserError` when nobody looks at what is wanted. */
async function seen(scope: Scope, place: Place): Promise<void> {
  using seeing = scope.child({ timeoutMs: SEEN_WITHIN_MS })
  try {
    await follow(seeing, place, isSeen)
  } catch (error) {
    if (!seeing.signal.aborted) throw error
    scope.check()
    throw new UserError(
      `nobody takes care of application ${place.name}`,
      'run the controllers: sampan up --delivery, or sampan delivery beside the cluster',
    )
  }
}

/** Resolves when one part is as it is wanted, at the revision that is wanted. Throws `UserError` when that will not come. */
export async function awaitPart(scope: Scope, place: Place, id: string): Promise<void> {
  await seen(scope, place)
  await follow(scope, place, (now) => {
    if (isSettled(now)) return true
    const part = isSeen(now) ? now.status?.parts?.find(({ kind, name }) => `${kind}/${name}` === id) : undefined
    if (part?.state === 'Failed' && part.kind === 'Job') throw new UserError(`${id} did not complete: ${part.message ?? 'it failed'}`)
    return part?.state === 'Ready'
  })
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
