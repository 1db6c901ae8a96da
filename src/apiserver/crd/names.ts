import { type apiextensions, deepEqual } from '#api'
import { type Condition, type Definition, conditionOf, withCondition } from './definition.ts'

export type Names = apiextensions.CustomResourceDefinitionNames

/**
 * The status that a definition should have: which of its names are free, and so whether it is established. `taken` are the names that
 * other definitions of its group have had accepted: a name belongs to the first.
 */
export function planStatus(definition: Definition, taken: Taken, now: string): NonNullable<Definition['status']> {
  const { spec, status } = definition
  const accepted: Names = status?.acceptedNames ?? { plural: '', kind: '' }
  const settled = settle(spec.names, accepted, taken)
  let conditions: Condition[] = [...(status?.conditions ?? [])]
  conditions = withCondition(conditions, namesCondition(settled.conflict), now)
  conditions = withEstablished(definition, conditions, settled.conflict === undefined, now)
  const approval = approvalCondition(definition)
  if (approval !== undefined) conditions = withCondition(conditions, approval, now)
  return { ...status, conditions, acceptedNames: settled.names }
}

export interface Taken {
  hasResource(name: string): boolean
  hasKind(name: string): boolean
}

interface Conflict {
  readonly reason: string
  readonly message: string
}

function settle(wanted: Names, accepted: Names, taken: Taken): { readonly names: Names; readonly conflict: Conflict | undefined } {
  const names: Names = { ...accepted }
  let conflict: Conflict | undefined
  const settleOne = (field: 'plural' | 'singular' | 'kind' | 'listKind', isUsed: (name: string) => boolean, reason: string): void => {
    const name = wanted[field] ?? ''
    if (name !== (accepted[field] ?? '') && isUsed(name)) conflict = { reason, message: inUse(name) }
    else if (name !== '') names[field] = name
  }
  settleOne('plural', taken.hasResource, 'PluralConflict')
  settleOne('singular', taken.hasResource, 'SingularConflict')
  const refused = (wanted.shortNames ?? []).filter((name) => !(accepted.shortNames ?? []).includes(name) && taken.hasResource(name))
  if (refused.length > 0)
    conflict = {
      reason: 'ShortNamesConflict',
      message: refused.length === 1 ? inUse(refused[0] ?? '') : `[${refused.map(inUse).join(', ')}]`,
    }
  else setOrDrop(names, 'shortNames', wanted.shortNames)
  settleOne('kind', taken.hasKind, 'KindConflict')
  settleOne('listKind', taken.hasKind, 'ListKindConflict')
  setOrDrop(names, 'categories', wanted.categories)
  return { names, conflict }
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`

function setOrDrop(names: Names, field: 'shortNames' | 'categories', value: string[] | undefined): void {
  if (value === undefined) delete names[field]
  else names[field] = value
}

function namesCondition(conflict: Conflict | undefined): Omit<Condition, 'lastTransitionTime'> {
  return conflict === undefined
    ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
    : { type: 'NamesAccepted', status: 'False', ...conflict }
}

/**
 * Once established, a definition stays so: a later conflict leaves it with the names that it has. It comes to it in two steps, of which
 * clients see the first: its names are accepted, then it is served.
 */
function withEstablished(definition: Definition, conditions: readonly Condition[], isAccepted: boolean, now: string): Condition[] {
  const known = conditionOf(definition, 'Established')
  if (known?.status === 'True') return [...conditions]
  if (!isAccepted)
    return withCondition(
      conditions,
      { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
      now,
    )
  const wasAccepted = conditionOf(definition, 'NamesAccepted')?.status === 'True'
  const step = wasAccepted ? { status: 'True', reason: 'InitialNamesAccepted' } : { status: 'False', reason: 'Installing' }
  return withCondition(conditions, { type: 'Established', ...step, message: 'the initial names have been accepted' }, now)
}

const APPROVAL = 'api-approved.kubernetes.io'
const RULES = 'see https://github.com/kubernetes/enhancements/pull/1111'

/** Groups of the Kubernetes community say who has approved of what stands in them. */
function approvalCondition({ metadata, spec }: Definition): Omit<Condition, 'lastTransitionTime'> | undefined {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group)) return undefined
  const type = 'KubernetesAPIApprovalPolicyConformant'
  const annotation = metadata?.annotations?.[APPROVAL] ?? ''
  if (annotation === '')
    return {
      type,
      status: 'False',
      reason: 'MissingAnnotation',
      message: `protected groups must have approval annotation "${APPROVAL}", ${RULES}`,
    }
  if (annotation.startsWith('unapproved'))
    return { type, status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(annotation)}` }
  if (URL.canParse(annotation) && new URL(annotation).host !== '')
    return { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${annotation}` }
  return {
    type,
    status: 'False',
    reason: 'InvalidAnnotation',
    message: `protected groups must have approval annotation "${APPROVAL}" with either a URL or a reason starting with "unapproved", ${RULES}`,
  }
}

/** Whether two states say the same about names and conditions. */
export function isSameStatus(a: Definition['status'], b: Definition['status']): boolean {
  return deepEqual(a?.conditions ?? [], b?.conditions ?? []) && deepEqual(a?.acceptedNames ?? {}, b?.acceptedNames ?? {})
}
