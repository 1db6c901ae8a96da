import type { Checked } from '../check/check.ts'
import { COST } from '../cost/factors.ts'
import { CONVERSIONS } from '../library/conversions.ts'
import { compiledPattern } from '../library/patterns.ts'
import { callCost } from '../cost/actual.ts'
import { type Call, type Expr, OPERATORS } from '../syntax/ast.ts'
import type { Environment } from '../types/environment.ts'
import { ArrayList, HashMap } from '../values/containers.ts'
import { CelError, NO_OVERLOAD } from '../values/error.ts'
import { Optional, type Outcome, TypeValue, type Value } from '../values/value.ts'
import { planCall } from './calls.ts'
import { CostExceeded, Frame, type Step, type Variables } from './frame.ts'
import { appendStep, insertStep, type LoopSteps, loop } from './loop.ts'
import { conditional, logic, notStrictlyFalse, optionalOr } from './logic.ts'
import { has, index, optionalField, optionalIndex, select } from './select.ts'

/** What an evaluation has come to. `exceeded`: it was ended because it cost more than it may; the outcome then says so. */
export interface Evaluation {
  readonly outcome: Outcome
  readonly cost: number
  readonly exceeded: boolean
}

/** An expression that is ready to be evaluated, any number of times. */
export interface Program {
  run(variables: Variables, limit: number): Evaluation
}

const EXCEEDED = new CelError('operation cancelled: actual cost limit exceeded')

/** Makes a checked expression ready. A CelError: something that can be seen beforehand will always fail. */
export function plan(checked: Checked, environment: Environment): Program | CelError {
  const planner = new Planner(checked, environment)
  const step = planner.plan(checked.expr)
  if (planner.problem !== undefined) return planner.problem
  return {
    run(variables, limit) {
      const frame = new Frame(variables, planner.locals, limit)
      try {
        return { outcome: step(frame), cost: frame.cost, exceeded: false }
      } catch (error) {
        if (error instanceof CostExceeded) return { outcome: EXCEEDED, cost: frame.cost, exceeded: true }
        if (error instanceof RangeError)
          return { outcome: new CelError('evaluation is nested too deeply'), cost: frame.cost, exceeded: false }
        throw error
      }
    },
  }
}

interface Planned extends Step {
  /** Known beforehand, and free. */
  readonly constant?: Value
}

function constant(value: Value): Planned {
  return Object.assign((): Outcome => value, { constant: value })
}

class Planner {
  locals = 0
  problem: CelError | undefined
  readonly #checked: Checked
  readonly #environment: Environment
  readonly #scopes: Map<string, number>[] = []

  constructor(checked: Checked, environment: Environment) {
    this.#checked = checked
    this.#environment = environment
  }

  plan(expr: Expr): Planned {
    switch (expr.kind) {
      case 'literal':
        return constant(expr.value)
      case 'ident':
        return this.#name(this.#checked.nameOf(expr) ?? expr.name)
      case 'select':
        return this.#select(expr)
      case 'call':
        return this.#call(expr)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'struct':
        return this.#struct(expr)
      case 'comprehension':
        return this.#comprehension(expr)
      case 'broken':
        return () => new CelError('expression is broken')
    }
  }

