import { type CallCost, callCost, resultCost } from '../cost/actual.ts'
import type { Overload } from '../types/functions.ts'
import type { CelType } from '../types/type.ts'
import { isDynOrError } from '../types/type.ts'
import { CelError, NO_OVERLOAD } from '../values/error.ts'
import { typeNameOf } from '../values/types.ts'
import type { Outcome, Value } from '../values/value.ts'
import type { Frame, Step } from './frame.ts'
import { type Guard, guardOf } from './guards.ts'

interface Form {
  readonly cost: CallCost
  readonly run: (...args: never[]) => Outcome
  /** One for each argument that must be looked at; empty when checking has shown that all fit. */
  readonly guards: readonly (Guard | undefined)[]
}

/** A call whose arguments are all evaluated first. The first form that the arguments fit is the one. */
export function planCall(name: string, overloads: readonly Overload[], args: readonly Step[], argTypes: readonly CelType[]): Step {
  const isDynamic = overloads.length > 1 || argTypes.some(mayBeAnything)
  const forms = overloads.map((overload) => formOf(overload, isDynamic))
  const afterwards = resultCost(name)
  const none = (values: readonly Value[]): CelError => noForm(name, values)
  const run = (frame: Frame, values: readonly Value[]): Outcome => {
    const form = forms.find(({ guards }) => guards.every((guard, i) => guard === undefined || guard(values[i] as Value)))
    if (form === undefined) {
      frame.spend(1)
      return none(values)
    }
    if (afterwards === undefined) frame.spend(form.cost(values, frame.limit))
    const result = (form.run as (...all: readonly Value[]) => Outcome)(...values)
    if (afterwards !== undefined) frame.spend(afterwards(result))
    return result
  }
  const [only] = forms
  const [a, b] = args
  if (forms.length === 1 && only !== undefined && only.guards.length === 0 && afterwards === undefined) {
    if (args.length === 1 && a !== undefined) return unary(only, a)
    if (args.length === 2 && a !== undefined && b !== undefined) return binary(only, a, b)
  }
  return (frame) => {
    const values: Value[] = []
    for (const arg of args) {
      const value = arg(frame)
      if (value instanceof CelError) return value
      values.push(value)
    }
    return run(frame, values)
  }
}

const ORDERED = ['bool', 'bytes', 'double', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'int', 'string', 'uint']
/** What these do is a property of the first value: without it the function is named, with it the second value is to blame, and nothing is. */
const ABLE: Readonly<Record<string, readonly string[]>> = {
  '_<_': ORDERED,
  '_<=_': ORDERED,
  '_>_': ORDERED,
  '_>=_': ORDERED,
  '_+_': ['bytes', 'double', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'int', 'list', 'string', 'uint'],
  '_-_': ['double', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'int', 'uint'],
  '_*_': ['double', 'int', 'uint'],
  '_/_': ['double', 'int', 'uint'],
  '_%_': ['int', 'uint'],
  '-_': ['bool', 'double', 'google.protobuf.Duration', 'int'],
  '!_': ['bool', 'double', 'google.protobuf.Duration', 'int'],
  size: ['bytes', 'list', 'map', 'string'],
  matches: ['string'],
}

function noForm(name: string, values: readonly Value[]): CelError {
  const able = ABLE[name]
  if (able !== undefined) return able.includes(typeNameOf(values[0] as Value)) ? NO_OVERLOAD : new CelError(`no such overload: ${name}`)
  return /^[_!@-]/.test(name) ? NO_OVERLOAD : new CelError(`no such overload: ${name}(${values.map(typeNameOf).join(', ')})`)
}

function unary({ cost, run }: Form, a: Step): Step {
  const apply = run as unknown as (x: Value) => Outcome
  return (frame) => {
    const x = a(frame)
    if (x instanceof CelError) return x
    frame.spend(cost([x], frame.limit))
    return apply(x)
  }
}

function binary({ cost, run }: Form, a: Step, b: Step): Step {
  const apply = run as unknown as (x: Value, y: Value) => Outcome
  return (frame) => {
    const x = a(frame)
    if (x instanceof CelError) return x
    const y = b(frame)
    if (y instanceof CelError) return y
    frame.spend(cost([x, y], frame.limit))
    return apply(x, y)
  }
}

function formOf({ name, id, signature, run }: Overload, isDynamic: boolean): Form {
  return { cost: callCost(name, id), run, guards: isDynamic ? signature.params.map(guardOf) : [] }
}

/** Elements of lists are looked at where they are used: only the outermost type counts, but inside of optionals. */
function mayBeAnything(type: CelType): boolean {
  return isDynOrError(type) || type.nullable === true || (type.kind === 'opaque' && type.params.some(mayBeAnything))
}
