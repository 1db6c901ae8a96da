import { type Call, type Comprehension, type Expr, OPERATORS, type StructExpr } from '../syntax/ast.ts'
import type { Issue } from '../syntax/issues.ts'
import { Uint } from '../values/numbers.ts'
import { Bindings, mostGeneral } from '../types/assign.ts'
import type { Environment } from '../types/environment.ts'
import type { Overload } from '../types/functions.ts'
import {
  type CelType,
  isDyn,
  isDynOrError,
  listType,
  mapType,
  optionalOf,
  optionalType,
  sameType,
  TYPES,
  typeParam,
  typeText,
} from '../types/type.ts'

/** What checking has found out about the nodes of an expression. */
export interface Checked {
  readonly expr: Expr
  readonly typeOf: (expr: Expr) => CelType
  /** The forms of the function that a call may mean. */
  readonly overloadsOf: (expr: Expr) => readonly Overload[]
  /** The variable or type that a node names: an identifier, or a path of selections that is one name. */
  readonly nameOf: (expr: Expr) => string | undefined
  /** Functions whose names have dots are called without a target. */
  readonly isNamespaced: (expr: Expr) => boolean
  /** Names of variables from outside that are used. */
  readonly variables: ReadonlySet<string>
  readonly issues: readonly Issue[]
}

export function check(expr: Expr, environment: Environment): Checked {
  const checker = new Checker(environment)
  checker.check(expr)
  return {
    expr,
    typeOf: (node) => checker.bindings.resolve(checker.types.get(node) ?? TYPES.error, true),
    overloadsOf: (node) => checker.overloads.get(node) ?? [],
    nameOf: (node) => checker.names.get(node),
    isNamespaced: (node) => checker.namespaced.has(node),
    variables: checker.variables,
    issues: checker.issues,
  }
}

