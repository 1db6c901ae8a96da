import type { networking } from '#api'
import type { Rule } from '#routing'
import type { Canary } from './canary.ts'

/** The maps that lead a request by its host and path, in the order in which they are asked for one host. */
export const MAPS = ['exact', 'prefix', 'defaults'] as const
export type MapName = (typeof MAPS)[number]

/** What one object of a user wants of the gateway. Hosts and paths in it have passed the grammar. */
export interface Wish {
  /** `namespace/name`. */
  readonly id: string
  /** Of two that want the same, the lower one has it: the older. */
  readonly rank: string
  readonly routes: readonly WantedRoute[]
  /** By key. */
  readonly backends: ReadonlyMap<string, BackendPort>
  /** Services that it names, whether or not they are there. */
  readonly services: ReadonlySet<string>
  readonly certificates: readonly { readonly host: string; readonly secret: string }[]
  readonly findings: readonly Finding[]
}

export interface WantedRoute {
  readonly map: MapName
  /**
   * `exact`: `host/path`; without a host `/path`. A host may be `*.` and a name. `prefix`: as `exact`, and it ends with a slash: a request's path, with
   * a slash after it, begins with it element by element. `defaults`: the host, for requests that no rule takes; `*` is for all hosts.
   */
  readonly key: string
  /** Shares are keys of backends. Without one where nobody could answer: 503. */
  readonly rules: readonly Rule[]
  /** Takes a part of another's requests for the same; `rules` lead to what takes it. */
  readonly canary?: Canary | undefined
  /** As its owner would call it. */
  readonly what: string
}

export interface BackendPort {
  /** `namespace/name`. */
  readonly service: string
  readonly port: networking.ServiceBackendPort
}

/** Something about an object that its owner has to know. */
export interface Finding {
  readonly reason: string
  readonly message: string
}

/** What leads to one backend, or to nobody: 503. */
export const forwardTo = (backend: string | undefined): readonly Rule[] => [
  { action: { kind: 'forward', to: backend === undefined ? [] : [{ backend, weight: 1 }] } },
]

export const keyOfBackend = ({ service, port }: BackendPort): string => `${service}:${port.name || String(port.number ?? 0)}`
