import type { Checked } from '../check/check.ts'
import { ACCUMULATOR, type Call, type Comprehension, type Expr, OPERATORS } from '../syntax/ast.ts'
import { codePointLength } from '../syntax/issues.ts'
import type { CelType } from '../types/type.ts'
import { estimateCall } from './call-estimates.ts'
import { COST } from './factors.ts'
import {
  add,
  type Argument,
  type Estimate,
  type SizeOfPath,
  ENDLESS,
  exactly,
  multiply,
  NOTHING,
  union,
  UNKNOWN_SIZE,
} from './estimates.ts'

/** What evaluating an expression may cost. */
export function estimateCost(checked: Checked, sizeOfPath: SizeOfPath): Estimate {
  return new Estimator(checked, sizeOfPath).cost(checked.expr)
}

/** Of a list or map: how large its keys and its values are. */
interface EntrySizes {
  readonly isList: boolean
  readonly key: Estimate
  readonly value: Estimate
}
interface Local {
  readonly path: readonly string[] | undefined
  readonly size: Estimate | undefined
  readonly entries: EntrySizes | undefined
}

class Estimator {
  readonly #checked: Checked
  readonly #sizeOfPath: SizeOfPath
  readonly #paths = new Map<Expr, readonly string[]>()
  readonly #sizes = new Map<Expr, Estimate>()
  readonly #entries = new Map<Expr, EntrySizes>()
  readonly #locals = new Map<string, Local[]>()

  constructor(checked: Checked, sizeOfPath: SizeOfPath) {
    this.#checked = checked
    this.#sizeOfPath = sizeOfPath
  }

  cost(expr: Expr): Estimate {
    switch (expr.kind) {
      case 'literal':
      case 'broken':
        return NOTHING
      case 'ident':
        return this.#ident(expr, expr.name)
      case 'select':
        return this.#select(expr)
      case 'call':
        return this.#call(expr)
      case 'list':
        return this.#list(expr)
      case 'map':
        return this.#map(expr)
      case 'struct':
        return add(exactly(COST.struct), ...expr.fields.map(({ value }) => this.cost(value)))
      case 'comprehension':
        return isName(expr) ? this.#bind(expr) : this.#comprehension(expr)
    }
  }

