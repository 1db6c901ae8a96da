import { typeNameProblems } from '../cel/kubernetes/patch-types.ts'
import { LIMITS } from '../cel/kubernetes/environment.ts'
import { CelError } from '../cel/values/error.ts'
import { toJson } from '../cel/values/to-json.ts'
import type { Value } from '../cel/values/value.ts'
import { checkApplied } from '../fields/check-applied.ts'
import { mergeApplied } from '../fields/merge-applied.ts'
import { type JsonObject, isJsonObject } from '../meta/deep.ts'
import type { KubeObject } from '../meta/object.ts'
import type { ObjectSchema } from '../schema/schema.ts'
import type { MutatingAdmissionPolicySpec } from '../types/admissionregistration-v1.gen.ts'
import { atomicPlaces } from './atomic.ts'
import { mutatingExpressions } from './compiled.ts'
import { meetsConditions } from './conditions.ts'
import { patchBySteps } from './patch-steps.ts'
import { Budget, BudgetSpent, EvaluationProblem, type PolicyInput, Scene, evaluate } from './scene.ts'

/** Whether the policy's conditions let it change the request's object. A text: nobody can say, and why. */
export function wantsToMutate(spec: MutatingAdmissionPolicySpec, input: PolicyInput, params: unknown): boolean | string {
  return meetsConditions(mutatingExpressions(spec).conditions, input, params)
}

export const mutationsOf = (spec: MutatingAdmissionPolicySpec): number => mutatingExpressions(spec).mutations.length

/**
 * The object as the policy's mutation leaves it: not yet decoded, nothing filled in. Undefined: nothing is to be changed. A text: why it
 * could not be made. Without `schema` the object may have any fields.
 */
export function mutateByPolicy(
  spec: MutatingAdmissionPolicySpec,
  at: number,
  input: PolicyInput,
  params: unknown,
  schema: ObjectSchema | undefined,
): JsonObject | string | undefined {
  const { mutations, variables } = mutatingExpressions(spec)
  const mutation = mutations[at]
  if (mutation === undefined) return undefined
  let value: Value | EvaluationProblem
  try {
    value = evaluate(mutation.patch, new Scene(input, params, variables), new Budget(LIMITS.perObject))
  } catch (spent) {
    if (!(spent instanceof BudgetSpent)) throw spent
    return spent.message
  }
  if (value instanceof EvaluationProblem) return value.text
  if (!isJsonObject(input.object)) return 'there is no object to change'
  return mutation.type === 'JSONPatch' ? patched(value, input.object) : merged(value, input.object, schema ?? UNKNOWN)
}

/** Of an object whose kind is not known here: anything may be in it. */
const UNKNOWN: ObjectSchema = { kind: 'object', fields: new Map(), keepUnknown: true }

function patched(value: Value, object: JsonObject): JsonObject | string | undefined {
  const operations = toJson(value)
  if (operations instanceof CelError) return operations.message
  return patchBySteps(object, Array.isArray(operations) ? operations : [])
}

function merged(value: Value, object: JsonObject, schema: ObjectSchema): JsonObject | string {
  const [mismatch] = typeNameProblems(value, 'Object')
  if (mismatch !== undefined) return `type mismatch: ${mismatch}`
  const json = toJson(value)
  if (json instanceof CelError) return json.message
  if (!isJsonObject(json)) return 'the expression did not come to an object'
  const applied = { ...json, apiVersion: object['apiVersion'], kind: object['kind'] }
  const mistakes = checkApplied(applied as KubeObject, schema)
  if (mistakes.length > 0) return `error applying patch: error converting apply configuration to typed value: ${mistakes.join(', ')}`
  const atomic = atomicPlaces(json, schema, '')
  if (atomic.length > 0)
    return `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(', ')}`
  return mergeApplied(object, applied, schema)
}
