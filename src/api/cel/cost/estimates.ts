import type { Expr } from '../syntax/ast.ts'
import type { CelType } from '../types/type.ts'

/** What something may cost or how large it may be, at least and at most. No more than 2^64, which stands for without end. */
export interface Estimate {
  readonly min: number
  readonly max: number
}

export const ENDLESS = 2 ** 64
const capped = (value: number): number => Math.min(value, ENDLESS)

export const exactly = (value: number): Estimate => ({ min: value, max: value })
export const NOTHING = exactly(0)
export const UNKNOWN_SIZE: Estimate = { min: 0, max: ENDLESS }

export function add(...estimates: readonly Estimate[]): Estimate {
  let min = 0
  let max = 0
  for (const estimate of estimates) {
    min = capped(min + estimate.min)
    max = capped(max + estimate.max)
  }
  return { min, max }
}
export const multiply = (a: Estimate, b: Estimate): Estimate => ({ min: capped(a.min * b.min), max: capped(a.max * b.max) })
export const scale = ({ min, max }: Estimate, factor: number): Estimate => ({
  min: capped(Math.ceil(min * factor)),
  max: capped(Math.ceil(max * factor)),
})
export const union = (a: Estimate, b: Estimate): Estimate => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) })

/** How large what lies at a path below the variables may be; undefined when nothing is known of it. */
export type SizeOfPath = (path: readonly string[]) => Estimate | undefined

/** What is known of an argument of a call. */
export interface Argument {
  readonly expr: Expr
  readonly type: CelType
  readonly path: readonly string[] | undefined
  readonly size: Estimate | undefined
}