/** `a.b.c` of a chain of selections that begins with an identifier. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name
  if (expr.kind !== 'select' || expr.testOnly) return undefined
  const prefix = qualifiedName(expr.operand)
  return prefix === undefined ? undefined : `${prefix}.${expr.field}`
}

class Checker {
  readonly bindings = new Bindings()
  readonly types = new Map<Expr, CelType>()
  readonly overloads = new Map<Expr, readonly Overload[]>()
  readonly names = new Map<Expr, string>()
  readonly namespaced = new Set<Expr>()
  readonly variables = new Set<string>()
  readonly issues: Issue[] = []
  readonly #environment: Environment
  /** Variables of loops, innermost last. */
  readonly #scopes: Map<string, CelType>[] = []
  #fresh = 0

  constructor(environment: Environment) {
    this.#environment = environment
  }

  check(expr: Expr): CelType {
    const type = this.#typeFor(expr)
    this.types.set(expr, type)
    return type
  }

  #typeFor(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value)
      case 'ident': {
        const type = this.#lookUp(expr, expr.name)
        if (type !== undefined) return type
        this.#tell(expr.at, `undeclared reference to '${expr.name}' (in container '')`)
        return TYPES.error
      }
      case 'select':
        return this.#selectType(expr)
      case 'call':
        return this.#callType(expr)
      case 'list':
        return this.#listExprType(expr.elements)
      case 'map':
        return this.#mapExprType(expr)
      case 'struct':
        return this.#structExprType(expr)
      case 'comprehension':
        return this.#comprehensionType(expr)
      case 'broken':
        return TYPES.error
    }
  }

  /** The type of a name, innermost first. Notes on the node what it names. */
  #lookUp(node: Expr, name: string): CelType | undefined {
    const plain = name.startsWith('.') ? name.slice(1) : name
    if (plain === name) {
      for (let i = this.#scopes.length - 1; i >= 0; i--) {
        const local = this.#scopes[i]?.get(plain)
        if (local === undefined) continue
        this.names.set(node, plain)
        return local
      }
    }
    const variable = this.#environment.variable(plain)
    if (variable !== undefined) {
      this.names.set(node, name === plain ? plain : name)
      this.variables.add(plain)
      return variable
    }
    const type = this.#environment.typeNamed(plain)
    if (type === undefined) return undefined
    this.names.set(node, plain)
    return { kind: 'type', name: 'type', params: [type] }
  }

  #selectType(expr: Expr & { kind: 'select' }): CelType {
    const name = qualifiedName(expr)
    if (name !== undefined && !this.#isLocal(name)) {
      const type = this.#lookUp(expr, name)
      if (type !== undefined) return type
    }
    const type = this.#fieldType(expr, expr.operand, expr.field, false)
    return expr.testOnly ? TYPES.bool : this.bindings.resolve(type)
  }

  /** A loop's variable hides longer names that begin like it. */
  #isLocal(name: string): boolean {
    const [first = ''] = name.split('.')
    return this.#scopes.some((scope) => scope.has(first))
  }

  #fieldType(expr: Expr, operand: Expr, field: string, isOptional: boolean): CelType {
    const operandType = this.bindings.resolve(this.check(operand))
    const inner = optionalOf(operandType)
    const target = inner ?? operandType
    const type = this.#memberType(expr, target, field)
    return inner !== undefined || isOptional ? optionalType(type) : type
  }

  #memberType(expr: Expr, target: CelType, field: string): CelType {
    switch (target.kind) {
      case 'map':
        return target.params[1] as CelType
      case 'struct': {
        const type = target.fieldType?.(field)
        if (type !== undefined) return type
        this.#tell(expr.at, `undefined field '${field}'`)
        return TYPES.error
      }
      case 'param':
        this.bindings.assign(TYPES.dyn, target)
        return TYPES.dyn
      case 'opaque':
        // The types of Kubernetes' libraries are objects for the language, whose fields nobody knows.
        if (target.name.startsWith('kubernetes.')) {
          this.#tell(expr.at, `unexpected failed resolution of '${target.name}'`)
          return TYPES.error
        }
        this.#tell(expr.at, `type '${typeText(target)}' does not support field selection`)
        return TYPES.dyn
      default:
        if (!isDynOrError(target)) this.#tell(expr.at, `type '${typeText(target)}' does not support field selection`)
        return TYPES.dyn
    }
  }

  #callType(expr: Call): CelType {
    if (expr.name === OPERATORS.optSelect && expr.target === undefined) {
      const [operand, field] = expr.args
      if (operand === undefined || field?.kind !== 'literal' || typeof field.value !== 'string') return TYPES.error
      this.overloads.set(expr, this.#environment.functions.named(OPERATORS.optSelect) ?? [])
      return this.bindings.resolve(this.#fieldType(expr, operand, field.value, true))
    }
    for (const arg of expr.args) this.check(arg)
    const { functions } = this.#environment
    const name = expr.name.startsWith('.') ? expr.name.slice(1) : expr.name
    if (expr.target === undefined) return this.#resolve(expr, name, functions.named(name), undefined)
    const prefix = qualifiedName(expr.target)
    const dotted = prefix === undefined ? undefined : functions.named(`${prefix}.${name}`)
    if (dotted !== undefined) {
      this.namespaced.add(expr)
      return this.#resolve(expr, `${prefix}.${name}`, dotted, undefined)
    }
    this.check(expr.target)
    return this.#resolve(expr, name, functions.named(name), expr.target)
  }

  #resolve(expr: Call, name: string, overloads: readonly Overload[] | undefined, target: Expr | undefined): CelType {
    if (overloads === undefined) {
      this.#tell(expr.at, `undeclared reference to '${name}' (in container '')`)
      return TYPES.error
    }
    const args = target === undefined ? expr.args : [target, ...expr.args]
    const argTypes = args.map((arg) => this.types.get(arg) ?? TYPES.error)
    if (name === OPERATORS.and || name === OPERATORS.or) return this.#logicType(expr, overloads, args, argTypes)
    const chosen: Overload[] = []
    let result: CelType | undefined
    for (const overload of overloads) {
      const { signature } = overload
      if (signature.isMember !== (target !== undefined)) continue
      const fresh = new Map(signature.typeParams.map((param) => [param, this.#freshType()]))
      const wanted = signature.params.map((param) => renamed(param, fresh))
      if (!this.bindings.assignAll(argTypes, wanted)) continue
      chosen.push(overload)
      const type = this.bindings.resolve(renamed(signature.result, fresh))
      if (result === undefined) result = type
      else if (!isDyn(result) && !sameType(type, result)) result = TYPES.dyn
    }
    if (result === undefined) {
      const texts = argTypes.map((type) => typeText(this.bindings.resolve(type, true)))
      const shown = target === undefined ? `(${texts.join(', ')})` : `${texts[0]}.(${texts.slice(1).join(', ')})`
      this.#tell(expr.at, `found no matching overload for '${name}' applied to '${shown}'`)
      return TYPES.error
    }
    this.overloads.set(expr, chosen)
    return result
  }

  #logicType(expr: Expr, overloads: readonly Overload[], args: readonly Expr[], types: readonly CelType[]): CelType {
    let isGood = true
    for (const [i, type] of types.entries()) {
      if (this.bindings.assign(type, TYPES.bool)) continue
      this.#tell(args[i]?.at ?? expr.at, `expected type 'bool' but found '${typeText(type)}'`)
      isGood = false
    }
    if (!isGood) return TYPES.error
    this.overloads.set(expr, overloads)
    return TYPES.bool
  }

  #freshType(): CelType {
    return typeParam(`_var${this.#fresh++}`)
  }

  #listExprType(elements: readonly { readonly value: Expr; readonly optional: boolean }[]): CelType {
    let joined: CelType | undefined
    for (const { value, optional } of elements) {
      const type = this.#elementType(value, optional)
      joined = this.#join(joined, type)
    }
    return listType(joined ?? this.#freshType())
  }

  #mapExprType(expr: Expr & { kind: 'map' }): CelType {
    let keys: CelType | undefined
    let values: CelType | undefined
    for (const { key, value, optional } of expr.entries) {
      keys = this.#join(keys, this.check(key))
      values = this.#join(values, this.#elementType(value, optional))
    }
    return mapType(keys ?? this.#freshType(), values ?? this.#freshType())
  }

  /** Of an optional entry what it is of. */
  #elementType(value: Expr, optional: boolean): CelType {
    const type = this.check(value)
    if (!optional) return type
    const inner = optionalOf(type)
    if (inner !== undefined) return inner
    if (!isDyn(type)) this.#tell(value.at, `expected type '${typeText(optionalType(type))}' but found '${typeText(type)}'`)
    return type
  }

  #join(before: CelType | undefined, type: CelType): CelType {
    if (before === undefined) return type
    return this.bindings.assign(before, type) ? mostGeneral(before, type) : TYPES.dyn
  }

  #structExprType(expr: StructExpr): CelType {
    const named = this.#lookUp(expr, expr.typeName)
    if (named === undefined) {
      this.#tell(expr.at, `undeclared reference to '${expr.typeName}' (in container '')`)
      return TYPES.error
    }
    let result: CelType = TYPES.error
    if (named.kind !== 'type') this.#tell(expr.at, `'${typeText(named)}' is not a type`)
    else result = named.params[0] ?? TYPES.dyn
    if (result.kind !== 'error' && result.fieldType === undefined) {
      this.#tell(expr.at, `'${typeText(result)}' is not a message type`)
      result = TYPES.error
    }
    for (const { at, name, value, optional } of expr.fields) {
      const type = this.#elementType(value, optional)
      const field = result.fieldType?.(name)
      if (field === undefined) {
        if (result.kind !== 'error') this.#tell(at, `undefined field '${name}'`)
      } else if (!this.bindings.assign(field, type)) {
        this.#tell(at, `expected type of field '${name}' is '${typeText(field)}' but provided type is '${typeText(type)}'`)
      }
    }
    // Wrapper messages are made with braces, and are then the values inside.
    return result
  }

  #comprehensionType(expr: Comprehension): CelType {
    this.check(expr.range)
    const accumulator = this.check(expr.init)
    const range = this.bindings.resolve(this.types.get(expr.range) ?? TYPES.error)
    const [first, second] = this.#variableTypes(expr, range)
    this.#scopes.push(new Map([[expr.accumulator, accumulator]]))
    this.#scopes.push(new Map([[expr.variable, first], ...(expr.second === undefined ? [] : [[expr.second, second] as const])]))
    this.#assert(expr.condition, TYPES.bool)
    this.#assert(expr.step, accumulator)
    this.#scopes.pop()
    const result = this.check(expr.result)
    this.#scopes.pop()
    return this.bindings.resolve(result)
  }

  #variableTypes(expr: Comprehension, range: CelType): readonly [CelType, CelType] {
    const [key = TYPES.dyn, value = TYPES.dyn] = range.params
    switch (range.kind) {
      case 'list':
        return expr.second === undefined ? [key, TYPES.dyn] : [TYPES.int, key]
      case 'map':
        return [key, value]
      case 'dyn':
      case 'any':
      case 'error':
      case 'param':
        this.bindings.assign(TYPES.dyn, range)
        return [TYPES.dyn, TYPES.dyn]
      default:
        this.#tell(
          expr.range.at,
          `expression of type '${typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        )
        return [TYPES.error, TYPES.error]
    }
  }

  #assert(expr: Expr, wanted: CelType): void {
    const type = this.check(expr)
    if (!this.bindings.assign(wanted, type)) this.#tell(expr.at, `expected type '${typeText(wanted)}' but found '${typeText(type)}'`)
  }

  #tell(at: number, message: string): void {
    this.issues.push({ at, message })
  }
}

function literalType(value: unknown): CelType {
  if (value === null) return TYPES.null
  if (typeof value === 'string') return TYPES.string
  if (typeof value === 'boolean') return TYPES.bool
  if (typeof value === 'number' || typeof value === 'bigint') return TYPES.int
  if (value instanceof Uint8Array) return TYPES.bytes
  return value instanceof Uint ? TYPES.uint : TYPES.double
}

function renamed(type: CelType, names: ReadonlyMap<string, CelType>): CelType {
  if (type.kind === 'param') return names.get(type.name) ?? type
  return type.params.length === 0 ? type : { ...type, params: type.params.map((param) => renamed(param, names)) }
}
