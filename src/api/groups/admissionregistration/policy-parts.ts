import { AdmissionProblem, type AdmissionVariables, compileAdmission, variableType } from '../../cel/kubernetes/admission.ts'
import type { CelType } from '../../cel/types/type.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { MatchResources, NamedRuleWithOperations, ParamKind, ParamRef, Variable } from '../../types/admissionregistration-v1.gen.ts'
import { validateLabelSelector } from '../../validation/label-selector.ts'
import { dns1035LabelErrors, dnsSubdomainErrors, pathSegmentErrors } from '../../validation/names.ts'
import { validateRule } from './rules.ts'

/** What validating and mutating policies and their bindings have in common. */

export const POLICIES = { failure: ['Fail', 'Ignore'], match: ['Equivalent', 'Exact'] } as const

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (match === undefined) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*'
}

export function validateFailurePolicy(policy: string | undefined, path: Path, errors: FieldErrors): void {
  if (policy === undefined) errors.push(fieldError.required(path))
  else if (!POLICIES.failure.some((one) => one === policy)) errors.push(fieldError.notSupported(path, policy, POLICIES.failure))
}

/** The constraints of a policy say at least which resources they are about. */
export function validateConstraints(match: MatchResources | undefined, path: Path, errors: FieldErrors): void {
  if (match === undefined) {
    errors.push(fieldError.required(path))
    return
  }
  validateMatchResources(match, path, errors)
  if ((match.resourceRules ?? []).length === 0) errors.push(fieldError.required(path.child('resourceRules')))
}

export function validateMatchResources(match: MatchResources | undefined, path: Path, errors: FieldErrors): void {
  if (match === undefined) return
  const { matchPolicy, namespaceSelector, objectSelector } = match
  if (matchPolicy === undefined) errors.push(fieldError.required(path.child('matchPolicy')))
  else if (!POLICIES.match.some((one) => one === matchPolicy))
    errors.push(fieldError.notSupported(path.child('matchPolicy'), matchPolicy, POLICIES.match))
  for (const [name, selector] of [
    ['namespaceSelector', namespaceSelector],
    ['objectSelector', objectSelector],
  ] as const) {
    if (selector === undefined) errors.push(fieldError.required(path.child(name)))
    else validateLabelSelector(selector, path.child(name), errors)
  }
  match.resourceRules?.forEach((rule, i) => validateNamedRule(rule, path.child('resourceRules').index(i), errors))
  match.excludeResourceRules?.forEach((rule, i) => validateNamedRule(rule, path.child('excludeResourceRules').index(i), errors))
}

function validateNamedRule(rule: NamedRuleWithOperations, path: Path, errors: FieldErrors): void {
  const names = new Set<string>()
  rule.resourceNames?.forEach((name, i) => {
    const at = path.child('resourceNames').index(i)
    for (const message of pathSegmentErrors(name)) errors.push(fieldError.invalid(at, name, message))
    if (names.has(name)) errors.push(fieldError.duplicate(at, name))
    names.add(name)
  })
  validateRule(rule, path, errors)
}

const MUTABLE = ['*', 'CONNECT', 'CREATE', 'UPDATE']

/** What is deleted cannot be changed. */
export function validateMutableOperations(match: MatchResources | undefined, path: Path, errors: FieldErrors): void {
  for (const { operations } of match?.resourceRules ?? []) {
    for (const operation of operations ?? []) {
      if (!MUTABLE.includes(operation))
        errors.push(fieldError.notSupported(path.child('resourceRules').child('operations'), operation, MUTABLE))
    }
  }
}

