import { bindMacro, type MacroTable, macroKey, standardMacros } from '../syntax/macros.ts'
import type { Environment } from '../types/environment.ts'
import { Functions, type Library } from '../types/functions.ts'
import { type CelType, listType, mapType, structType, TYPES } from '../types/type.ts'
import { ArrayList, HashMap } from '../values/containers.ts'
import { Double, type Int, Uint } from '../values/numbers.ts'
import type { Outcome, Value } from '../values/value.ts'
import { conversions } from './conversions.ts'
import { lists } from './lists.ts'
import { operators } from './operators.ts'
import { optionals } from './optionals.ts'
import { patterns } from './patterns.ts'
import { sets } from './sets.ts'
import { strings } from './strings.ts'
import { times } from './times.ts'

/** What every environment of the field has: operators, conversions, times, and the extensions for strings, lists, sets and optionals. */
export const standardLibraries: readonly Library[] = [operators, conversions, times, patterns, strings, lists, sets, optionals]

const WRAPPERS: Readonly<Record<string, CelType>> = {
  BoolValue: TYPES.bool,
  BytesValue: TYPES.bytes,
  DoubleValue: TYPES.double,
  FloatValue: TYPES.double,
  Int32Value: TYPES.int,
  Int64Value: TYPES.int,
  StringValue: TYPES.string,
  UInt32Value: TYPES.uint,
  UInt64Value: TYPES.uint,
}
const GOOGLE = 'google.protobuf.'

/** The types that names stand for everywhere. */
export function standardTypes(): ReadonlyMap<string, CelType> {
  const types = new Map<string, CelType>([
    ['bool', TYPES.bool],
    ['bytes', TYPES.bytes],
    ['double', TYPES.double],
    ['int', TYPES.int],
    ['uint', TYPES.uint],
    ['string', TYPES.string],
    ['list', listType(TYPES.dyn)],
    ['map', mapType(TYPES.dyn, TYPES.dyn)],
    ['null_type', TYPES.null],
    ['type', TYPES.type],
    ['duration', TYPES.duration],
    ['timestamp', TYPES.timestamp],
    [`${GOOGLE}Struct`, withFields(mapType(TYPES.string, TYPES.dyn), {})],
    [`${GOOGLE}ListValue`, withFields(listType(TYPES.dyn), {})],
    ['optional_type', { kind: 'opaque', name: 'optional_type', params: [TYPES.dyn] }],
    [`${GOOGLE}Timestamp`, withFields(TYPES.timestamp, { seconds: TYPES.int, nanos: TYPES.int })],
    [`${GOOGLE}Duration`, withFields(TYPES.duration, { seconds: TYPES.int, nanos: TYPES.int })],
  ])
  for (const [name, type] of Object.entries(WRAPPERS))
    types.set(`${GOOGLE}${name}`, { ...withFields(type, { value: type }), nullable: true })
  return types
}

function withFields(type: CelType, fields: Readonly<Record<string, CelType>>): CelType {
  return { ...type, fieldType: structType('', (name) => (Object.hasOwn(fields, name) ? fields[name] : undefined)).fieldType as never }
}

/** What messages of the language become that are plain values: the value inside, or the zero of its type. */
export function wrappedValue(type: CelType, fields: ReadonlyMap<string, Value>): Outcome | undefined {
  if (type.kind === 'map') return new HashMap()
  if (type.kind === 'list') return new ArrayList([])
  if (type.nullable !== true) return undefined
  const value = fields.get('value')
  if (value !== undefined) return value
  const zeros: Readonly<Partial<Record<CelType['kind'], Value>>> = {
    bool: false,
    bytes: new Uint8Array(),
    double: new Double(0),
    int: 0 as Int,
    string: '',
    uint: new Uint(0n),
  }
  return zeros[type.kind]
}

/** The plain language, with `cel.bind`. */
export function standardEnvironment(): Environment {
  const types = standardTypes()
  const macros: MacroTable = new Map([...standardMacros(), [macroKey('bind', 3, true), bindMacro]])
  return {
    functions: new Functions(standardLibraries),
    macros,
    variable: () => undefined,
    typeNamed: (name) => types.get(name),
    strictLiterals: false,
    construct: wrappedValue as NonNullable<Environment['construct']>,
  }
}
