import { type core, type discovery, type networking, refs, type IpFamily, zoneOf } from '#api'
import { HEADLESS_LABEL, type Informer, type Informers, hasEndpoints, isHeadless } from '#reconcile'
import { type ProxyNode, SERVICE_NAME_LABEL, type ServicePort, ignoredParts, localReadyEndpoints, servicePorts } from './model.ts'

const BY_SERVICE = 'proxy-service'

export interface WantedOptions {
  readonly informers: Informers
  readonly nodeName: string
  /** Act on `spec.externalIPs`. Off by default: whoever may write a Service could take others' traffic with them. */
  readonly externalIPs?: boolean
  /** Default: IPv4. */
  readonly families?: readonly IpFamily[]
}

/** What Services should be on this node, by their keys, as the caches have it. Make it before the informers are started. */
export class WantedServices {
  readonly #services: Informer<core.Service>
  readonly #slices: Informer<discovery.EndpointSlice>
  readonly #nodes: Informer<core.Node>
  readonly #ranges: Informer<networking.ServiceCIDR>
  readonly #options: WantedOptions

  constructor(options: WantedOptions) {
    this.#options = options
    this.#services = options.informers.informer(refs.services)
    this.#slices = options.informers.informer(refs.endpointslices)
    this.#nodes = options.informers.informer(refs.nodes, { fieldSelector: `metadata.name=${options.nodeName}` })
    this.#ranges = options.informers.informer(refs.servicecidrs)
    // What is only to be looked up is led nowhere.
    this.#slices.addIndex(BY_SERVICE, (slice) => (HEADLESS_LABEL in (slice.metadata?.labels ?? {}) ? [] : [serviceOf(slice)]))
  }

  /** Tells the key of each Service that may be different. */
  onChange(notice: (key: string) => void): void {
    this.#services.onChange(({ key }) => notice(key))
    this.#slices.onChange(({ old, now }) => {
      for (const slice of [old, now]) if (slice !== undefined) notice(serviceOf(slice))
    })
    this.#nodes.onChange(({ old, now }) => {
      if (zoneOf(old) !== zoneOf(now)) this.keys().forEach(notice)
    })
  }

  /** Tells that Services may have addresses of other ranges than before. */
  onRanges(notice: () => void): void {
    this.#ranges.onChange(({ old, now }) => {
      if (old?.spec?.cidrs?.join() !== now?.spec?.cidrs?.join()) notice()
    })
  }

  /** As they are written: of all families, and one may lie in another. */
  serviceNetworks(): readonly string[] {
    return this.#ranges.list().flatMap(({ spec }) => spec?.cidrs ?? [])
  }

  /** The caches of what cannot be done without: until the node itself is known, its zone is not. */
  get informers(): readonly [Informer<core.Service>, Informer<discovery.EndpointSlice>] {
    return [this.#services, this.#slices]
  }

  keys(): readonly string[] {
    return this.#services.list().map(({ metadata }) => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`)
  }

  all(): ReadonlyMap<string, readonly ServicePort[]> {
    return new Map(this.keys().map((key) => [key, this.ports(key) ?? []]))
  }

  /** Undefined: there is no such Service. */
  ports(key: string): readonly ServicePort[] | undefined {
    const service = this.#services.get(key)
    return service === undefined ? undefined : servicePorts(service, this.#slices.byIndex(BY_SERVICE, key), this.#node())
  }

  /** Whether endpoints are about to come: a Service that selects pods has its first slice a moment after it is made. */
  awaitsEndpoints(key: string): boolean {
    const service = this.#services.get(key)
    return service !== undefined && hasEndpoints(service) && !isHeadless(service) && this.#slices.byIndex(BY_SERVICE, key).length === 0
  }

  ignored(key: string): readonly string[] {
    const service = this.#services.get(key)
    return service === undefined ? [] : ignoredParts(service, this.#node())
  }

  /** The port on which load balancers ask for a Service, and the number to be told. */
  health(key: string): { readonly port: number; readonly local: number } | undefined {
    const spec = this.#services.get(key)?.spec
    const port = spec?.externalTrafficPolicy === 'Local' ? (spec.healthCheckNodePort ?? 0) : 0
    return port === 0 ? undefined : { port, local: localReadyEndpoints(this.#slices.byIndex(BY_SERVICE, key), this.#options.nodeName) }
  }

  #node(): ProxyNode {
    const { nodeName, externalIPs = false, families = ['IPv4'] } = this.#options
    return { name: nodeName, zone: zoneOf(this.#nodes.get(nodeName)), externalIPs, families }
  }
}
const serviceOf = (slice: discovery.EndpointSlice): string =>
  `${slice.metadata?.namespace ?? ''}/${slice.metadata?.labels?.[SERVICE_NAME_LABEL] ?? ''}`
