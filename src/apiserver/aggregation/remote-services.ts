import type { Scope } from '#base'
import { type apiregistration, refs } from '#api'
import type { ObjectReader } from '../contract.ts'
import type { Follow } from '../registry/read/follow.ts'
import { compareVersions } from '../registry/catalog.ts'

/** A group and version that another server serves. */
export interface RemoteService {
  readonly name: string
  readonly group: string
  readonly version: string
  readonly namespace: string
  readonly service: string
  readonly port: number
  /** PEM; the authorities of the system when absent. */
  readonly authority: string | undefined
  readonly isUnverified: boolean
  readonly groupPriority: number
  readonly versionPriority: number
  readonly isAvailable: boolean
}

const HTTPS_PORT = 443

/** The APIServices that are served elsewhere, as of now. Costs a comparison as long as there are none. */
export class RemoteServices {
  readonly #scope: Scope
  readonly #reader: ObjectReader
  readonly #follow: Follow
  #services: ReadonlyMap<string, RemoteService> | undefined
  #isFollowing = false
  #version = 0

  constructor(scope: Scope, reader: ObjectReader, follow: Follow) {
    this.#scope = scope
    this.#reader = reader
    this.#follow = follow
  }

  /** Rises with each change. */
  get version(): number {
    return this.#version
  }
  find(group: string, version: string): RemoteService | undefined {
    const services = this.#current()
    return services.size === 0 ? undefined : services.get(`${version}.${group}`)
  }
  get isEmpty(): boolean {
    return this.#current().size === 0
  }
  all(): RemoteService[] {
    return [...this.#current().values()]
  }

  #current(): ReadonlyMap<string, RemoteService> {
    if (this.#services !== undefined) return this.#services
    if (!this.#isFollowing) {
      this.#isFollowing = true
      this.#follow(this.#scope, refs.apiservices, () => {
        this.#services = undefined
        this.#version++
      })
    }
    const found = this.#reader.list(refs.apiservices).flatMap((service) => remoteOf(service) ?? [])
    this.#services = new Map(found.map((service) => [service.name, service]))
    return this.#services
  }
}

export function availableCondition({ status }: apiregistration.APIService): apiregistration.APIServiceCondition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Available')
}

/** Undefined for one that is served here. */
export function remoteOf(object: apiregistration.APIService): RemoteService | undefined {
  const { metadata, spec } = object
  if (spec?.service === undefined) return undefined
  const { caBundle = '', service } = spec
  return {
    name: metadata?.name ?? '',
    group: spec.group ?? '',
    version: spec.version ?? '',
    namespace: service.namespace ?? '',
    service: service.name ?? '',
    port: service.port ?? HTTPS_PORT,
    authority: caBundle === '' ? undefined : Buffer.from(caBundle, 'base64').toString(),
    isUnverified: spec.insecureSkipTLSVerify ?? false,
    groupPriority: spec.groupPriorityMinimum,
    versionPriority: spec.versionPriority,
    isAvailable: availableCondition(object)?.status === 'True',
  }
}

/** Versions of one group in the order in which they are announced. */
export function byVersion(a: { readonly priority: number; readonly version: string }, b: typeof a): number {
  return b.priority - a.priority || compareVersions(b.version, a.version)
}
