export interface OutlierSettings {
  readonly consecutiveErrors: number
  /** So long the first time, and by as much longer each time it happens again. */
  readonly ejectMs: number
  readonly maximumEjectedPercent: number
}

interface Endpoint {
  readonly consecutive: number
  readonly times: number
  /** Gets no requests until then. */
  readonly ejectedUntilMs: number | undefined
  /** When it may be forgotten that it was ejected. */
  readonly goodAfterMs: number
}

/** Endpoints that have had errors lately, by address; of those that are not in it nothing is known. */
export type Outliers = ReadonlyMap<string, Endpoint>

export const NO_OUTLIERS: Outliers = new Map()
const LONGEST_TIMES = 10

/** After a request that this one has answered, or has not. `endpoints` says how many there are. The same object when nothing has changed. */
export function afterAnswer(
  settings: OutlierSettings,
  outliers: Outliers,
  address: string,
  isError: boolean,
  endpoints: () => number,
  nowMs: number,
): Outliers {
  const known = outliers.get(address)
  // What was under way when it was ejected says nothing new.
  if (known?.ejectedUntilMs !== undefined) return outliers
  if (!isError) {
    if (known === undefined) return outliers
    if (known.times > 0 && nowMs < known.goodAfterMs)
      return known.consecutive === 0 ? outliers : new Map(outliers).set(address, { ...known, consecutive: 0 })
    const rest = new Map(outliers)
    rest.delete(address)
    return rest
  }
  const consecutive = (known?.consecutive ?? 0) + 1
  const times = known?.times ?? 0
  const counted = { consecutive, times, ejectedUntilMs: undefined, goodAfterMs: known?.goodAfterMs ?? 0 }
  if (consecutive < settings.consecutiveErrors || !hasRoom(settings, outliers, endpoints())) return new Map(outliers).set(address, counted)
  const again = Math.min(times + 1, LONGEST_TIMES)
  const untilMs = nowMs + settings.ejectMs * again
  return new Map(outliers).set(address, {
    consecutive: 0,
    times: again,
    ejectedUntilMs: untilMs,
    goodAfterMs: untilMs + settings.ejectMs * again,
  })
}

/** Those whose time is over get requests again. */
export function backAtTime(outliers: Outliers, nowMs: number): Outliers {
  const back = [...outliers].filter(([, { ejectedUntilMs }]) => ejectedUntilMs !== undefined && ejectedUntilMs <= nowMs)
  if (back.length === 0) return outliers
  const now = new Map(outliers)
  for (const [address, endpoint] of back) now.set(address, { ...endpoint, ejectedUntilMs: undefined })
  return now
}

/** Who is ejected, and until when. */
export const ejectedIn = (outliers: Outliers): ReadonlyMap<string, number> =>
  new Map([...outliers].flatMap(([address, { ejectedUntilMs }]) => (ejectedUntilMs === undefined ? [] : [[address, ejectedUntilMs]])))

/** As a status has kept it. */
export function ejectedBefore(
  ejected: readonly { readonly address: string; readonly untilMs: number; readonly times: number }[],
): Outliers {
  return new Map(
    ejected.map(({ address, untilMs, times }) => [address, { consecutive: 0, times, ejectedUntilMs: untilMs, goodAfterMs: untilMs + 1 }]),
  )
}

/** Never the last one, and never more than the share that may be missing. */
function hasRoom({ maximumEjectedPercent }: OutlierSettings, outliers: Outliers, endpoints: number): boolean {
  const after = ejectedIn(outliers).size + 1
  return after < endpoints && after * 100 <= endpoints * maximumEjectedPercent
}
