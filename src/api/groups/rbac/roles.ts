import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { AggregationRule, ClusterRole, PolicyRule } from '../../types/rbac-v1.gen.ts'
import { validateLabelSelector } from '../../validation/label-selector.ts'
import { nameIsPathSegment } from '../../validation/names.ts'

export const roles = defineResource(refs.roles, {
  strategy: {
    validateName: nameIsPathSegment,
    createOnUpdate: true,
    validate: (role, errors) => validateRules(role.rules, true, errors),
    validateUpdate: (role, _old, errors) => validateRules(role.rules, true, errors),
  },
})

export const clusterRoles = defineResource(refs.clusterroles, {
  strategy: {
    validateName: nameIsPathSegment,
    createOnUpdate: true,
    validate: validateClusterRole,
    validateUpdate: (role, _old, errors) => validateClusterRole(role, errors),
  },
})

function validateClusterRole(role: ClusterRole, errors: FieldErrors): void {
  validateRules(role.rules, false, errors)
  if (role.aggregationRule) validateAggregation(role.aggregationRule, errors)
}

function validateRules(rules: readonly PolicyRule[] | null | undefined, namespaced: boolean, errors: FieldErrors): void {
  rules?.forEach((rule, at) => validateRule(rule, namespaced, Path.of('rules').index(at), errors))
}

function validateRule(rule: PolicyRule, namespaced: boolean, path: Path, errors: FieldErrors): void {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  if (!verbs?.length) errors.push(fieldError.required(path.child('verbs'), 'verbs must contain at least one value'))
  if (nonResourceURLs.length > 0) {
    const refuse = (why: string): unknown => errors.push(fieldError.invalid(path.child('nonResourceURLs'), nonResourceURLs, why))
    if (namespaced) refuse('namespaced rules cannot apply to non-resource URLs')
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      refuse('rules cannot apply to both regular resources and non-resource URLs')
    }
    return
  }
  if (apiGroups.length === 0) errors.push(fieldError.required(path.child('apiGroups'), 'resource rules must supply at least one api group'))
  if (resources.length === 0) errors.push(fieldError.required(path.child('resources'), 'resource rules must supply at least one resource'))
}

function validateAggregation(rule: AggregationRule, errors: FieldErrors): void {
  const path = Path.of('aggregationRule', 'clusterRoleSelectors')
  const selectors = rule.clusterRoleSelectors ?? []
  if (selectors.length === 0) {
    errors.push(fieldError.required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'))
  }
  selectors.forEach((selector, at) => {
    const before = errors.length
    validateLabelSelector(selector, path.index(at), errors)
    if (errors.length > before) errors.push(fieldError.invalid(path.index(at), null, 'invalid label selector.'))
  })
}
