import { GrowingList, HashMap } from '../values/containers.ts'
import { CelError } from '../values/error.ts'
import { typeNameOf } from '../values/types.ts'
import { ListValue, MapValue, type Outcome } from '../values/value.ts'
import { COST } from '../cost/factors.ts'
import type { Frame, Step } from './frame.ts'

export interface LoopSteps {
  readonly range: Step
  readonly init: Step
  readonly condition: Step
  readonly step: Step
  readonly result: Step
  /** Where the frame keeps them. */
  readonly accumulator: number
  readonly first: number
  readonly second: number | undefined
}

/** `isName`: a loop over nothing, which only gives a value a name. */
export function loop(steps: LoopSteps, isName: boolean): Step {
  const { range, init, result, accumulator } = steps
  if (isName) {
    return (frame) => {
      frame.spend(COST.list)
      frame.locals[accumulator] = init(frame)
      return result(frame)
    }
  }
  return (frame) => {
    const over = range(frame)
    if (over instanceof CelError) return over
    const start = init(frame)
    frame.locals[accumulator] = start
    if (over instanceof ListValue) overList(frame, steps, over)
    else if (over instanceof MapValue) overMap(frame, steps, over)
    else return new CelError(`got '${typeNameOf(over)}', expected iterable type`)
    return result(frame)
  }
}

function overList(frame: Frame, { condition, step, accumulator, first, second }: LoopSteps, list: ListValue): void {
  const { size } = list
  for (let i = 0; i < size; i++) {
    if (second === undefined) frame.locals[first] = list.at(i)
    else {
      frame.locals[first] = i
      frame.locals[second] = list.at(i)
    }
    if (condition(frame) === false) return
    frame.locals[accumulator] = step(frame)
    frame.spend(0)
  }
}

function overMap(frame: Frame, { condition, step, accumulator, first, second }: LoopSteps, map: MapValue): void {
  for (const key of map.keys()) {
    frame.locals[first] = key
    if (second !== undefined) frame.locals[second] = map.get(key) ?? null
    if (condition(frame) === false) return
    frame.locals[accumulator] = step(frame)
  }
}

/** `accumulator + [value]`. */
export function appendStep(value: Step, slot: number): Step {
  return (frame) => {
    frame.spend(COST.select)
    const before = frame.locals[slot] as Outcome
    const next = value(frame)
    if (before instanceof CelError) return before
    if (next instanceof CelError) return next
    frame.spend(COST.list + COST.call)
    const list = before instanceof GrowingList ? before : new GrowingList()
    list.values.push(next)
    return list
  }
}

/** `cel.@mapInsert(accumulator, key, value)`, or all entries of one map. */
export function insertStep(steps: readonly Step[], slot: number): Step {
  return (frame) => {
    frame.spend(COST.select)
    const before = frame.locals[slot] as Outcome
    const given: Outcome[] = steps.map((step) => step(frame))
    if (before instanceof CelError) return before
    const [first, second] = given
    if (first === undefined) return new CelError('nothing to insert')
    if (first instanceof CelError) return first
    if (second instanceof CelError) return second
    frame.spend(COST.call)
    // The first map is the empty one that the loop began with, which others may share.
    const map = before instanceof HashMap && before.size > 0 ? before : new HashMap()
    if (second !== undefined) return insert(map, first, second)
    if (!(first instanceof MapValue)) return new CelError('no such overload')
    for (const key of first.keys()) {
      const value = first.get(key)
      if (value === undefined) return new CelError('no such key')
      if (value instanceof CelError) return value
      const grown = insert(map, key, value)
      if (grown instanceof CelError) return grown
    }
    return map
  }
}

function insert(map: HashMap, key: Outcome, value: Outcome): Outcome {
  if (key instanceof CelError) return key
  if (value instanceof CelError) return value
  if (map.has(key)) return new CelError(`insert failed: key ${keyText(key)} already exists`)
  return map.insert(key, value) ?? map
}

const keyText = (key: Outcome): string => (typeof key === 'object' && key !== null && 'value' in key ? String(key.value) : String(key))
