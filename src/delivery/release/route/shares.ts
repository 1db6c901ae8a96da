/** Of all requests to a Service, who gets how many. */
export interface Share {
  readonly service: string
  readonly weight: number
}

/** What stands beside a version while it is released. */
export const TRACKS = ['next', 'control'] as const
export type Track = (typeof TRACKS)[number]
export const trackName = (name: string, track: Track): string => `${name}-${track}`

/** On a route that a release shares: what it was before. */
export const ROUTE_BEFORE = 'sampan.io/release-route'