export function validateParamKind({ apiVersion = '', kind = '' }: ParamKind, path: Path, errors: FieldErrors): void {
  const at = path.child('apiVersion')
  const parts = apiVersion.split('/')
  if (apiVersion === '') errors.push(fieldError.required(at))
  else if (parts.length > 2) errors.push(fieldError.invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  else {
    const [group, version] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', apiVersion]
    const groupErrors = group === '' ? [] : dnsSubdomainErrors(group)
    if (groupErrors.length > 0) errors.push(fieldError.invalid(at, group, groupErrors.join(',')))
    const versionErrors = version === '' ? [] : dns1035LabelErrors(version)
    if (version === '') errors.push(fieldError.invalid(at, apiVersion, 'version must be specified'))
    else if (versionErrors.length > 0) errors.push(fieldError.invalid(at, version, versionErrors.join(',')))
  }
  const kindErrors = kind === '' ? [] : dns1035LabelErrors(kind.toLowerCase())
  if (kind === '') errors.push(fieldError.required(path.child('kind')))
  else if (kindErrors.length > 0) {
    const detail = `may have mixed case, but should otherwise match: ${kindErrors.join(',')}`
    errors.push(fieldError.invalid(path.child('kind'), kind, detail))
  }
}

/** A name that expressions can say. */
const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

/** The variables of a policy in order: each sees those before. The types are those under which expressions see them. */
export function validateVariables(
  variables: readonly Variable[],
  scope: AdmissionVariables,
  path: Path,
  errors: FieldErrors,
): ReadonlyMap<string, CelType> {
  const known = new Map<string, CelType>()
  variables.forEach(({ name = '', expression = '' }, i) => {
    const at = path.index(i)
    if (name.trim() === '') errors.push(fieldError.required(at.child('name'), 'name is not specified'))
    else if (!IDENTIFIER.test(name) || RESERVED.has(name))
      errors.push(fieldError.invalid(at.child('name'), name, 'must be a valid CEL identifier'))
    if (expression.trim() === '') {
      errors.push(fieldError.required(at.child('expression'), 'expression is not specified'))
      return
    }
    const compiled = compileAdmission(expression, { ...scope, variables: known }, 'anything')
    if (compiled instanceof AdmissionProblem) errors.push(fieldError.invalid(at.child('expression'), expression, compiled.text))
    known.set(name, variableType(compiled.type))
  })
  return known
}

/** An expression of a policy that must come to one of the types. */
export function validateExpression(
  source: string,
  scope: AdmissionVariables,
  wanted: readonly CelType[],
  path: Path,
  errors: FieldErrors,
  shown = source,
): void {
  const compiled = compileAdmission(source, scope, wanted)
  if (compiled instanceof AdmissionProblem) errors.push(fieldError.invalid(path, shown, compiled.text))
}

const NOT_FOUND = ['Deny', 'Allow']

export function validatePolicyName(name: string | undefined, path: Path, errors: FieldErrors): void {
  if ((name ?? '') === '') errors.push(fieldError.required(path))
  else for (const message of dnsSubdomainErrors(name ?? '')) errors.push(fieldError.invalid(path, name, message))
}

export function validateParamRef(ref: ParamRef | undefined, path: Path, errors: FieldErrors): void {
  if (ref === undefined) return
  const { name = '', selector, parameterNotFoundAction = '' } = ref
  const exclusive = 'name and selector are mutually exclusive'
  if (name !== '') {
    for (const message of pathSegmentErrors(name)) errors.push(fieldError.invalid(path.child('name'), name, message))
    if (selector !== undefined) errors.push(fieldError.forbidden(path.child('name'), exclusive))
  }
  if (selector !== undefined) {
    validateLabelSelector(selector, path.child('selector'), errors)
    if (name !== '') errors.push(fieldError.forbidden(path.child('selector'), exclusive))
  }
  if (name === '' && selector === undefined) errors.push(fieldError.required(path, 'one of name or selector must be specified'))
  const at = path.child('parameterNotFoundAction')
  if (parameterNotFoundAction === '') errors.push(fieldError.required(at))
  else if (!NOT_FOUND.includes(parameterNotFoundAction)) errors.push(fieldError.notSupported(at, parameterNotFoundAction, NOT_FOUND))
}
