import type * as core from '../types/core-v1.gen.ts'

/** Everything that a quota selects by, in one form. */
export function scopesOf({ spec }: core.ResourceQuota): readonly core.ScopedResourceSelectorRequirement[] {
  return [...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })), ...(spec?.scopeSelector?.matchExpressions ?? [])]
}

/** Whether a requirement holds of an object that has one of these values (none: the scope is not there at all). */
export function holdsFor({ operator, values = [] }: core.ScopedResourceSelectorRequirement, present: readonly string[]): boolean {
  switch (operator) {
    case 'Exists':
      return present.length > 0
    case 'DoesNotExist':
      return present.length === 0
    case 'In':
      return present.some((value) => values.includes(value))
    case 'NotIn':
      return present.length === 0 || present.some((value) => !values.includes(value))
    default:
      return false
  }
}
