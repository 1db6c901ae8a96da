import type { networking } from '#api'
import type { Rule } from '#routing'
import type { Canary } from './annotations/canary.ts'
import type { Affinity } from './affinity.ts'
import type { Retry } from './retry.ts'
import { standingOf } from './standing.ts'
import type { Spot } from './spot.ts'

/**
 * The maps that lead a request by its host and path, in the order in which they are asked for one host; `sni` leads connections that nobody here decrypts, and
 * `listeners` leads nothing: it says which hosts are kept apart.
 */
export const MAPS = ['exact', 'prefix', 'defaults', 'sni', 'listeners'] as const
export type MapName = (typeof MAPS)[number]

/** What one object of a user wants of the gateway. Hosts and paths in it have passed the grammar. */
export interface Wish {
  /** `namespace/name` of an Ingress; of another kind `Kind namespace/name`. */
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
   * `exact`: `host/path`; without a host `/path`. A host may be `*.` and a name, with one label for the star; of those with more, `**.` and the name.
   * `prefix`: as `exact`, and it ends with a slash: a request's path, with a slash after it, begins with it element by element. `defaults`: the host, for
   * requests that no rule takes; `*` is for all hosts. `sni`, `listeners`: `SPOT:host`, where `*.` stands for any number of labels; `SPOT:` is a listener for all.
   * Requests elsewhere than at the usual two ports are led by keys that begin with `SPOT:`, as `spotText` has it.
   */
  readonly key: string
  /**
   * Several may want the key: their rules are asked one after the other, in the order of this text, and then the older first. Absent: the route is the whole
   * of what its kind says of the key, and comes where `NO_CONDITIONS` is.
   */
  readonly precedence?: string | undefined
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
  /** What is spoken where the Service does not say: `tcp` leads connections as they are. Absent: HTTP/1.1. */
  readonly speaks?: 'h2c' | 'tcp' | undefined
  /** Absent: only connections that were never made are tried again. */
  readonly retry?: Retry | undefined
  /** Absent: each request is led to the endpoint whose turn it is. */
  readonly affinity?: Affinity | undefined
}

/** How a backend is spoken to. `tls`: HTTP/1.1 over TLS, to whoever answers. `verified`: to those alone whose certificate is as `Verification` says. */
export type Transport = 'http' | 'h2c' | 'tls' | 'verified' | 'tcp'

export interface Verification {
  /** Who has to have signed it: the key of an authority of the model, or of the machine's own. */
  readonly authority: string
  /** Whom it has to be for; servers are asked for it by this name. */
  readonly hostname: string
}

/** Those that the machine trusts. */
export const SYSTEM_AUTHORITIES = 'system'

/** The precedence of what asks nothing of a request but its host and path. */
export const NO_CONDITIONS = '119999'
/** A claim of `defaults` that tells the data plane that there are keys with `**.`; it leads nothing. */
export const DEEP_KEY = '?deep'

/** Where the gateway listens. `both`: those connections whose name somebody wants are led as they are, all others are decrypted. */
export interface ListenPort extends Spot {
  readonly kind: 'http' | 'https' | 'passthrough' | 'both'
}

/** How an owner is called in what others are told. */
export const nameOfWish = (id: string): string => (id.includes(' ') ? id : `Ingress ${id}`)

/** Something about an object that its owner has to know. */
export interface Finding {
  readonly reason: string
  readonly message: string
}

/** What leads to one backend, or to nobody: 503. */
export const forwardTo = (backend: string | undefined): readonly Rule[] => [
  { action: { kind: 'forward', to: backend === undefined ? [] : [{ backend, weight: 1 }] } },
]

export function keyOfBackend({ service, port, speaks, ...standing }: BackendPort): string {
  const stands = standingOf(standing)
  return `${service}:${port.name || String(port.number ?? 0)}${speaks === undefined ? '' : `/${speaks}`}${stands === undefined ? '' : `/${stands}`}`
}