  #name(name: string): Planned {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const slot = this.#scopes[i]?.get(name)
      if (slot === undefined) continue
      return (frame) => {
        frame.spend(COST.select)
        return frame.locals[slot] as Outcome
      }
    }
    const plain = name.startsWith('.') ? name.slice(1) : name
    const type = this.#environment.variable(plain) === undefined ? this.#environment.typeNamed(plain) : undefined
    if (type !== undefined) {
      const value = new TypeValue(type.name)
      return (frame) => {
        frame.spend(COST.select)
        return value
      }
    }
    const missing = new CelError(`no such attribute(s): ${plain}`)
    return (frame) => {
      frame.spend(COST.select)
      const value = frame.variables.get(plain)
      return value === undefined ? missing : value
    }
  }

  #select(expr: Expr & { kind: 'select' }): Planned {
    const name = this.#checked.nameOf(expr)
    if (name !== undefined) return this.#name(name)
    const operand = this.plan(expr.operand)
    const { field } = expr
    if (expr.testOnly) return (frame) => has(operand(frame), field)
    return (frame) => {
      const value = operand(frame)
      frame.spend(COST.select)
      return select(value, field)
    }
  }

  #call(expr: Call): Planned {
    const [a, b, c] = expr.args
    switch (expr.target === undefined ? expr.name : '') {
      case OPERATORS.and:
        return logic(this.plan(a as Expr), this.plan(b as Expr), false)
      case OPERATORS.or:
        return logic(this.plan(a as Expr), this.plan(b as Expr), true)
      case OPERATORS.conditional:
        return conditional(this.plan(a as Expr), this.plan(b as Expr), this.plan(c as Expr))
      case OPERATORS.notStrictlyFalse:
        return notStrictlyFalse(this.plan(a as Expr))
      case OPERATORS.optSelect:
        return this.#optionalSelect(a as Expr, b as Expr)
      case OPERATORS.index:
        return this.#index(a as Expr, b as Expr, index)
      case OPERATORS.optIndex:
        return this.#index(a as Expr, b as Expr, optionalIndex)
    }
    const overloads = this.#checked.overloadsOf(expr)
    if (expr.target !== undefined && a !== undefined && overloads.some(({ id }) => OPTIONAL_CHOICES.has(id)))
      return optionalOr(this.plan(expr.target), this.plan(a), expr.name === 'orValue')
    return this.#plainCall(expr, overloads)
  }

  #plainCall(expr: Call, overloads: ReturnType<Checked['overloadsOf']>): Planned {
    const isNamespaced = expr.target === undefined || this.#checked.isNamespaced(expr)
    const parts = isNamespaced ? expr.args : [expr.target as Expr, ...expr.args]
    const steps = parts.map((part) => this.plan(part))
    const name = overloads[0]?.name ?? expr.name
    const [first, second] = steps
    if (parts.length === 1 && CONVERSIONS.has(name) && first?.constant !== undefined) return this.#folded(expr, overloads, first)
    if (name === OPERATORS.in && second?.constant instanceof ArrayList && first !== undefined) {
      const member = membership(first, second.constant)
      if (member !== undefined) return member
    }
    if (typeof second?.constant === 'string' && first !== undefined) {
      const matched = this.#withPattern(name, overloads[0]?.id ?? '', second.constant, steps)
      if (matched !== undefined) return matched
    }
    return planCall(
      name,
      overloads,
      steps,
      parts.map((part) => this.#checked.typeOf(part)),
    )
  }

  /** A conversion of what is known is known. */
  #folded(expr: Call, overloads: ReturnType<Checked['overloadsOf']>, argument: Planned): Planned {
    const name = overloads[0]?.name ?? expr.name
    const types = expr.args.map((arg) => this.#checked.typeOf(arg))
    const value = planCall(name, overloads, [argument], types)(new Frame(NO_VARIABLES, 0, Number.POSITIVE_INFINITY))
    if (!(value instanceof CelError)) return constant(value)
    this.problem ??= value
    return () => value
  }

  #withPattern(name: string, form: string, pattern: string, steps: readonly Planned[]): Planned | undefined {
    const run = compiledPattern(name, pattern)
    if (run === undefined) return undefined
    if (run instanceof CelError) {
      this.problem ??= run
      return () => run
    }
    const cost = callCost(name, form)
    const [text, , limit] = steps
    return (frame) => {
      const value = text?.(frame)
      if (value instanceof CelError) return value
      const most = limit?.(frame)
      if (most instanceof CelError) return most
      if (typeof value !== 'string') return NO_OVERLOAD
      frame.spend(cost([value, pattern], frame.limit))
      return typeof most === 'number' || typeof most === 'bigint' ? run(value, most) : run(value)
    }
  }

  #optionalSelect(operand: Expr, field: Expr): Planned {
    const step = this.plan(operand)
    const name = field.kind === 'literal' ? String(field.value) : ''
    return (frame) => {
      const value = step(frame)
      frame.spend(COST.select)
      return optionalField(value, name)
    }
  }

  #index(operand: Expr, key: Expr, read: (operand: Value, key: Value) => Outcome): Planned {
    const container = this.plan(operand)
    const place = this.plan(key)
    return (frame) => {
      const value = container(frame)
      if (value instanceof CelError) return value
      const at = place(frame)
      if (at instanceof CelError) return at
      frame.spend(COST.select)
      return read(value, at)
    }
  }

  #list(expr: Expr & { kind: 'list' }): Planned {
    const elements = expr.elements.map(({ value, optional }) => ({ step: this.plan(value), optional }))
    const known = elements.map(({ step, optional }) => (optional ? undefined : step.constant))
    if (!known.includes(undefined)) return constant(new ArrayList(known as Value[]))
    return (frame) => {
      const values: Value[] = []
      for (const { step, optional } of elements) {
        const value = step(frame)
        if (value instanceof CelError) return value
        if (!optional) values.push(value)
        else if (!(value instanceof Optional)) return notOptional()
        else if (value.value !== undefined) values.push(value.value)
      }
      frame.spend(COST.list)
      return new ArrayList(values)
    }
  }

  #map(expr: Expr & { kind: 'map' }): Planned {
    const entries = expr.entries.map(({ key, value, optional }) => ({ key: this.plan(key), value: this.plan(value), optional }))
    const isKnown = entries.every(({ key, value, optional }) => !optional && key.constant !== undefined && value.constant !== undefined)
    const make = (frame: Frame): Outcome => {
      const map = new HashMap()
      for (const { key, value, optional } of entries) {
        const name = key(frame)
        if (name instanceof CelError) return name
        let content = value(frame)
        if (content instanceof CelError) return content
        if (optional) {
          if (!(content instanceof Optional)) return notOptional()
          if (content.value === undefined) continue
          content = content.value
        }
        const problem = map.insert(name, content)
        if (problem !== undefined) return problem
      }
      return map
    }
    if (isKnown && entries.length > 0) {
      const value = make(new Frame(NO_VARIABLES, 0, Number.POSITIVE_INFINITY))
      if (value instanceof CelError) return () => value
      return constant(value)
    }
    return (frame) => {
      frame.spend(COST.map)
      return make(frame)
    }
  }

  #struct(expr: Expr & { kind: 'struct' }): Planned {
    const type = this.#checked.typeOf(expr)
    const fields = expr.fields.map(({ name, value, optional }) => ({ name, step: this.plan(value), optional }))
    const make = this.#environment.construct
    return (frame) => {
      const members = new Map<string, Value>()
      for (const { name, step, optional } of fields) {
        const value = step(frame)
        if (value instanceof CelError) return value
        if (!optional) members.set(name, value)
        else if (!(value instanceof Optional)) return notOptional()
        else if (value.value !== undefined) members.set(name, value.value)
      }
      frame.spend(COST.struct)
      return make?.(type, members) ?? new CelError(`unknown type: ${type.name}`)
    }
  }

  #comprehension(expr: Expr & { kind: 'comprehension' }): Planned {
    const range = this.plan(expr.range)
    const init = this.plan(expr.init)
    const accumulator = this.locals++
    const first = this.locals++
    const second = expr.second === undefined ? undefined : this.locals++
    this.#scopes.push(new Map([[expr.accumulator, accumulator]]))
    this.#scopes.push(new Map([[expr.variable, first], ...(expr.second === undefined ? [] : [[expr.second, second as number] as const])]))
    const condition = this.plan(expr.condition)
    const step = this.#growing(expr, accumulator) ?? this.plan(expr.step)
    this.#scopes.pop()
    const result = this.plan(expr.result)
    this.#scopes.pop()
    const steps: LoopSteps = { range, init, condition, step, result, accumulator, first, second }
    return loop(steps, condition.constant === false && expr.range.kind === 'list' && expr.range.elements.length === 0)
  }

  /** Loops that collect put what they find into one list or map, instead of a new one each time. */
  #growing(expr: Expr & { kind: 'comprehension' }, slot: number): Step | undefined {
    const collects = (node: Call): boolean =>
      node.args[0]?.kind === 'ident' &&
      node.args[0].name === expr.accumulator &&
      ((node.name === OPERATORS.add && expr.init.kind === 'list' && node.args[1]?.kind === 'list') ||
        (node.name === 'cel.@mapInsert' && expr.init.kind === 'map'))
    const { step } = expr
    if (step.kind !== 'call') return undefined
    if (collects(step)) return this.#collect(step, slot)
    if (step.name !== OPERATORS.conditional) return undefined
    const [condition, grown, kept] = step.args
    if (condition === undefined || grown?.kind !== 'call' || kept === undefined || !collects(grown)) return undefined
    return conditional(this.plan(condition), this.#collect(grown, slot), this.plan(kept))
  }

  #collect(call: Call, slot: number): Step {
    if (call.name === 'cel.@mapInsert') {
      const steps = call.args.slice(1).map((arg) => this.plan(arg))
      return insertStep(steps, slot)
    }
    const [, list] = call.args
    const [element] = list?.kind === 'list' ? list.elements : []
    return appendStep(this.plan(element?.value as Expr), slot)
  }
}

const OPTIONAL_CHOICES: ReadonlySet<string> = new Set(['optional_or_optional', 'optional_orValue_value'])
const NO_VARIABLES: Variables = { get: () => undefined }
const notOptional = (): CelError => new CelError('cannot initialize optional entry from a value that is not optional')

/** `x in ['a', 'b']` looks into a set. */
function membership(value: Planned, list: ArrayList): Planned | undefined {
  const isText = list.values.every((item) => typeof item === 'string')
  const isNumber = list.values.every((item) => typeof item === 'number')
  if (!isText && !isNumber) return undefined
  const set = new Set<Value>(list.values)
  return (frame) => {
    const wanted = value(frame)
    if (wanted instanceof CelError) return wanted
    if (isNumber && typeof wanted !== 'number') return list.values.some((item) => Number(item) === numeric(wanted))
    return set.has(wanted)
  }
}
const numeric = (value: Value): number =>
  value !== null && typeof value === 'object' && 'value' in value ? Number(value.value) : Number.NaN
