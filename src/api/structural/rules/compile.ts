import { type Expression, CompileProblem, compile, programOf } from '../../cel/compile.ts'
import { estimateCost } from '../../cel/cost/estimate.ts'
import type { Program } from '../../cel/eval/plan.ts'
import { celTypeOf, type DeclType, MAX_REQUEST_BYTES, sizeAtPath } from '../../cel/kubernetes/decl-type.ts'
import { kubernetesEnvironment } from '../../cel/kubernetes/environment.ts'
import { type Environment, withVariables } from '../../cel/types/environment.ts'
import { type CelType, optionalType } from '../../cel/types/type.ts'
import type { ValidationRule } from '../../types/apiextensions-v1.gen.ts'
import type { JsonSchema } from '../json-schema.ts'
import { readFieldPath } from './field-path.ts'

/** A rule made ready, or what is wrong with it. */
export interface CompiledRule {
  readonly rule: ValidationRule
  readonly program?: Program
  readonly problem?: string
  readonly usesOldSelf: boolean
  /** What the rule may cost for one value. */
  readonly cost: number
  readonly message?: Program
  readonly messageProblem?: string
  readonly messageCost: number
  /** Where errors are reported, below the value. */
  readonly fieldPath?: string
}

const SELF_TYPE = 'selfType'

/** Makes the rules of a schema ready. Costly: done once for a schema, when a value is first looked at. */
export function compileRules(schema: JsonSchema, decl: DeclType, base: Environment): readonly CompiledRule[] {
  const self = celTypeOf(decl, SELF_TYPE)
  return (schema['x-kubernetes-validations'] ?? []).map((rule) => compileRule(rule, schema, decl, self, base))
}

/** The environment of all rules; one serves any number of schemas. */
export const ruleEnvironment = (): Environment => kubernetesEnvironment()

/** How many such values a request can hold. */
export const mostValues = (decl: DeclType): number => Math.floor(MAX_REQUEST_BYTES / (decl.minSize + 1))

function compileRule(rule: ValidationRule, schema: JsonSchema, decl: DeclType, self: CelType, base: Environment): CompiledRule {
  const nothing: CompiledRule = { rule, usesOldSelf: false, cost: 0, messageCost: 0 }
  if (rule.rule.trim() === '') return nothing
  const oldSelf = rule.optionalOldSelf === true ? optionalType(self) : self
  const environment = withVariables(base, { self, oldSelf })
  const expression = compile(rule.rule, environment)
  if (expression instanceof CompileProblem) return { ...nothing, problem: `compilation failed: ${expression.text}` }
  if (expression.outputType.kind !== 'bool') return { ...nothing, problem: 'cel expression must evaluate to a bool' }
  const usesOldSelf = expression.checked.variables.has('oldSelf')
  const program = programOf(expression)
  if (typeof program === 'string') return { ...nothing, usesOldSelf, problem: `program instantiation failed: ${program}` }
  const path = rule.fieldPath === undefined || rule.fieldPath === '' ? undefined : readFieldPath(rule.fieldPath, schema)
  return {
    ...nothing,
    usesOldSelf,
    program,
    cost: costOf(expression, decl),
    ...compileMessage(rule.messageExpression ?? '', environment, decl),
    ...(path === undefined ? {} : { fieldPath: path }),
  }
}

const costOf = (expression: Expression, decl: DeclType): number => estimateCost(expression.checked, (path) => sizeAtPath(decl, path)).max

function compileMessage(source: string, environment: Environment, decl: DeclType): Partial<CompiledRule> {
  if (source === '') return {}
  const expression = compile(source, environment)
  if (expression instanceof CompileProblem) return { messageProblem: `messageExpression compilation failed: ${expression.text}` }
  if (expression.outputType.kind !== 'string') return { messageProblem: 'messageExpression must evaluate to a string' }
  const message = programOf(expression)
  if (typeof message === 'string') return { messageProblem: `messageExpression instantiation failed: ${message}` }
  return { message, messageCost: costOf(expression, decl) }
}
