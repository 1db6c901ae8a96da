import { tests as root } from '@bufbuild/cel-spec/testdata/conformance.js'
import { CompileProblem, compile, programOf } from './compile.ts'
import { standardEnvironment } from './library/standard.ts'
import { withVariables } from './types/environment.ts'
import { parseType } from './types/signature.ts'
import { type CelType, listType, mapType, TYPES } from './types/type.ts'
import { ArrayList, HashMap } from './values/containers.ts'
import { CelError } from './values/error.ts'
import { valuesEqual } from './values/equality.ts'
import { Double, Uint } from './values/numbers.ts'
import { Duration, parseDuration, parseTimestamp, Timestamp } from './values/time.ts'
import { type Outcome, TypeValue, type Value } from './values/value.ts'

/** The official conformance data, as JSON of its messages. */
interface WireValue {
  readonly [form: string]: unknown
}
export interface ConformanceTest {
  readonly name: string
  readonly expr: string
  readonly value?: WireValue
  readonly typedResult?: { readonly result?: WireValue }
  readonly evalError?: unknown
  readonly anyEvalErrors?: unknown
  readonly unknown?: unknown
  readonly container?: string
  readonly disableMacros?: boolean
  readonly disableCheck?: boolean
  readonly checkOnly?: boolean
  readonly bindings?: Readonly<Record<string, { readonly value?: WireValue }>>
  readonly typeEnv?: readonly { readonly name: string; readonly ident?: { readonly type: WireValue }; readonly function?: unknown }[]
}
interface Suite {
  readonly name: string
  readonly suites?: readonly Suite[]
  readonly tests?: readonly { readonly original: ConformanceTest }[]
}

export interface Case extends ConformanceTest {
  readonly suite: string
}

export function conformanceCases(): Case[] {
  const cases: Case[] = []
  const walk = (suite: Suite, path: string): void => {
    for (const inner of suite.suites ?? []) walk(inner, path === '' ? inner.name : `${path}/${inner.name}`)
    for (const { original } of suite.tests ?? []) cases.push({ ...original, suite: path })
  }
  walk(root as unknown as Suite, '')
  return cases
}

const BASE = standardEnvironment()

class Unsupported extends Error {}

/** Undefined when it is as it should be; `unsupported` when it is about messages that the API has none of. */
export function runCase(one: Case): string | undefined {
  try {
    return checked(one)
  } catch (reason) {
    if (reason instanceof Unsupported) return 'unsupported'
    throw reason
  }
}

function checked(one: Case): string | undefined {
  if ((one.container ?? '') !== '' || one.disableMacros === true || one.disableCheck === true || one.unknown !== undefined)
    return 'unsupported'
  if (/TestAllTypes|google\.|GlobalEnum|proto\./.test(one.expr)) return 'unsupported'
  const variables: Record<string, CelType> = {}
  const values = new Map<string, Value>()
  for (const { name, ident } of one.typeEnv ?? []) {
    if (ident === undefined) return 'unsupported'
    variables[name] = typeOf(ident.type)
  }
  for (const [name, { value }] of Object.entries(one.bindings ?? {})) {
    if (value === undefined) return 'unsupported'
    values.set(name, valueOf(value))
    variables[name] ??= TYPES.dyn
  }
  const wanted = one.value ?? one.typedResult?.result
  const expression = compile(one.expr, withVariables(BASE, variables))
  const fails = one.evalError !== undefined || one.anyEvalErrors !== undefined
  if (expression instanceof CompileProblem) return fails ? undefined : `does not compile: ${expression.text}`
  if (one.checkOnly === true) return undefined
  const program = programOf(expression)
  if (typeof program === 'string') return fails ? undefined : `is not made ready: ${program}`
  const { outcome } = program.run({ get: (name): Outcome | undefined => values.get(name) }, Number.POSITIVE_INFINITY)
  if (outcome instanceof CelError) return fails ? undefined : `fails: ${outcome.message}`
  if (fails) return 'should fail'
  const expected = wanted === undefined ? true : valueOf(wanted)
  const equal = sameValue(outcome, expected)
  return equal ? undefined : `is ${shown(outcome)} and not ${shown(expected)}`
}

function sameValue(a: Value, b: Value): boolean {
  if (a instanceof Double && b instanceof Double && Number.isNaN(a.value) && Number.isNaN(b.value)) return true
  return valuesEqual(a, b) === true && (a === null || b === null || a.constructor === b.constructor || typeof a === 'object')
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner))
}

function valueOf(wire: WireValue): Value {
  const [form, content] = Object.entries(wire)[0] ?? []
  switch (form) {
    case 'int64Value': {
      const big = BigInt(content as string)
      return Number.isSafeInteger(Number(big)) ? Number(big) : big
    }
    case 'uint64Value':
      return new Uint(BigInt(content as string))
    case 'doubleValue':
      return new Double(
        Number(content === 'Infinity' ? Number.POSITIVE_INFINITY : content === '-Infinity' ? Number.NEGATIVE_INFINITY : content),
      )
    case 'boolValue':
    case 'stringValue':
      return content as boolean | string
    case 'bytesValue':
      return Uint8Array.fromBase64(content as string)
    case 'nullValue':
      return null
    case 'typeValue':
      return new TypeValue(content as string)
    case 'listValue':
      return new ArrayList(((content as { values?: WireValue[] }).values ?? []).map(valueOf))
    case 'mapValue': {
      const map = new HashMap()
      for (const { key, value } of (content as { entries?: { key: WireValue; value: WireValue }[] }).entries ?? [])
        map.insert(valueOf(key), valueOf(value))
      return map
    }
    case 'objectValue':
      return objectOf(content as WireValue)
    default:
      throw new Unsupported()
  }
}

function objectOf(content: WireValue): Value {
  const type = String(content['@type'])
  const made = type.endsWith('google.protobuf.Timestamp')
    ? parseTimestamp(String(content['value']))
    : type.endsWith('google.protobuf.Duration')
      ? parseDuration(String(content['value']))
      : undefined
  if (made instanceof Timestamp || made instanceof Duration) return made
  throw new Unsupported()
}

const PRIMITIVES: Readonly<Record<string, CelType>> = {
  BOOL: TYPES.bool,
  INT64: TYPES.int,
  UINT64: TYPES.uint,
  DOUBLE: TYPES.double,
  STRING: TYPES.string,
  BYTES: TYPES.bytes,
}

function typeOf(wire: WireValue): CelType {
  const [form, content] = Object.entries(wire)[0] ?? []
  switch (form) {
    case 'primitive':
      return PRIMITIVES[String(content)] ?? TYPES.dyn
    case 'wellKnown':
      return parseType(String(content).toLowerCase())
    case 'listType':
      return listType(typeOf((content as { elemType: WireValue }).elemType))
    case 'mapType': {
      const { keyType, valueType } = content as { keyType: WireValue; valueType: WireValue }
      return mapType(typeOf(keyType), typeOf(valueType))
    }
    case 'dyn':
      return TYPES.dyn
    default:
      throw new Unsupported()
  }
}
