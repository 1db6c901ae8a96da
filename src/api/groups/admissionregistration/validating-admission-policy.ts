import { TYPES } from '../../cel/types/type.ts'
import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type {
  AuditAnnotation,
  TypeChecking,
  Validation,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../types/admissionregistration-v1.gen.ts'
import { qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'
import type { AdmissionVariables } from '../../cel/kubernetes/admission.ts'
import { validateMatchConditions } from './match-conditions.ts'
import {
  defaultMatchResources,
  validateConstraints,
  validateExpression,
  validateFailurePolicy,
  validateMatchResources,
  validateParamKind,
  validateParamRef,
  validatePolicyName,
  validateVariables,
} from './policy-parts.ts'
import { staticSuffixWarnings } from './static-suffix.ts'
import { validateConditions } from '../../validation/conditions.ts'
import { keepSpecAndMetadata } from '../../workloads/workload.ts'

const SPEC = Path.of('spec')
const STATUS = Path.of('status')
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']
const ACTIONS = ['Audit', 'Deny', 'Warn']
const MOST_ANNOTATIONS = 20
const LONGEST_VALUE_EXPRESSION = 5 * 1024

type Policy = ValidatingAdmissionPolicy

export const validatingAdmissionPolicies = defineResource(refs.validatingadmissionpolicies, {
  strategy: {
    anyFinalizer: true,
    generation: 'spec',
    unconditionalUpdate: false,
    defaults(policy) {
      policy.spec ??= {}
      policy.spec.failurePolicy ??= 'Fail'
      defaultMatchResources(policy.spec.matchConstraints)
    },
    prepareForCreate(policy) {
      policy.status = {}
    },
    prepareForUpdate(policy, old) {
      if (old.status === undefined) delete policy.status
      else policy.status = old.status
    },
    validate: (policy, errors) => validate(policy, undefined, errors),
    validateUpdate: (policy, old, errors) => validate(policy, old, errors),
    warnings: ({ metadata }) => staticSuffixWarnings(metadata?.name ?? ''),
  },
  subresources: {
    status: {
      type: 'status',
      keepsMetadata: true,
      prepareForUpdate: keepSpecAndMetadata,
      validateUpdate({ status }, _old, errors) {
        validateTypeChecking(status?.typeChecking, STATUS.child('typeChecking'), errors)
        validateConditions(status?.conditions ?? [], STATUS.child('conditions'), errors)
      },
    },
  },
  columns: {
    Validations: ({ spec }) => (spec?.validations ?? []).length,
    ParamKind: ({ spec }) => paramKindCell(spec?.paramKind),
  },
})

export function paramKindCell(kind: { readonly apiVersion?: string | undefined; readonly kind?: string | undefined } | undefined): string {
  if (kind === undefined) return '<unset>'
  return (kind.apiVersion ?? '') === '' ? (kind.kind ?? '') : `${kind.apiVersion}/${kind.kind ?? ''}`
}

function validate({ metadata, spec = {} }: Policy, old: Policy | undefined, errors: FieldErrors): void {
  const { paramKind, matchConditions = [], variables = [], validations = [], auditAnnotations } = spec
  const hasParams = paramKind !== undefined
  validateFailurePolicy(spec.failurePolicy, SPEC.child('failurePolicy'), errors)
  if (paramKind !== undefined) validateParamKind(paramKind, SPEC.child('paramKind'), errors)
  validateConstraints(spec.matchConstraints, SPEC.child('matchConstraints'), errors)
  const isKnown =
    old !== undefined && deepEqual(old.spec?.matchConditions ?? [], matchConditions) && deepEqual(old.spec?.paramKind, paramKind)
  if (!isKnown) validateMatchConditions(matchConditions, hasParams, SPEC.child('matchConditions'), errors)
  const scope: AdmissionVariables = { hasParams, hasAuthorizer: true }
  const known = variables.length === 0 ? undefined : validateVariables(variables, scope, SPEC.child('variables'), errors)
  const inner: AdmissionVariables = known === undefined ? scope : { ...scope, variables: known }
  if (validations.length === 0 && (auditAnnotations ?? []).length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item'
    errors.push(fieldError.required(SPEC.child('validations'), detail), fieldError.required(SPEC.child('auditAnnotations'), detail))
    return
  }
  validations.forEach((validation, i) => validateValidation(validation, inner, SPEC.child('validations').index(i), errors))
  if (auditAnnotations !== undefined) validateAnnotations(auditAnnotations, metadata?.name ?? '', inner, errors)
}

function validateValidation(
  { expression = '', message = '', messageExpression = '', reason }: Validation,
  scope: AdmissionVariables,
  path: Path,
  errors: FieldErrors,
): void {
  if (expression.trim() === '') errors.push(fieldError.required(path.child('expression'), 'expression is not specified'))
  else validateExpression(expression, scope, [TYPES.bool], path.child('expression'), errors)
  const at = path.child('messageExpression')
  if (messageExpression !== '' && messageExpression.trim() === '')
    errors.push(fieldError.invalid(at, messageExpression, 'must be non-empty if specified'))
  else if (messageExpression !== '') validateExpression(messageExpression, { ...scope, hasAuthorizer: false }, [TYPES.string], at, errors)
  if (message !== '' && message.trim() === '')
    errors.push(fieldError.invalid(path.child('message'), message, 'must be non-empty if specified'))
  else if (/[\n\r]/.test(message.trim())) errors.push(fieldError.invalid(path.child('message'), message, 'must not contain line breaks'))
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(fieldError.notSupported(path.child('reason'), reason, REASONS))
}

function validateAnnotations(annotations: readonly AuditAnnotation[], name: string, scope: AdmissionVariables, errors: FieldErrors): void {
  const path = SPEC.child('auditAnnotations')
  if (annotations.length > MOST_ANNOTATIONS)
    errors.push(fieldError.invalid(path, annotations, `must not have more than ${MOST_ANNOTATIONS} auditAnnotations`))
  const keys = new Set<string>()
  annotations.forEach(({ key = '', valueExpression = '' }, i) => {
    const at = path.index(i)
    if (name === '') errors.push(fieldError.invalid(at.child('key'), key, 'requires metadata.name be non-empty'))
    else invalidText(`${name}/${key}`, qualifiedNameErrors(`${name}/${key}`), at.child('key'), errors)
    const valueAt = at.child('valueExpression')
    const source = valueExpression.trim()
    if (source === '') errors.push(fieldError.required(valueAt, 'valueExpression is not specified'))
    else if (source.length > LONGEST_VALUE_EXPRESSION)
      errors.push(fieldError.required(valueAt, `must not exceed ${LONGEST_VALUE_EXPRESSION} bytes in length`))
    else validateExpression(source, scope, [TYPES.string, TYPES.null], valueAt, errors, valueExpression)
    if (keys.has(key)) errors.push(fieldError.duplicate(at.child('key'), key))
    keys.add(key)
  })
}

function validateTypeChecking(checking: TypeChecking | undefined, path: Path, errors: FieldErrors): void {
  checking?.expressionWarnings?.forEach(({ fieldRef = '', warning = '' }, i) => {
    const at = path.child('expressionWarnings').index(i)
    if (warning === '') errors.push(fieldError.required(at.child('warning')))
    if (fieldRef.trim() === '') errors.push(fieldError.required(at.child('fieldRef')))
  })
}

export const validatingAdmissionPolicyBindings = defineResource(refs.validatingadmissionpolicybindings, {
  strategy: {
    anyFinalizer: true,
    generation: 'spec',
    unconditionalUpdate: false,
    defaults: ({ spec }) => defaultMatchResources(spec?.matchResources),
    validate: validateBinding,
    validateUpdate: (binding, _old, errors) => validateBinding(binding, errors),
    warnings: ({ metadata }) => staticSuffixWarnings(metadata?.name ?? ''),
  },
  columns: {
    PolicyName: ({ spec }) => spec?.policyName ?? '',
    ParamRef: ({ spec }) => paramRefCell(spec?.paramRef),
  },
})

export function paramRefCell(
  ref: { readonly name?: string | undefined; readonly namespace?: string | undefined; readonly selector?: object | undefined } | undefined,
): string {
  if (ref === undefined) return '<unset>'
  return (ref.namespace ?? '') === '' ? `*/${ref.name ?? ''}` : `${ref.namespace}/${ref.name ?? ''}`
}

function validateBinding({ spec }: ValidatingAdmissionPolicyBinding, errors: FieldErrors): void {
  validatePolicyName(spec?.policyName, SPEC.child('policyName'), errors)
  validateParamRef(spec?.paramRef, SPEC.child('paramRef'), errors)
  validateMatchResources(spec?.matchResources, SPEC.child('matchResources'), errors)
  const path = SPEC.child('validationActions')
  const actions = spec?.validationActions ?? []
  const seen = new Set<string>()
  actions.forEach((action, i) => {
    if (!ACTIONS.includes(action)) errors.push(fieldError.notSupported(path.index(i), action, ACTIONS))
    if (seen.has(action)) errors.push(fieldError.duplicate(path.index(i), action))
    seen.add(action)
  })
  if (seen.has('Deny') && seen.has('Warn')) {
    const detail =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'
    errors.push(fieldError.invalid(path, actions, detail))
  }
  if (seen.size === 0) errors.push(fieldError.required(path, 'at least one validation action is required'))
}
