import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, type rbac, deepEqual, isAlreadyExists, refs } from '#api'
import type { ObjectReader, ObjectWriter } from '../../../contract.ts'
import { missingRules } from '../covers.ts'
import { AUTOUPDATE_ANNOTATION, type BootstrapPolicy } from './policy.ts'

/**
 * Brings the stored roles and bindings to the policy: what is missing is created; rules, subjects and labels that were taken away are
 * put back; what was added stays. An object annotated `autoupdate: "false"` is left alone. A binding to another role is made anew,
 * since a role reference cannot change. The namespaces must be there. Answers how many objects were written.
 */
export async function reconcilePolicy(scope: Scope, reader: ObjectReader, writer: ObjectWriter, policy: BootstrapPolicy): Promise<number> {
  const written = await Promise.all([
    ...policy.clusterRoles.map((role) => ensure(scope, reader, writer, refs.clusterroles, role, mergeRole)),
    ...policy.roles.map((role) => ensure(scope, reader, writer, refs.roles, role, mergeRole)),
    ...policy.clusterRoleBindings.map((binding) => ensure(scope, reader, writer, refs.clusterrolebindings, binding, mergeBinding)),
    ...policy.roleBindings.map((binding) => ensure(scope, reader, writer, refs.rolebindings, binding, mergeBinding)),
  ])
  return written.filter((one) => one).length
}

/** The stored object with what is missing; undefined when it cannot be changed into the wanted one. */
type Merge<T> = (stored: T, wanted: T) => T | undefined

async function ensure<T extends KubeObject>(
  scope: Scope,
  reader: ObjectReader,
  writer: ObjectWriter,
  ref: ResourceRef<T>,
  wanted: T,
  merge: Merge<T>,
): Promise<boolean> {
  const { namespace = '', name = '' } = wanted.metadata ?? {}
  const stored = reader.get(ref, namespace, name)
  if (stored === undefined) return create(scope, writer, ref, wanted)
  if (stored.metadata?.annotations?.[AUTOUPDATE_ANNOTATION] === 'false') return false
  const merged = merge(stored, wanted)
  if (merged === undefined) {
    await writer.delete(scope, ref, namespace, name)
    return create(scope, writer, ref, wanted)
  }
  if (merged === stored && hasMarks(stored, wanted)) return false
  await writer.update(scope, ref, { ...merged, metadata: mergeMetadata(stored, wanted) })
  return true
}

/** Another server that starts at the same time may be first. */
async function create<T extends KubeObject>(scope: Scope, writer: ObjectWriter, ref: ResourceRef<T>, wanted: T): Promise<boolean> {
  try {
    await writer.create(scope, ref, wanted)
    return true
  } catch (error) {
    if (isAlreadyExists(error)) return false
    throw error
  }
}

/** Labels and annotations may have other values, but must be there. */
function hasMarks({ metadata }: KubeObject, wanted: KubeObject): boolean {
  const marks = (['labels', 'annotations'] as const).map((field) => [metadata?.[field], wanted.metadata?.[field]] as const)
  return marks.every(([stored, asked]) => Object.keys(asked ?? {}).every((key) => stored?.[key] !== undefined))
}

function mergeMetadata(stored: KubeObject, wanted: KubeObject): NonNullable<KubeObject['metadata']> {
  return {
    ...stored.metadata,
    labels: { ...wanted.metadata?.labels, ...stored.metadata?.labels },
    annotations: { ...wanted.metadata?.annotations, ...stored.metadata?.annotations },
  }
}

/** The rules of an aggregated role belong to the controller that aggregates. */
function mergeRole<T extends rbac.Role & Pick<rbac.ClusterRole, 'aggregationRule'>>(stored: T, wanted: T): T {
  if (wanted.aggregationRule !== undefined) {
    const selectors = stored.aggregationRule?.clusterRoleSelectors ?? []
    const missing = (wanted.aggregationRule.clusterRoleSelectors ?? []).filter((one) => !selectors.some((other) => deepEqual(one, other)))
    return missing.length === 0 ? stored : { ...stored, aggregationRule: { clusterRoleSelectors: [...selectors, ...missing] } }
  }
  // The usual case, and a hundred times cheaper than to compare rule by rule.
  if (deepEqual(stored.rules, wanted.rules)) return stored
  const missing = missingRules(stored.rules ?? [], wanted.rules ?? [])
  return missing.length === 0 ? stored : { ...stored, rules: [...(stored.rules ?? []), ...missing] }
}

function mergeBinding<T extends rbac.RoleBinding>(stored: T, wanted: T): T | undefined {
  if (!deepEqual(stored.roleRef, wanted.roleRef)) return undefined
  const subjects = stored.subjects ?? []
  const missing = (wanted.subjects ?? []).filter((one) => !subjects.some((other) => isSameSubject(one, other)))
  return missing.length === 0 ? stored : { ...stored, subjects: [...subjects, ...missing] }
}

const isSameSubject = (one: rbac.Subject, other: rbac.Subject): boolean =>
  one.kind === other.kind && one.name === other.name && (one.namespace ?? '') === (other.namespace ?? '')
