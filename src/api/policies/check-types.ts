import { AdmissionProblem, checkAdmission, type AdmissionVariables, variableType } from '../cel/kubernetes/admission.ts'
import { celTypeOf, declTypeOf } from '../cel/kubernetes/decl-type.ts'
import { type CelType, TYPES } from '../cel/types/type.ts'
import type { GroupVersionKind } from '../openapi/whole-schema.ts'
import type { JsonSchema } from '../structural/json-schema.ts'
import type { ExpressionWarning, ValidatingAdmissionPolicySpec, Variable } from '../types/admissionregistration-v1.gen.ts'

/** A kind that a policy is about, and what its objects look like. */
export interface TypedKind {
  readonly kind: GroupVersionKind
  readonly schema: JsonSchema
}

/**
 * What is wrong with the expressions of a policy for the kinds that it is about, as far as schemas tell: fields that are not there, values of
 * another type. `params`: of the kind of its parameters, where it has one and that is known.
 */
export function checkPolicyTypes(
  { validations = [], variables = [], paramKind }: ValidatingAdmissionPolicySpec,
  kinds: readonly TypedKind[],
  params?: TypedKind,
): ExpressionWarning[] {
  const hasParams = paramKind !== undefined
  const paramsType = params === undefined ? undefined : typeOf(params)
  const scopes = kinds.map((one): readonly [GroupVersionKind, AdmissionVariables] => {
    const scope = { object: typeOf(one), hasParams, params: paramsType ?? TYPES.dyn, hasAuthorizer: true, hasRequestCheck: false }
    return [one.kind, { ...scope, variables: typesOfVariables(variables, scope) }]
  })
  const warningOf = (source: string): string =>
    scopes
      .flatMap(([{ group, version, kind }, scope]) => {
        const found = checkAdmission(source, scope)
        return found instanceof AdmissionProblem ? [`${group}/${version}, Kind=${kind}: ${found.text}\n`] : []
      })
      .join('\n')
  const warnings: ExpressionWarning[] = []
  for (const [i, { expression = '', messageExpression = '' }] of validations.entries()) {
    for (const [field, source] of Object.entries({ expression, messageExpression })) {
      const warning = field === 'messageExpression' && source === '' ? '' : warningOf(source)
      if (warning !== '') warnings.push({ fieldRef: `spec.validations[${i}].${field}`, warning })
    }
  }
  return warnings
}

function typeOf({ kind, schema }: TypedKind): CelType {
  const decl = declTypeOf(schema, true)
  return decl === undefined ? TYPES.dyn : celTypeOf(decl, kind.kind)
}

/** Those that are wrong in themselves can be anything. */
function typesOfVariables(variables: readonly Variable[], scope: AdmissionVariables): ReadonlyMap<string, CelType> {
  const types = new Map<string, CelType>()
  for (const { name = '', expression = '' } of variables) {
    const found = checkAdmission(expression, { ...scope, variables: types })
    types.set(name, found instanceof AdmissionProblem ? TYPES.dyn : variableType(found))
  }
  return types
}
