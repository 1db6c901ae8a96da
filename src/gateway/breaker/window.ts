/** What came in one slice of time. */
interface Slice {
  /** Which slice, counted from the beginning of time. */
  readonly at: number
  readonly requests: number
  readonly errors: number
  readonly slow: number
}

export type Sums = Omit<Slice, 'at'>
/** The slices of the present window in their order; those without a request are not there. */
export type Window = readonly Slice[]

/** A window moves in steps of a tenth of its length. */
export const SLICES = 10

const sliceOf = (windowMs: number, nowMs: number): number => Math.floor((nowMs * SLICES) / windowMs)

/** The window with one request more. It holds the present slice and the nine before it. */
export function counted(
  window: Window,
  windowMs: number,
  nowMs: number,
  request: { readonly isError: boolean; readonly isSlow: boolean },
): Window {
  const at = sliceOf(windowMs, nowMs)
  const kept = window.filter((slice) => slice.at > at - SLICES && slice.at < at)
  const present = window.findLast((slice) => slice.at === at) ?? { at, requests: 0, errors: 0, slow: 0 }
  return [
    ...kept,
    {
      at,
      requests: present.requests + 1,
      errors: present.errors + (request.isError ? 1 : 0),
      slow: present.slow + (request.isSlow ? 1 : 0),
    },
  ]
}

export function sumsOf(window: Window): Sums {
  let [requests, errors, slow] = [0, 0, 0]
  for (const slice of window) {
    requests += slice.requests
    errors += slice.errors
    slow += slice.slow
  }
  return { requests, errors, slow }
}
