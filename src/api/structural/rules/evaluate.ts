import { LIMITS } from '../../cel/kubernetes/environment.ts'
import { schemaValue } from '../../cel/kubernetes/schema-values.ts'
import { trimSpace } from '../../cel/library/strings.ts'
import type { Program } from '../../cel/eval/plan.ts'
import { CelError } from '../../cel/values/error.ts'
import { Optional, type Outcome } from '../../cel/values/value.ts'
import { deepEqual, isJsonObject } from '../../meta/deep.ts'
import { FIELD_ERROR_TYPES, type FieldError, type FieldErrors } from '../../meta/field-error.ts'
import { goQuote } from '../../meta/go-format.ts'
import { byteLength } from '../../validation/names.ts'
import type { JsonSchema } from '../json-schema.ts'
import type { CompiledRule } from './compile.ts'
import type { RuleNode } from './rule-tree.ts'

export interface RuleFindings {
  readonly errors: FieldErrors
  /** What is wrong with values that an update leaves alone. */
  readonly warnings: string[]
}

/** A value and what it was before an update: rules that do not hold are forgiven where nothing has changed. */
interface Pair {
  readonly value: unknown
  readonly old: unknown
}
interface Correlation {
  readonly current?: Pair | undefined
  readonly parent?: Pair | undefined
}

/** Evaluates the rules over an object and all that is in it. Without `old` it is a new one. `at`: the place of the value itself. */
export function evaluateRules(tree: RuleNode, value: unknown, old: unknown, at = ''): RuleFindings {
  const run = new Run()
  run.visit(tree, at, value, old, old === undefined ? {} : { current: { value, old } })
  return run
}

/** Nothing more may be spent. */
class Spent extends Error {}

const RAN_OUT = 'validation failed due to running out of cost budget, no further validation rules will be run'

class Run implements RuleFindings {
  readonly errors: FieldError[] = []
  readonly warnings: string[] = []
  #budget: number = LIMITS.perObject

  visit(node: RuleNode, path: string, value: unknown, old: unknown, correlation: Correlation): void {
    try {
      this.#visit(node, path, value, old, correlation)
    } catch (ended) {
      if (!(ended instanceof Spent)) throw ended
    }
  }

  #visit(node: RuleNode, path: string, value: unknown, old: unknown, correlation: Correlation): void {
    if (value === null || value === undefined) return
    this.#rules(node, path, value, old ?? undefined, correlation)
    if (Array.isArray(value)) this.#list(node, path, value, Array.isArray(old) ? old : [], correlation)
    else if (isJsonObject(value)) this.#object(node, path, value, isJsonObject(old) ? old : {}, correlation)
  }

  #list(node: RuleNode, path: string, list: readonly unknown[], old: readonly unknown[], correlation: Correlation): void {
    const { items } = node
    if (items === undefined) return
    list.forEach((item, i) => {
      const before = sameItem(node.schema, item, old)
      this.#visit(items, `${path}[${i}]`, item, before, below(correlation, item, before))
    })
  }

  #object(
    node: RuleNode,
    path: string,
    object: Readonly<Record<string, unknown>>,
    old: Readonly<Record<string, unknown>>,
    correlation: Correlation,
  ): void {
    const follows = node.schema['x-kubernetes-map-type'] !== 'set'
    for (const [name, member] of Object.entries(object)) {
      const property = node.properties?.get(name)
      const inner = property ?? node.values
      if (inner === undefined) continue
      const before = follows && Object.hasOwn(old, name) ? old[name] : undefined
      const isNamed = property !== undefined
      const place = isNamed ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`
      const isKind = correlation.parent === undefined && (name === 'kind' || name === 'apiVersion')
      this.#visit(inner, place, member, before, isKind ? {} : below(correlation, member, before))
    }
  }

  #rules({ schema, isRoot, rules }: RuleNode, path: string, value: unknown, old: unknown, correlation: Correlation): void {
    if (rules.length === 0) return
    if (this.#budget <= 0) this.#end(path, schema, RAN_OUT)
    let self: Outcome | undefined
    let oldSelf: Outcome | undefined
    const variables = (optional: boolean) => ({
      get: (name: string): Outcome | undefined => {
        if (name === 'self') return (self ??= schemaValue(value, schema, isRoot))
        if (name !== 'oldSelf') return undefined
        if (old === undefined) return optional ? Optional.none : undefined
        oldSelf ??= schemaValue(old, schema, isRoot)
        return optional && !(oldSelf instanceof CelError) ? Optional.of(oldSelf) : oldSelf
      },
    })
    for (const compiled of rules) {
      const { rule, problem, program } = compiled
      if (problem !== undefined) this.#tell(path, schema, `rule compile error: ${problem}`)
      if (problem !== undefined || program === undefined) continue
      const isOptional = rule.optionalOldSelf === true
      if (compiled.usesOldSelf && old === undefined && !isOptional) continue
      const holds = this.#holds(compiled, program, path, schema, variables(isOptional))
      if (holds) continue
      this.#broken(compiled, path, schema, value, correlation, variables(false))
    }
  }

  /** True also when it could not be found out, which has then been told. */
  #holds(
    { rule }: CompiledRule,
    program: Program,
    path: string,
    schema: JsonSchema,
    variables: { get(name: string): Outcome | undefined },
  ): boolean {
    const { outcome, cost, exceeded } = program.run(variables, LIMITS.perCall)
    if (cost > this.#budget) this.#end(path, schema, RAN_OUT)
    this.#budget -= cost
    const text = ruleText(rule)
    if (exceeded && outcome instanceof CelError) {
      this.#end(
        path,
        schema,
        `'${outcome.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${text}`,
      )
    }
    if (!(outcome instanceof CelError)) return outcome === true
    this.#tell(
      path,
      schema,
      outcome.message.startsWith('no such overload')
        ? `'${outcome.message}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`
        : `${outcome.message} evaluating rule: ${text}`,
    )
    return true
  }

  #broken(
    { rule, message, fieldPath, usesOldSelf }: CompiledRule,
    path: string,
    schema: JsonSchema,
    value: unknown,
    correlation: Correlation,
    variables: { get(name: string): Outcome | undefined },
  ): void {
    const place = fieldPath === undefined ? path : path === '' ? fieldPath : `${path}.${fieldPath}`
    const add = (error: FieldError): void => {
      if (!usesOldSelf && isUnchanged(correlation)) this.warnings.push(`${error.field}: ${error.message}`)
      else this.errors.push(error)
    }
    const made = message === undefined ? undefined : this.#message(message, variables)
    if (made instanceof Spending) {
      add(invalid(place, schema.type ?? '', made.text))
      throw new Spent()
    }
    const detail = made ?? messageOf(rule)
    const shown = schema.type === 'object' || schema.type === 'array' ? undefined : { value }
    add(errorFor(rule.reason, place, shown, detail))
  }

  #message(program: Program, variables: { get(name: string): Outcome | undefined }): string | Spending | undefined {
    const { outcome, cost, exceeded } = program.run(variables, LIMITS.perCall)
    if (cost > this.#budget) {
      return new Spending('messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run')
    }
    if (exceeded) return new Spending('no further validation rules will be run due to call cost exceeds limit for messageExpression')
    this.#budget -= cost
    if (typeof outcome !== 'string') return undefined
    const text = trimSpace(outcome)
    return text === '' || text.includes('\n') || byteLength(text) > LIMITS.messageBytes ? undefined : text
  }

  #tell(path: string, schema: JsonSchema, text: string): void {
    this.errors.push(invalid(path, schema.type ?? '', text))
  }
  #end(path: string, schema: JsonSchema, text: string): never {
    this.#tell(path, schema, text)
    throw new Spent()
  }
}

