import type { AdmissionVariables } from '../../cel/kubernetes/admission.ts'
import { PATCH_TYPES } from '../../cel/kubernetes/patch-types.ts'
import type { CelType } from '../../cel/types/type.ts'
import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { MutatingAdmissionPolicy, Mutation } from '../../types/admissionregistration-v1.gen.ts'
import { validateMatchConditions } from './match-conditions.ts'
import {
  defaultMatchResources,
  validateConstraints,
  validateExpression,
  validateFailurePolicy,
  validateMatchResources,
  validateMutableOperations,
  validateParamKind,
  validateParamRef,
  validatePolicyName,
  validateVariables,
} from './policy-parts.ts'
import { staticSuffixWarnings } from './static-suffix.ts'
import { paramKindCell, paramRefCell } from './validating-admission-policy.ts'

const SPEC = Path.of('spec')
const PATCHES = ['ApplyConfiguration', 'JSONPatch']
const REINVOCATION = ['IfNeeded', 'Never']

export const mutatingAdmissionPolicies = defineResource(refs.mutatingadmissionpolicies, {
  strategy: {
    anyFinalizer: true,
    generation: 'spec',
    unconditionalUpdate: false,
    defaults(policy) {
      policy.spec ??= {}
      policy.spec.failurePolicy ??= 'Fail'
      defaultMatchResources(policy.spec.matchConstraints)
    },
    validate: (policy, errors) => validate(policy, undefined, errors),
    validateUpdate: (policy, old, errors) => validate(policy, old, errors),
    warnings: ({ metadata }) => staticSuffixWarnings(metadata?.name ?? ''),
  },
  columns: {
    Mutations: ({ spec }) => (spec?.mutations ?? []).length,
    ParamKind: ({ spec }) => paramKindCell(spec?.paramKind),
  },
})

export const mutatingAdmissionPolicyBindings = defineResource(refs.mutatingadmissionpolicybindings, {
  strategy: {
    anyFinalizer: true,
    generation: 'spec',
    unconditionalUpdate: false,
    defaults: ({ spec }) => defaultMatchResources(spec?.matchResources),
    validate: ({ spec }, errors) => validateBinding(spec ?? {}, errors),
    validateUpdate: ({ spec }, _old, errors) => validateBinding(spec ?? {}, errors),
    warnings: ({ metadata }) => staticSuffixWarnings(metadata?.name ?? ''),
  },
  columns: {
    PolicyName: ({ spec }) => spec?.policyName ?? '',
    ParamRef: ({ spec }) => paramRefCell(spec?.paramRef),
  },
})

type BindingSpec = NonNullable<Parameters<NonNullable<typeof mutatingAdmissionPolicyBindings.strategy.validate>>[0]['spec']>

function validateBinding(spec: BindingSpec, errors: FieldErrors): void {
  validatePolicyName(spec.policyName, SPEC.child('policyName'), errors)
  validateParamRef(spec.paramRef, SPEC.child('paramRef'), errors)
  validateMatchResources(spec.matchResources, SPEC.child('matchResources'), errors)
  validateMutableOperations(spec.matchResources, SPEC.child('matchResources'), errors)
}

function validate({ spec = {} }: MutatingAdmissionPolicy, old: MutatingAdmissionPolicy | undefined, errors: FieldErrors): void {
  const { paramKind, matchConditions = [], variables = [], mutations = [], reinvocationPolicy = '' } = spec
  const hasParams = paramKind !== undefined
  validateFailurePolicy(spec.failurePolicy, SPEC.child('failurePolicy'), errors)
  if (paramKind !== undefined) validateParamKind(paramKind, SPEC.child('paramKind'), errors)
  validateConstraints(spec.matchConstraints, SPEC.child('matchConstraints'), errors)
  validateMutableOperations(spec.matchConstraints, SPEC.child('matchConstraints'), errors)
  const isKnown =
    old !== undefined && deepEqual(old.spec?.matchConditions ?? [], matchConditions) && deepEqual(old.spec?.paramKind, paramKind)
  if (!isKnown) validateMatchConditions(matchConditions, hasParams, SPEC.child('matchConditions'), errors)
  const scope: AdmissionVariables = { hasParams, hasAuthorizer: true }
  const known = validateVariables(variables, scope, SPEC.child('variables'), errors)
  if (mutations.length === 0) errors.push(fieldError.required(SPEC.child('mutations'), 'mutations must contain at least one item'))
  mutations.forEach((mutation, i) =>
    validateMutation(mutation, { ...scope, variables: known, makesPatches: true }, SPEC.child('mutations').index(i), errors),
  )
  const at = SPEC.child('reinvocationPolicy')
  if (reinvocationPolicy === '') errors.push(fieldError.required(at))
  else if (!REINVOCATION.includes(reinvocationPolicy)) errors.push(fieldError.notSupported(at, reinvocationPolicy, REINVOCATION))
}

function validateMutation(mutation: Mutation, scope: AdmissionVariables, path: Path, errors: FieldErrors): void {
  const { patchType = '', applyConfiguration, jsonPatch } = mutation
  if (patchType === '') errors.push(fieldError.required(path.child('patchType')))
  else if (!PATCHES.includes(patchType)) errors.push(fieldError.notSupported(path.child('patchType'), patchType, PATCHES))
  else if (patchType === 'JSONPatch') {
    const names = ['jsonPatch', 'applyConfiguration'] as const
    validatePatch(patchType, names, [jsonPatch, applyConfiguration], PATCH_TYPES.patches, scope, path, errors)
  } else {
    const names = ['applyConfiguration', 'jsonPatch'] as const
    validatePatch(patchType, names, [applyConfiguration, jsonPatch], PATCH_TYPES.object, scope, path, errors)
  }
}

type Patch = { readonly expression?: string | undefined } | undefined

function validatePatch(
  patchType: string,
  [name, otherName]: readonly [string, string],
  [patch, other]: readonly [Patch, Patch],
  wanted: CelType,
  scope: AdmissionVariables,
  path: Path,
  errors: FieldErrors,
): void {
  const source = patch?.expression?.trim() ?? ''
  if (patch === undefined) errors.push(fieldError.required(path.child(name), `must be specified when patchType is ${patchType}`))
  else if (source === '') errors.push(fieldError.required(path.child(name).child('expression')))
  else validateExpression(source, scope, [wanted], path.child(name).child('expression'), errors)
  if (other !== undefined)
    errors.push(fieldError.invalid(path.child(otherName), `{${otherName}}`, `must not be specified when patchType is ${patchType}`))
}
