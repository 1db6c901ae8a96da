import type { apiextensions } from '#api'

export type Definition = apiextensions.CustomResourceDefinition
export type DefinitionVersion = apiextensions.CustomResourceDefinitionVersion
export type Condition = apiextensions.CustomResourceDefinitionCondition

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

export function conditionOf(definition: Definition, type: string): Condition | undefined {
  return definition.status?.conditions?.find((condition) => condition.type === type)
}

export function isTrue(definition: Definition, type: string): boolean {
  return conditionOf(definition, type)?.status === 'True'
}

/** The conditions with this one set; its time is kept when its status is the same. The list is not changed. */
export function withCondition(conditions: readonly Condition[], next: Omit<Condition, 'lastTransitionTime'>, now: string): Condition[] {
  const known = conditions.find(({ type }) => type === next.type)
  const made: Condition = { ...next, lastTransitionTime: known?.status === next.status ? (known.lastTransitionTime ?? now) : now }
  return known === undefined ? [...conditions, made] : conditions.map((condition) => (condition === known ? made : condition))
}
