import type { MapName } from './wish.ts'

/** What has changed since it was asked last, by key. */
export interface Changes {
  readonly routes: Readonly<Record<MapName, ReadonlySet<string>>>
  readonly backends: ReadonlySet<string>
  /** Keys of Secrets. */
  readonly certificates: ReadonlySet<string>
  /** Wishes of which something new may have to be told, those that are gone included. */
  readonly wishes: ReadonlySet<string>
  /** Something that only a new process of the data plane can have: where it listens, whom it trusts. */
  readonly process: boolean
}

/** Of a model that is to be changed. */
export function noChanges(): {
  routes: Record<MapName, Set<string>>
  backends: Set<string>
  certificates: Set<string>
  wishes: Set<string>
  process: boolean
} {
  return {
    routes: { exact: new Set(), prefix: new Set(), defaults: new Set(), sni: new Set(), listeners: new Set() },
    backends: new Set(),
    certificates: new Set(),
    wishes: new Set(),
    process: false,
  }
}
