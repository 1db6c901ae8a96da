/** The types of expressions. */
export interface CelType {
  readonly kind: Kind
  readonly name: string
  /** Of lists the element, of maps key and value, of optionals and other abstract types what they are of. */
  readonly params: readonly CelType[]
  /** Null is one of its values (the wrapper messages). */
  readonly nullable?: true
  /** Of objects with named fields: their types, made when they are first asked for. */
  readonly fieldType?: (name: string) => CelType | undefined
}

export type Kind =
  | 'any'
  | 'bool'
  | 'bytes'
  | 'double'
  | 'duration'
  | 'dyn'
  | 'error'
  | 'int'
  | 'list'
  | 'map'
  | 'null'
  | 'opaque'
  | 'param'
  | 'string'
  | 'struct'
  | 'timestamp'
  | 'type'
  | 'uint'

const simple = (kind: Kind, name: string): CelType => ({ kind, name, params: [] })

export const TYPES = {
  any: simple('any', 'google.protobuf.Any'),
  bool: simple('bool', 'bool'),
  bytes: simple('bytes', 'bytes'),
  double: simple('double', 'double'),
  duration: simple('duration', 'google.protobuf.Duration'),
  dyn: simple('dyn', 'dyn'),
  error: simple('error', '!error!'),
  int: simple('int', 'int'),
  null: simple('null', 'null_type'),
  string: simple('string', 'string'),
  timestamp: simple('timestamp', 'google.protobuf.Timestamp'),
  type: simple('type', 'type'),
  uint: simple('uint', 'uint'),
} as const

export const listType = (element: CelType): CelType => ({ kind: 'list', name: 'list', params: [element] })
export const mapType = (key: CelType, value: CelType): CelType => ({ kind: 'map', name: 'map', params: [key, value] })
export const optionalType = (of: CelType): CelType => ({ kind: 'opaque', name: 'optional_type', params: [of] })
export const typeType = (of: CelType): CelType => ({ kind: 'type', name: 'type', params: [of] })
export const typeParam = (name: string): CelType => ({ kind: 'param', name, params: [] })
export const opaqueType = (name: string, ...params: CelType[]): CelType => ({ kind: 'opaque', name, params })
export const structType = (name: string, fieldType: (name: string) => CelType | undefined): CelType => ({
  kind: 'struct',
  name,
  params: [],
  fieldType,
})

export const isDyn = ({ kind }: CelType): boolean => kind === 'dyn' || kind === 'any'
export const isDynOrError = (type: CelType): boolean => isDyn(type) || type.kind === 'error'
export const isOptional = (type: CelType): boolean => type.kind === 'opaque' && type.name === 'optional_type'
/** What an optional is of; undefined when it is none. */
export const optionalOf = (type: CelType): CelType | undefined => (isOptional(type) ? type.params[0] : undefined)

/** As messages write it. */
export function typeText(type: CelType): string {
  if (type.kind === 'any' || type.kind === 'duration' || type.kind === 'timestamp' || type.kind === 'null') return type.kind
  if (type.nullable === true) return `wrapper(${type.name})`
  return type.params.length === 0 ? type.name : `${type.name}(${type.params.map(typeText).join(', ')})`
}

/** Its full name: as values of it call themselves. */
export function typeName(type: CelType): string {
  if (type.nullable === true) return `wrapper(${type.name})`
  return type.params.length === 0 ? type.name : `${type.name}(${type.params.map(typeName).join(', ')})`
}

export function sameType(a: CelType, b: CelType): boolean {
  if (a === b) return true
  return (
    a.kind === b.kind &&
    a.name === b.name &&
    a.nullable === b.nullable &&
    a.params.length === b.params.length &&
    a.params.every((param, i) => sameType(param, b.params[i] as CelType))
  )
}

/** The same up to the names of type parameters and to whether null is a value. */
export function equivalentTypes(a: CelType, b: CelType): boolean {
  return a.kind === b.kind && a.name === b.name && a.params.every((param, i) => equivalentTypes(param, b.params[i] as CelType))
}
