import type { Scope } from '#base'
import { type apiregistration, deepEqual, isAlreadyExists, isConflict, isNotFound, refs } from '#api'
import type { ObjectReader, ObjectWriter } from '../contract.ts'
import type { Catalog } from '../registry/catalog.ts'
import { ownWorker } from '../registry/own-worker.ts'
import type { Follow } from '../registry/read/follow.ts'
import { ADDED_PRIORITY, BUILT_IN_PRIORITIES, CUSTOM_PRIORITY, UNANNOUNCED } from './priorities.ts'

type APIService = apiregistration.APIService

const MANAGED = 'kube-aggregator.kubernetes.io/automanaged'
const ON_START = 'onstart'
const ALWAYS = 'true'

export interface LocalServices {
  readonly reader: ObjectReader
  readonly writer: ObjectWriter
  readonly follow: Follow
  readonly catalog: Catalog
}

/**
 * Keeps an APIService for each group and version that this server serves itself: those of built-in kinds are made or mended when it
 * starts and then left alone, those of CustomResourceDefinitions come and go with these. Resolves when the first are there.
 */
export async function keepLocalServices(scope: Scope, parts: LocalServices): Promise<void> {
  const { reader, writer, follow, catalog } = parts
  const carryOut = async (actions: readonly Action[]): Promise<void> => {
    await Promise.all(actions.map((action) => perform(scope, writer, action)))
  }
  await carryOut(planLocalServices(wantedServices(catalog), reader.list(refs.apiservices), true))
  const worker = ownWorker(scope, 'to keep the APIServices of this server', () =>
    carryOut(planLocalServices(wantedServices(catalog), reader.list(refs.apiservices), false)),
  )
  follow(scope, refs.customresourcedefinitions, () => worker.schedule())
  follow(scope, refs.apiservices, () => worker.schedule())
}

export type Action =
  | { readonly kind: 'create' | 'update'; readonly service: APIService }
  | { readonly kind: 'delete'; readonly name: string }

async function perform(scope: Scope, writer: ObjectWriter, action: Action): Promise<void> {
  try {
    if (action.kind === 'delete') await writer.delete(scope, refs.apiservices, '', action.name)
    else await writer[action.kind](scope, refs.apiservices, action.service)
  } catch (error) {
    // Somebody else was faster: the change that this was comes by here again.
    if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error
  }
}

/** The objects that say what is served here now. */
function wantedServices(catalog: Catalog): APIService[] {
  return catalog.groups.flatMap(({ group, versions }) => {
    if (group === UNANNOUNCED) return []
    return versions.map(({ version, resources }) => {
      const isCustom = resources.every(({ typedItems }) => typedItems)
      const [groupPriorityMinimum, versionPriority] = isCustom
        ? CUSTOM_PRIORITY
        : (BUILT_IN_PRIORITIES[`${group}/${version}`] ?? ADDED_PRIORITY)
      return {
        metadata: { name: `${version}.${group}`, labels: { [MANAGED]: isCustom ? ALWAYS : ON_START } },
        spec: { ...(group === '' ? {} : { group }), version, groupPriorityMinimum, versionPriority },
      }
    })
  })
}

/** What is to be done so that the stored objects are the wanted ones. Objects that somebody else manages are left alone. */
export function planLocalServices(wanted: readonly APIService[], stored: readonly APIService[], isStart: boolean): Action[] {
  const present = new Map(stored.map((service) => [service.metadata?.name ?? '', service]))
  const actions: Action[] = []
  for (const service of wanted) {
    const name = service.metadata?.name ?? ''
    const known = present.get(name)
    present.delete(name)
    if (managedBy(service) === ON_START && !isStart) continue
    if (known === undefined) actions.push({ kind: 'create', service })
    else if (isOurs(known, isStart) && !deepEqual(known.spec, service.spec))
      actions.push({ kind: 'update', service: { ...known, spec: service.spec } as APIService })
  }
  for (const [name, service] of present) if (isOurs(service, isStart)) actions.push({ kind: 'delete', name })
  return actions
}

const managedBy = ({ metadata }: APIService): string | undefined => metadata?.labels?.[MANAGED]
const isOurs = (service: APIService, isStart: boolean): boolean =>
  managedBy(service) === ALWAYS || (isStart && managedBy(service) === ON_START)
