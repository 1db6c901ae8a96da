import { CelError, NO_OVERLOAD } from '../values/error.ts'
import { Optional, type Outcome } from '../values/value.ts'
import type { Step } from './frame.ts'

/** `a && b`, `a || b`: a side that decides forgives the other's mistakes. */
export function logic(left: Step, right: Step, decisive: boolean): Step {
  return (frame) => {
    const a = left(frame)
    if (a === decisive) return decisive
    const b = right(frame)
    if (b === decisive) return decisive
    if (a === !decisive && b === !decisive) return !decisive
    if (a instanceof CelError) return a
    if (b instanceof CelError) return b
    return NO_OVERLOAD
  }
}

export function conditional(condition: Step, yes: Step, no: Step): Step {
  return (frame) => {
    const holds = condition(frame)
    if (holds === true) return yes(frame)
    if (holds === false) return no(frame)
    return holds instanceof CelError ? holds : NO_OVERLOAD
  }
}

/** Loops go on over mistakes. */
export function notStrictlyFalse(value: Step): Step {
  return (frame) => {
    const outcome: Outcome = value(frame)
    frame.spend(1)
    return outcome !== false
  }
}

/** `a.or(b)`, `a.orValue(b)`: b is evaluated when a has no value. */
export function optionalOr(left: Step, right: Step, takesValue: boolean): Step {
  return (frame) => {
    const optional = left(frame)
    if (optional instanceof CelError) return optional
    if (!(optional instanceof Optional)) return NO_OVERLOAD
    if (optional.value === undefined) return right(frame)
    return takesValue ? optional.value : optional
  }
}
