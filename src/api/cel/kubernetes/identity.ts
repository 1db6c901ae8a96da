import { CompileProblem, compile, programOf } from '../compile.ts'
import type { Program } from '../eval/plan.ts'
import { type Expr, OPERATORS, partsOf } from '../syntax/ast.ts'
import { type Environment, withVariables } from '../types/environment.ts'
import { type CelType, listType, mapType, structType, TYPES } from '../types/type.ts'
import { fromJson, JsonMap } from '../values/containers.ts'
import { CelError } from '../values/error.ts'
import { ListValue, type Outcome, type Value } from '../values/value.ts'
import { kubernetesEnvironment, LIMITS } from './environment.ts'
import { unescapeName } from './names.ts'

const { string, bool, dyn } = TYPES
const STRINGS = listType(string)

function object(name: string, fields: Readonly<Record<string, CelType>>): CelType {
  return structType(`kubernetes.${name}`, (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined))
}

const requirement = (name: string): CelType => object(name, { key: string, operator: string, values: STRINGS })
const selector = (name: string): CelType => object(name, { rawSelector: string, requirements: listType(requirement(`${name}Requirement`)) })

/** What expressions about identities and access may speak of: one variable each. */
const VARIABLES = {
  claims: mapType(string, dyn),
  user: object('UserInfo', { username: string, uid: string, groups: STRINGS, extra: mapType(string, STRINGS) }),
  request: object('SubjectAccessReviewSpec', {
    resourceAttributes: object('ResourceAttributes', {
      namespace: string,
      verb: string,
      group: string,
      version: string,
      resource: string,
      subresource: string,
      name: string,
      fieldSelector: selector('FieldSelector'),
      labelSelector: selector('LabelSelector'),
    }),
    nonResourceAttributes: object('NonResourceAttributes', { path: string, verb: string }),
    user: string,
    groups: STRINGS,
    extra: mapType(string, STRINGS),
    uid: string,
  }),
} as const satisfies Readonly<Record<string, CelType>>
export type IdentityVariable = keyof typeof VARIABLES

/** Made with the first expression: all of a configuration share it. */
const made: { environment?: Environment } = {}

/** What an expression came to, as far as identities know values: anything else is `unfit`. */
export type IdentityValue = string | boolean | null | readonly string[] | { readonly unfit: string }

export interface IdentityExpression {
  readonly source: string
  /** Whether it reads this field of its variable. */
  mentions(field: string): boolean
  /** `json`: the value of its variable. */
  evaluate(json: Readonly<Record<string, unknown>>): IdentityValue
}

/** Why an expression cannot be used, in the words that come behind its field. */
export class IdentityProblem {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Makes an expression over claims, a user or a question of access ready. `wanted`: what it must come to. */
export function compileIdentity(
  source: string,
  variable: IdentityVariable,
  wanted: 'bool' | 'anything',
): IdentityExpression | IdentityProblem {
  made.environment ??= kubernetesEnvironment()
  const expression = compile(source, withVariables(made.environment, { [variable]: VARIABLES[variable] }))
  if (expression instanceof CompileProblem) return new IdentityProblem(`compilation failed: ${expression.text}`)
  if (wanted === 'bool' && expression.outputType.kind !== bool.kind) return new IdentityProblem('must evaluate to bool')
  const program = programOf(expression)
  if (typeof program === 'string') return new IdentityProblem(`program instantiation failed: ${program}`)
  return {
    source,
    mentions: (field) => selects(expression.checked.expr, variable, field),
    evaluate: (json) => run(program, variable, json),
  }
}

function run(program: Program, variable: string, json: Readonly<Record<string, unknown>>): IdentityValue {
  const value = variable === 'claims' ? new EscapedMap(json) : fromJson(json)
  const { outcome } = program.run({ get: (name) => (name === variable ? value : undefined) }, LIMITS.perCall)
  return outcome instanceof CelError ? { unfit: outcome.message } : plainValue(outcome)
}

/** Claims may have names that no expression can spell: their escaped forms mean them, too. */
class EscapedMap extends JsonMap {
  override get(key: Value): Outcome | undefined {
    const found = super.get(typeof key === 'string' ? (unescapeName(key) ?? key) : key)
    return found instanceof JsonMap ? new EscapedMap(found.json) : found
  }
}

const UNFIT: IdentityValue = { unfit: 'expression must return a string or a list of strings' }

function plainValue(value: Value): IdentityValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (!(value instanceof ListValue)) return UNFIT
  const texts: string[] = []
  for (let at = 0; at < value.size; at++) {
    const item = value.at(at)
    if (typeof item !== 'string') return item instanceof CelError ? { unfit: item.message } : UNFIT
    texts.push(item)
  }
  return texts
}

function selects(expr: Expr, variable: string, field: string): boolean {
  const isVariable = (one: Expr | undefined): boolean => one?.kind === 'ident' && one.name === variable
  if (expr.kind === 'select' && expr.field === field && isVariable(expr.operand)) return true
  if (expr.kind === 'call' && expr.name === OPERATORS.optSelect && isVariable(expr.args[0])) {
    const name = expr.args[1]
    if (name?.kind === 'literal' && name.value === field) return true
  }
  return partsOf(expr).some((part) => selects(part, variable, field))
}
