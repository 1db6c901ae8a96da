import { PATCH_TYPES } from '../cel/kubernetes/patch-types.ts'
import { type AdmissionVariables, compileAdmission, compileMatchCondition, variableType } from '../cel/kubernetes/admission.ts'
import { type CelType, TYPES } from '../cel/types/type.ts'
import type {
  MatchCondition,
  Mutation,
  MutatingAdmissionPolicySpec,
  ValidatingAdmissionPolicySpec,
  Validation,
  Variable,
} from '../types/admissionregistration-v1.gen.ts'
import type { Compiled } from './scene.ts'

interface CompiledPolicy {
  readonly conditions: readonly Compiled[]
  readonly variables: ReadonlyMap<string, Compiled>
}
export interface ValidatingExpressions extends CompiledPolicy {
  readonly validations: readonly { readonly validation: Validation; readonly holds: Compiled; readonly message: Compiled | undefined }[]
  readonly annotations: readonly { readonly key: string; readonly value: Compiled }[]
}
export interface MutatingExpressions extends CompiledPolicy {
  readonly mutations: readonly { readonly type: string; readonly patch: Compiled }[]
}

// By what is written, which is shared as long as it does not change: compiled with the first request that it matters for.
const validating = new WeakMap<object, ValidatingExpressions>()
const mutating = new WeakMap<object, MutatingExpressions>()
const conditionLists = new WeakMap<object, readonly Compiled[]>()

export function conditionsOf(conditions: readonly MatchCondition[], hasParams: boolean): readonly Compiled[] {
  return kept(conditionLists, conditions, () => conditions.map(({ expression }) => compileMatchCondition(expression ?? '', hasParams)))
}

export function validatingExpressions(spec: ValidatingAdmissionPolicySpec): ValidatingExpressions {
  return kept(validating, spec, () => {
    const { paramKind, matchConditions = [], validations = [], auditAnnotations = [] } = spec
    const hasParams = paramKind !== undefined
    const { scope, variables } = variablesOf(spec.variables ?? [], { hasParams, hasAuthorizer: true })
    return {
      conditions: conditionsOf(matchConditions, hasParams),
      variables,
      validations: validations.map((validation) => ({
        validation,
        holds: compileAdmission(validation.expression ?? '', scope, [TYPES.bool]),
        message:
          (validation.messageExpression ?? '') === ''
            ? undefined
            : compileAdmission(validation.messageExpression ?? '', { ...scope, hasAuthorizer: false }, [TYPES.string]),
      })),
      annotations: auditAnnotations.map(({ key = '', valueExpression = '' }) => ({
        key,
        value: compileAdmission(valueExpression.trim(), scope, [TYPES.string, TYPES.null]),
      })),
    }
  })
}

export function mutatingExpressions(spec: MutatingAdmissionPolicySpec): MutatingExpressions {
  return kept(mutating, spec, () => {
    const { paramKind, matchConditions = [], mutations = [] } = spec
    const hasParams = paramKind !== undefined
    const { scope, variables } = variablesOf(spec.variables ?? [], { hasParams, hasAuthorizer: true, makesPatches: true })
    return { conditions: conditionsOf(matchConditions, hasParams), variables, mutations: mutations.map((one) => mutationOf(one, scope)) }
  })
}

function mutationOf(
  { patchType = '', applyConfiguration, jsonPatch }: Mutation,
  scope: AdmissionVariables,
): MutatingExpressions['mutations'][number] {
  const patch =
    patchType === 'JSONPatch'
      ? compileAdmission(jsonPatch?.expression ?? '', scope, [PATCH_TYPES.patches])
      : compileAdmission(applyConfiguration?.expression ?? '', scope, [PATCH_TYPES.object])
  return { type: patchType, patch }
}

function variablesOf(
  list: readonly Variable[],
  scope: AdmissionVariables,
): { readonly scope: AdmissionVariables; readonly variables: ReadonlyMap<string, Compiled> } {
  const variables = new Map<string, Compiled>()
  if (list.length === 0) return { scope, variables }
  const types = new Map<string, CelType>()
  for (const { name = '', expression = '' } of list) {
    const compiled = compileAdmission(expression, { ...scope, variables: types }, 'anything')
    variables.set(name, compiled)
    types.set(name, variableType(compiled.type))
  }
  return { scope: { ...scope, variables: types }, variables }
}

function kept<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
