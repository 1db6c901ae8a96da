import type { Observe } from '#routing'
import { shown } from '../grammar.ts'

const LOG = 'sampan.io/access-log'
const METRICS = 'sampan.io/route-metrics'
export const OBSERVE_ANNOTATIONS = [LOG, METRICS] as const

/** What is told of the requests of a route. Each is counted; a line of the log is for those of some. */
interface WantedObserving {
  readonly isLogged: boolean
}

function readObserving(annotations: Readonly<Record<string, string>>): WantedObserving | { readonly problem: string } | undefined {
  for (const name of OBSERVE_ANNOTATIONS) {
    const value = annotations[name]
    if (value !== undefined && value !== 'true' && value !== 'false')
      return { problem: `${name} is "true" or "false", and not ${shown(value)}` }
  }
  const isLogged = annotations[LOG] === 'true'
  return isLogged || annotations[METRICS] === 'true' ? { isLogged } : undefined
}

export function wantsObserving(annotations: Readonly<Record<string, string>> | undefined): boolean {
  const wanted = readObserving(annotations ?? {})
  return wanted !== undefined && !('problem' in wanted)
}

/** How requests of the object are told of. `numberOf` gives what they are known by, as long as there are not too many. */
export function observeOf(
  wish: string,
  annotations: Readonly<Record<string, string>>,
  numberOf: (wish: string) => number | undefined,
): Observe | { readonly problem: string } | undefined {
  const wanted = readObserving(annotations)
  if (wanted === undefined || 'problem' in wanted) return wanted
  const route = numberOf(wish)
  return route === undefined
    ? { problem: 'its requests are not told of: there are as many such routes as there may be' }
    : { route, ...wanted }
}
