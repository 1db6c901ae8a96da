import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { type GoStruct, shownStruct } from '../../../meta/go-struct.ts'
import type { Path } from '../../../meta/path.ts'
import type { ResourceQuotaSpec } from '../../../types/core-v1.gen.ts'
import { isStandardQuotaResource } from '../../../validation/resources.ts'

const PODS = ['pods']
const COMPUTE = [...PODS, 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const CLAIMS = ['persistentvolumeclaims', 'requests.storage']

/** The standard resources that a scope can be combined with. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  Terminating: COMPUTE,
  NotTerminating: COMPUTE,
  BestEffort: PODS,
  NotBestEffort: COMPUTE,
  PriorityClass: COMPUTE,
  CrossNamespacePodAffinity: COMPUTE,
  VolumeAttributesClass: CLAIMS,
}
/** These are or are not: they have no values to choose from. */
const PLAIN_SCOPES = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity']
const OPPOSITES: readonly (readonly [string, string])[] = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
]

const SHOWN_SELECTOR: GoStruct = [
  [
    'MatchExpressions',
    'matchExpressions',
    null,
    [
      ['ScopeName', 'scopeName', ''],
      ['Operator', 'operator', ''],
      ['Values', 'values'],
    ],
  ],
]

const UNSUPPORTED = 'unsupported scope'
const MISAPPLIED = 'unsupported scope applied to resource'
const CONFLICTING = 'conflicting scopes'
const ONLY_EXISTS =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"

export function validateScopes(spec: ResourceQuotaSpec, path: Path, errors: FieldErrors): void {
  const { scopes = [] } = spec
  for (const scope of scopes) {
    if (SCOPES[scope] === undefined) errors.push(fieldError.invalid(path, scopes, UNSUPPORTED))
    for (let i = misapplied(spec, scope); i > 0; i--) errors.push(fieldError.invalid(path, scopes, MISAPPLIED))
  }
  for (const [one, other] of OPPOSITES) {
    if (scopes.includes(one) && scopes.includes(other)) errors.push(fieldError.invalid(path, scopes, CONFLICTING))
  }
}

/** How many of the limited resources do not go with the scope: each is an error of its own. */
function misapplied({ hard }: ResourceQuotaSpec, scope: string): number {
  const fitting = SCOPES[scope]
  if (fitting === undefined) return 0
  return Object.keys(hard ?? {}).filter((name) => isStandardQuotaResource(name) && !fitting.includes(name)).length
}

/** Expressions are reported without their place in the list. */
export function validateScopeSelector(spec: ResourceQuotaSpec, selectorPath: Path, errors: FieldErrors): void {
  if (spec.scopeSelector === undefined) return
  const path = selectorPath.child('matchExpressions')
  const expressions = spec.scopeSelector.matchExpressions ?? []
  for (const { scopeName, operator, values = [] } of expressions) {
    if (SCOPES[scopeName] === undefined) errors.push(fieldError.invalid(path.child('scopeName'), scopeName, UNSUPPORTED))
    for (let i = misapplied(spec, scopeName); i > 0; i--)
      errors.push(fieldError.invalid(path, shownStruct(SHOWN_SELECTOR, spec.scopeSelector), MISAPPLIED))
    if (PLAIN_SCOPES.includes(scopeName) && operator !== 'Exists')
      errors.push(fieldError.invalid(path.child('operator'), operator, ONLY_EXISTS))
    validateValues(operator, values, path, errors)
  }
  const names = expressions.map(({ scopeName }) => scopeName)
  for (const [one, other] of OPPOSITES) {
    if (names.includes(one) && names.includes(other)) errors.push(fieldError.invalid(path, spec.scopes ?? null, CONFLICTING))
  }
}

function validateValues(operator: string, values: readonly string[], path: Path, errors: FieldErrors): void {
  const at = path.child('values')
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0)
      errors.push(fieldError.required(at, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      errors.push(fieldError.invalid(at, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"))
  } else errors.push(fieldError.invalid(path.child('operator'), operator, 'not a valid selector operator'))
}
