import type { Scope } from '#base'
import type { KubeObject } from '#api'

/** One way in which people say what the gateway is to serve. Each keeps its own wishes in the one model. */
export interface RouteSource {
  /** What these wishes name has changed, a Service or a Secret: they are looked at in the next update. True when one of them is of this source. */
  noteUsers(wishes: Iterable<string>): boolean
  /** Brings its wishes up to what is known. After a rejection nothing is lost: the next call does all of it. */
  update(scope: Scope): Promise<void>
  /** Who is told of the wish. */
  ownerOf(wish: string): KubeObject | undefined
  /** Says in their status how those stand that have changed. */
  publish(scope: Scope): Promise<void>
}

/** What sources share. */
export interface Callers {
  /** For the next update. */
  readonly onRoutes: () => void
  /** For the next publishing. */
  readonly onStatus: () => void
}

/** Everything in it, and it is empty then. */
export function taken(set: Set<string>): string[] {
  const keys = [...set]
  set.clear()
  return keys
}