class Spending {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

function below({ current, parent }: Correlation, value: unknown, old: unknown): Correlation {
  if (current === undefined) return { current, parent }
  return { current: old === undefined ? undefined : { value, old }, parent: current }
}

function isUnchanged({ current, parent }: Correlation): boolean {
  const pair = current ?? parent
  return pair !== undefined && deepEqual(pair.value, pair.old)
}

/** The item with the same keys in a list that is a map. */
function sameItem(schema: JsonSchema, item: unknown, old: readonly unknown[]): unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !isJsonObject(item)) return undefined
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  return old.find((other) => isJsonObject(other) && keys.every((key) => deepEqual(other[key], item[key])))
}

interface Rule {
  readonly rule: string
  readonly message?: string | undefined
}
const ruleText = ({ rule, message = '' }: Rule): string => trimSpace(message === '' ? rule : message)
const messageOf = (rule: Rule): string => ((rule.message ?? '') === '' ? `failed rule: ${ruleText(rule)}` : trimSpace(rule.message ?? ''))

const fieldOf = (path: string): string => (path === '' ? '<nil>' : path)
const invalid = (path: string, value: string, detail: string): FieldError => ({
  type: FIELD_ERROR_TYPES.invalid,
  field: fieldOf(path),
  message: `Invalid value: ${goQuote(value)}: ${detail}`,
})

function errorFor(reason: string | undefined, path: string, shown: { readonly value: unknown } | undefined, detail: string): FieldError {
  const field = fieldOf(path)
  const value = shown === undefined ? '' : typeof shown.value === 'string' ? goQuote(shown.value) : JSON.stringify(shown.value)
  switch (reason) {
    case 'FieldValueForbidden':
      return { type: FIELD_ERROR_TYPES.forbidden, field, message: `Forbidden: ${detail}` }
    case 'FieldValueRequired':
      return { type: FIELD_ERROR_TYPES.required, field, message: `Required value: ${detail}` }
    case 'FieldValueDuplicate':
      return { type: FIELD_ERROR_TYPES.duplicate, field, message: value === '' ? 'Duplicate value' : `Duplicate value: ${value}` }
    default:
      return {
        type: FIELD_ERROR_TYPES.invalid,
        field,
        message: value === '' ? `Invalid value: ${detail}` : `Invalid value: ${value}: ${detail}`,
      }
  }
}
