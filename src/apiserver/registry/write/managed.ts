import { type FieldSet, type KubeObject, type ManagedFieldsEntry, type Resource, apiVersionOf, fieldSetOf, share, trackUpdate } from '#api'
import { rfc3339 } from '#base'
import type { RequestContext } from '../context.ts'
import type { ExpectedKind } from './read-object.ts'
import type { OwnershipMemory } from '../ownership/ownership-memory.ts'
import { otherVersions } from '../ownership/other-versions.ts'
import { fieldShape } from '../ownership/field-shape.ts'
import { withoutEmpty } from '../ownership/without-empty.ts'
import { metaOf } from './object-rules.ts'

/** Who a change is written down as: the manager that the request names, else the first word of the client's name. */
export function managerOf(context: RequestContext, fieldManager: string): string {
  if (fieldManager !== '') return fieldManager
  const agent = context.header('user-agent') ?? ''
  const slash = agent.indexOf('/')
  const name = slash === -1 ? agent : agent.slice(0, slash)
  return name === '' ? 'unknown' : name.slice(0, 128)
}

/** Notes in `updated` who owns which of its fields now. */
export function noteUpdate(
  context: RequestContext,
  resource: Resource,
  live: KubeObject | undefined,
  updated: KubeObject,
  fieldManager: string,
  subresource: string,
): void {
  // What is empty and would not be written is not owned.
  const meant = withSentManagers(withoutEmpty(resource.schema, updated, live) as KubeObject, updated)
  const manager = managerOf(context, fieldManager)
  const known = live === undefined && subresource === '' && metaOf(updated).managedFields === undefined ? context.core.ownership : undefined
  const entries =
    known === undefined ? track(context, resource, live, meant, manager, subresource) : ofNew(context, known, resource, meant, manager)
  setManagedFields(updated, entries)
}

/** An empty list of managers says that all ownership is to be forgotten. */
function withSentManagers(meant: KubeObject, { metadata }: KubeObject): KubeObject {
  if (metadata?.managedFields?.length !== 0) return meant
  return { ...meant, metadata: { ...meant.metadata, managedFields: [] } }
}

function track(
  context: RequestContext,
  resource: Resource,
  live: KubeObject | undefined,
  updated: KubeObject,
  manager: string,
  subresource: string,
): ManagedFieldsEntry[] {
  return trackUpdate({
    schema: resource.schema,
    live,
    updated,
    manager,
    apiVersion: apiVersionOf(resource),
    subresource,
    now: context.scope.clock.now(),
    resetFields: resetFields(resource, subresource),
    versions: otherVersions(context.core.catalog, resource),
  })
}

/** The same for an object that is spoken on a path and not stored. */
export function noteSpoken(
  context: RequestContext,
  kind: ExpectedKind,
  object: KubeObject,
  fieldManager: string,
  subresource: string,
): void {
  const entries = trackUpdate({
    schema: kind.schema,
    live: undefined,
    updated: withoutEmpty(kind.schema, object) as KubeObject,
    manager: managerOf(context, fieldManager),
    apiVersion: apiVersionOf(kind),
    subresource,
    now: context.scope.clock.now(),
  })
  setManagedFields(object, entries)
}

function ofNew(
  context: RequestContext,
  memory: OwnershipMemory,
  resource: Resource,
  object: KubeObject,
  manager: string,
): ManagedFieldsEntry[] {
  const shape = fieldShape(memory.of(resource), resource.schema, object)
  if (shape?.fields !== undefined) {
    const time = rfc3339(context.scope.clock.now())
    return [{ manager, operation: 'Update', apiVersion: apiVersionOf(resource), time, fieldsType: 'FieldsV1', fieldsV1: shape.fields }]
  }
  const entries = track(context, resource, undefined, object, manager, '')
  const [only] = entries
  if (shape !== undefined && entries.length === 1 && only?.fieldsV1 !== undefined) shape.fields = share(only.fieldsV1)
  return entries
}

export function setManagedFields(object: KubeObject, entries: ManagedFieldsEntry[]): void {
  const meta = metaOf(object)
  if (entries.length === 0) delete meta.managedFields
  else meta.managedFields = entries
}

/** Fields that a write on this path does not change, and that nobody comes to own by it. */
export function resetFields(resource: Resource, subresource: string): FieldSet {
  if (resource.strategy.fixedSpec && subresource === '') return SPEC_AND_STATUS
  const status = resource.subresources['status']
  const own = resource.subresources[subresource]
  if (own?.type === 'update' && own.resets !== undefined) return fieldSetOf(...own.resets)
  if (subresource !== 'status') return status?.type === 'status' ? STATUS : NOTHING
  const known = allButStatus.get(resource)
  if (known !== undefined) return known
  const names = [...resource.schema.fields.keys()].filter(
    (name) => !['kind', 'apiVersion', 'status', ...(resource.typedItems ? [] : ['metadata'])].includes(name),
  )
  const made = fieldSetOf(
    ...names.map((name) => [name]),
    ...(status?.type === 'status' && status.keepsLabels === true ? [['metadata', 'labels']] : []),
    ...(status?.type === 'status' && status.keepsMetadata === true ? [['metadata']] : []),
    ...(status?.type === 'status' ? (status.resets ?? []) : []),
  )
  allButStatus.set(resource, made)
  return made
}

const NOTHING = fieldSetOf()
const STATUS = fieldSetOf(['status'])
const SPEC_AND_STATUS = fieldSetOf(['spec'], ['status'])
/** What has been computed, by resource: nobody can tell it from computing each time. */
const allButStatus = new WeakMap<Resource, FieldSet>()
