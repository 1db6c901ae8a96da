import { type CelType, isDyn, isDynOrError, listType, mapType, opaqueType, sameType, TYPES, typeType } from './type.ts'

/** What has been learned of type parameters while an expression is checked, by their names. */
export class Bindings {
  #known = new Map<string, CelType>()

  /** Whether a value of `source` may stand where `target` is wanted. What is learned on the way stays only when it may. */
  assign(target: CelType, source: CelType): boolean {
    return this.assignAll([target], [source])
  }
  assignAll(targets: readonly CelType[], sources: readonly CelType[]): boolean {
    const trial = new Map(this.#known)
    if (!fitsAll(trial, targets, sources)) return false
    this.#known = trial
    return true
  }
  /** The type with all that is known put in for its parameters; those that are not known stay, or become dyn. */
  resolve(type: CelType, unknownAsDyn = false): CelType {
    return substitute(this.#known, type, unknownAsDyn)
  }
}

type Known = Map<string, CelType>

function fits(known: Known, a: CelType, b: CelType): boolean {
  if (b.kind === 'param') {
    const bound = bind(known, a, b)
    if (bound !== 'unbound') return bound === 'fits'
  }
  if (a.kind === 'param') return bind(known, b, a) === 'fits'
  if (isDynOrError(a) || isDynOrError(b)) return true
  if (a.kind === 'null') return mayBeNull(b)
  if (b.kind === 'null') return mayBeNull(a)
  switch (a.kind) {
    case 'type':
      return b.kind === 'type'
    case 'opaque':
    case 'list':
    case 'map':
      return a.kind === b.kind && a.name === b.name && fitsAll(known, a.params, b.params)
    default:
      return a.kind === b.kind && a.name === b.name
  }
}

function fitsAll(known: Known, as: readonly CelType[], bs: readonly CelType[]): boolean {
  return as.length === bs.length && as.every((a, i) => fits(known, a, bs[i] as CelType))
}

/** `unbound`: the parameter could not take the type, and had none before. */
function bind(known: Known, type: CelType, param: CelType): 'fits' | 'conflicts' | 'unbound' {
  if (type.kind === 'param' && type.name === param.name) return 'fits'
  const before = known.get(param.name)
  if (before !== undefined) {
    if (sameType(type, before)) return 'fits'
    if (!fits(known, type, before)) return 'conflicts'
    const wider = mostGeneral(type, before)
    if (!refersTo(known, param, wider)) known.set(param.name, wider)
    return 'fits'
  }
  if (refersTo(known, param, type)) return 'unbound'
  known.set(param.name, type)
  return 'fits'
}

function mayBeNull(type: CelType): boolean {
  return type.kind === 'null' || type.nullable === true || NULLABLE.has(type.kind)
}
const NULLABLE: ReadonlySet<CelType['kind']> = new Set(['opaque', 'struct', 'any', 'duration', 'timestamp'])

export function mostGeneral(a: CelType, b: CelType): CelType {
  return isLessSpecific(a, b) ? a : b
}

function isLessSpecific(a: CelType, b: CelType): boolean {
  if (isDyn(a) || a.kind === 'param') return true
  if (isDyn(b) || b.kind === 'param' || a.kind !== b.kind) return false
  switch (a.kind) {
    case 'type':
      return true
    case 'opaque':
    case 'list':
    case 'map':
      return (
        a.name === b.name &&
        a.params.length === b.params.length &&
        a.params.every((param, i) => isLessSpecific(param, b.params[i] as CelType))
      )
    default:
      return sameType(a, b)
  }
}

/** Whether a type contains a parameter, by itself or through what is known: such a binding would never end. */
function refersTo(known: Known, param: CelType, type: CelType): boolean {
  if (type.kind === 'param') {
    if (type.name === param.name) return true
    const bound = known.get(type.name)
    return bound !== undefined && refersTo(known, param, bound)
  }
  return type.params.some((inner) => refersTo(known, param, inner))
}

function substitute(known: Known, type: CelType, unknownAsDyn: boolean): CelType {
  if (type.kind === 'param') {
    const bound = known.get(type.name)
    if (bound !== undefined) return substitute(known, bound, unknownAsDyn)
    return unknownAsDyn ? TYPES.dyn : type
  }
  const [first, second] = type.params
  if (first === undefined) return type
  switch (type.kind) {
    case 'list':
      return listType(substitute(known, first, unknownAsDyn))
    case 'map':
      return mapType(substitute(known, first, unknownAsDyn), substitute(known, second as CelType, unknownAsDyn))
    case 'type':
      return typeType(substitute(known, first, unknownAsDyn))
    default:
      return opaqueType(type.name, ...type.params.map((param) => substitute(known, param, unknownAsDyn)))
  }
}