  #ident(expr: Expr, name: string): Estimate {
    this.#paths.set(expr, this.#local(name)?.path ?? [name])
    return exactly(COST.select)
  }

  #select(expr: Expr & { kind: 'select' }): Estimate {
    const name = this.#checked.nameOf(expr)
    if (name !== undefined) return this.#ident(expr, name)
    const operand = this.cost(expr.operand)
    if (expr.testOnly) return operand
    const { kind } = this.#checked.typeOf(expr.operand)
    this.#paths.set(expr, this.#below(expr.operand, expr.field))
    return kind === 'map' || kind === 'struct' ? add(operand, exactly(COST.select)) : operand
  }

  #list(expr: Expr & { kind: 'list' }): Estimate {
    let total = exactly(COST.list)
    let value: Estimate = { min: expr.elements.length === 0 ? 0 : ENDLESS, max: 0 }
    for (const element of expr.elements) {
      total = add(total, this.cost(element.value))
      value = union(value, this.sizeOrUnknown(element.value))
    }
    this.#entries.set(expr, { isList: true, key: exactly(1), value })
    return total
  }

  #map(expr: Expr & { kind: 'map' }): Estimate {
    let total = exactly(COST.map)
    const empty: Estimate = { min: expr.entries.length === 0 ? 0 : ENDLESS, max: 0 }
    let [keys, values] = [empty, empty]
    for (const { key, value } of expr.entries) {
      total = add(total, this.cost(key), this.cost(value))
      keys = union(keys, this.sizeOrUnknown(key))
      values = union(values, this.sizeOrUnknown(value))
    }
    this.#entries.set(expr, { isList: false, key: keys, value: values })
    return total
  }

  #call(expr: Call): Estimate {
    if (expr.name === 'dyn' && expr.target === undefined) return this.#dyn(expr)
    const costs = expr.args.map((arg) => this.cost(arg))
    const args = expr.args.map((arg) => this.#argument(arg))
    const isNamespaced = this.#checked.isNamespaced(expr)
    const overloads = this.#checked.overloadsOf(expr)
    const name = overloads[0]?.name ?? expr.name
    if (overloads.length === 0 && name !== OPERATORS.optSelect) return NOTHING
    const targetCost = expr.target === undefined || isNamespaced ? NOTHING : this.cost(expr.target)
    const target = expr.target === undefined || isNamespaced ? undefined : this.#argument(expr.target)
    let cost: Estimate = { min: ENDLESS, max: 0 }
    let size: Estimate | undefined
    for (const { id } of overloads) {
      const estimate = this.#form(expr, name, id, target, args, costs)
      cost = union(cost, estimate.cost)
      if (estimate.size !== undefined) size = size === undefined ? estimate.size : union(size, estimate.size)
      const [container] = expr.args
      if (container !== undefined && (id === 'index_list' || id === 'index_map')) {
        size = this.#entriesOf(container)?.value
        this.#paths.set(expr, this.#below(container, id === 'index_list' ? '@items' : '@values'))
      }
      size ??= this.sizeOf(expr)
    }
    if (size !== undefined) this.#sizes.set(expr, size)
    return add(targetCost, cost)
  }

  #dyn(expr: Call): Estimate {
    const [arg] = expr.args
    if (arg === undefined) return NOTHING
    const cost = add(exactly(COST.call), this.cost(arg))
    this.#copySizes(expr, arg)
    return cost
  }

  #form(
    expr: Expr,
    name: string,
    id: string,
    target: Argument | undefined,
    args: readonly Argument[],
    costs: readonly Estimate[],
  ): { readonly cost: Estimate; readonly size?: Estimate } {
    const all = add(...costs)
    const [first = NOTHING, second = NOTHING, third = NOTHING] = costs
    if (id === 'logical_and' || id === 'logical_or') return { cost: { min: first.min, max: add(first, second).max } }
    if (id === 'conditional') {
      const [, yes, no] = args
      const entries = this.#unionOfEntries(yes?.expr, no?.expr)
      if (entries !== undefined) this.#entries.set(expr, entries)
      return { cost: add(first, union(second, third)), size: union(yes?.size ?? UNKNOWN_SIZE, no?.size ?? UNKNOWN_SIZE) }
    }
    if (id === 'add_list' || id === 'add_string' || id === 'add_bytes') {
      const entries = this.#unionOfEntries(args[0]?.expr, args[1]?.expr)
      if (entries !== undefined) this.#entries.set(expr, entries)
    }
    const { cost, size } = estimateCall(name, id, target, args, (argument) => this.#sizeOfArgument(argument), this.#sizeOfPath)
    return size === undefined ? { cost: add(cost, all) } : { cost: add(cost, all), size }
  }

  #comprehension(expr: Comprehension): Estimate {
    const before = add(this.cost(expr.range), this.cost(expr.init))
    this.#push(expr.accumulator, { path: this.#pathOf(expr.init), size: this.sizeOf(expr.init), entries: this.#entriesOf(expr.init) })
    const entries = this.#entriesOf(expr.range)
    const isList = entries?.isList ?? this.#checked.typeOf(expr.range).kind === 'list'
    const below = (name: string, size: Estimate | undefined): Local => ({ path: this.#below(expr.range, name), size, entries: undefined })
    if (expr.second === undefined) {
      this.#push(expr.variable, isList ? below('@items', entries?.value) : below('@keys', entries?.key))
    } else {
      this.#push(expr.variable, below(isList ? '@indices' : '@keys', entries?.key))
      this.#push(expr.second, below(isList ? '@items' : '@values', entries?.value))
    }
    const condition = this.cost(expr.condition)
    const step = this.cost(expr.step)
    this.#pop(expr.variable)
    if (expr.second !== undefined) this.#pop(expr.second)
    const result = this.cost(expr.result)
    this.#pop(expr.accumulator)
    const count = this.sizeOrUnknown(expr.range)
    if (expr.init.kind === 'literal') {
      const size = this.sizeOf(expr.init)
      if (size !== undefined) this.#sizes.set(expr, size)
    } else if (expr.init.kind === 'list' || expr.init.kind === 'map') {
      this.#sizes.set(expr, count)
      const grown = this.#entriesOf(expr.step)
      if (grown !== undefined) this.#entries.set(expr, grown)
    }
    return add(before, result, multiply(count, add(step, condition)))
  }

  #bind(expr: Comprehension): Estimate {
    const before = add(this.cost(expr.range), this.cost(expr.init))
    this.#push(expr.accumulator, { path: this.#pathOf(expr.init), size: this.sizeOf(expr.init), entries: this.#entriesOf(expr.init) })
    const result = this.cost(expr.result)
    this.#pop(expr.accumulator)
    this.#copySizes(expr, expr.result)
    return add(before, result)
  }

  // --- sizes

  sizeOf(expr: Expr): Estimate | undefined {
    const known = this.#sizes.get(expr) ?? literalSize(expr)
    if (known !== undefined) return known
    const path = this.#pathOf(expr)
    const declared = path === undefined ? undefined : this.#sizeOfPath(path)
    if (declared !== undefined) {
      this.#sizes.set(expr, declared)
      return declared
    }
    if (isScalar(this.#checked.typeOf(expr))) return exactly(1)
    return expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined
  }
  sizeOrUnknown(expr: Expr): Estimate {
    return this.sizeOf(expr) ?? UNKNOWN_SIZE
  }
  #argument(expr: Expr): Argument {
    const path = this.#pathOf(expr)
    return {
      expr,
      type: this.#checked.typeOf(expr),
      path: path?.[0] === ACCUMULATOR ? undefined : path,
      size: this.sizeOf(expr),
    }
  }
  #sizeOfArgument({ size, path }: Argument): Estimate {
    return size ?? (path === undefined ? undefined : this.#sizeOfPath(path)) ?? UNKNOWN_SIZE
  }
  #entriesOf(expr: Expr): EntrySizes | undefined {
    return this.#entries.get(expr) ?? (expr.kind === 'ident' ? this.#local(expr.name)?.entries : undefined)
  }
  #unionOfEntries(a: Expr | undefined, b: Expr | undefined): EntrySizes | undefined {
    const x = a === undefined ? undefined : this.#entriesOf(a)
    const y = b === undefined ? undefined : this.#entriesOf(b)
    return x === undefined || y === undefined ? undefined : { isList: x.isList, key: union(x.key, y.key), value: union(x.value, y.value) }
  }
  #copySizes(to: Expr, from: Expr): void {
    const size = this.sizeOf(from)
    const entries = this.#entriesOf(from)
    if (size !== undefined) this.#sizes.set(to, size)
    if (entries !== undefined) this.#entries.set(to, entries)
  }

  // --- names

  #pathOf(expr: Expr): readonly string[] | undefined {
    if (expr.kind === 'ident') {
      const local = this.#local(expr.name)
      if (local !== undefined) return local.path
    }
    return this.#paths.get(expr)
  }
  /** A part of a value. Of one without a path, such as the result of a choice, Kubernetes takes the size of `self`: definitions that are in use count on it. */
  #below(expr: Expr, part: string): readonly string[] {
    return [...(this.#pathOf(expr) ?? []), part]
  }
  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1)
  }
  #push(name: string, local: Local): void {
    const stack = this.#locals.get(name) ?? []
    stack.push(local)
    this.#locals.set(name, stack)
  }
  #pop(name: string): void {
    this.#locals.get(name)?.pop()
  }
}

/** A loop over nothing, which gives a value a name. */
function isName({ range, condition, accumulator }: Comprehension): boolean {
  return (
    range.kind === 'list' &&
    range.elements.length === 0 &&
    condition.kind === 'literal' &&
    condition.value === false &&
    accumulator !== ACCUMULATOR
  )
}

function literalSize(expr: Expr): Estimate | undefined {
  if (expr.kind === 'list') return exactly(expr.elements.length)
  if (expr.kind === 'map') return exactly(expr.entries.length)
  if (expr.kind !== 'literal') return undefined
  if (typeof expr.value === 'string') return exactly(codePointLength(expr.value))
  return exactly(expr.value instanceof Uint8Array ? expr.value.length : 1)
}

const SCALARS: ReadonlySet<CelType['kind']> = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint'])

function isScalar(type: CelType): boolean {
  if (type.kind === 'opaque' && type.name === 'optional_type' && type.params[0] !== undefined) return isScalar(type.params[0])
  return SCALARS.has(type.kind)
}
