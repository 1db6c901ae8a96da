import { type Scope, isCancelled, messageOf } from '#base'
import { type coordination, type core, type discovery, isAlreadyExists, isNodeReady, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { type Informer, type Informers, compareVersions } from '#reconcile'
import type { RunningProxy } from './proxy.ts'

export interface DrainOptions {
  readonly informers: Informers
  readonly client: Client
  readonly nodeName: string
  readonly proxy: RunningProxy
}

export interface Drain {
  /**
   * Resolves when no node sends new connections to the addresses by way of a Service any more, or when waiting has taken too long: a node that does not say so must
   * not keep a pod alive. At once for addresses that no Service leads to. Rejects only with the scope.
   */
  outOfUse(scope: Scope, addresses: readonly string[]): Promise<void>
}

const LONGEST_MS = 5000
const NAMESPACE = 'kube-system'
const LABEL = 'sampan.dev/service-proxy'
/** On the proxy's Lease: the kernel of its node has all EndpointSlices up to this resourceVersion. */
const APPLIED = 'sampan.dev/applied-endpointslices'
const leaseName = (node: string): string => `sampan-proxy-${node}`

/**
 * Acknowledged drain. Proxies tell each other what their kernels have, through a Lease for each node; only while endpoints end, and only in clusters of several nodes.
 * Make it before the informers are started; it ends with the scope.
 */
export function startDrain(scope: Scope, options: DrainOptions): Drain {
  return new DrainBoard(scope, options)
}

class DrainBoard implements Drain {
  readonly #scope: Scope
  readonly #options: DrainOptions
  readonly #slices: Informer<discovery.EndpointSlice>
  readonly #nodes: Informer<core.Node>
  #leases: Informer<coordination.Lease> | undefined
  readonly #watchers = new Set<() => void>()
  #publishing = false
  #publishAgain = false

  constructor(scope: Scope, options: DrainOptions) {
    this.#scope = scope.child({ log: { part: 'drain' } })
    this.#options = options
    this.#slices = options.informers.informer(refs.endpointslices)
    this.#nodes = options.informers.informer(refs.nodes)
    this.#slices.onChange(({ old, now }) => {
      this.#look()
      if (this.#isAlone() || !hasNewlyEnding(old, now)) return
      this.#publishAgain = true
      if (!this.#publishing) void this.#publish()
    })
    // Others wait only for proxies that are known.
    this.#nodes.onChange(() => {
      this.#look()
      if (this.#isAlone() || this.#leases !== undefined) return
      this.#leases = options.informers.informer(refs.leases, { namespace: NAMESPACE, labelSelector: LABEL })
      this.#leases.onChange(() => this.#look())
      options.informers.start(this.#scope).catch(() => undefined)
      this.#publishAgain = true
      if (!this.#publishing) void this.#publish()
    })
  }

  async outOfUse(scope: Scope, addresses: readonly string[]): Promise<void> {
    using limited = scope.child({ timeoutMs: LONGEST_MS })
    try {
      const version = await this.#taken(limited, new Set(addresses))
      if (version === undefined) return
      await unlessOver(limited, this.#options.proxy.settled())
      await this.#until(limited, () => this.#silent(version).length === 0)
    } catch (error) {
      scope.check()
      // The proxy has stopped, or the time is over.
      scope.log.info('a pod is stopped although a Service may still lead to it', { addresses, error: messageOf(error) })
    }
  }

  /** Waits until no slice offers one of the addresses; the version from which that is so. Undefined when none does from the first. */
  async #taken(scope: Scope, addresses: ReadonlySet<string>): Promise<string | undefined> {
    const found = (): readonly discovery.EndpointSlice[] => this.#slices.list().filter((slice) => endpointsOf(slice, addresses).length > 0)
    const before = found()
    const inUse = (slice: discovery.EndpointSlice): boolean => endpointsOf(slice, addresses).some(isOffered)
    const ending = (slice: discovery.EndpointSlice): boolean => endpointsOf(slice, addresses).some(isEnding)
    if (!before.some((slice) => inUse(slice) || ending(slice))) return undefined
    await this.#until(scope, () => !found().some(inUse))
    const versions = found().map(({ metadata }) => metadata?.resourceVersion ?? '')
    // What is not in a slice any more left with some version up to the newest seen.
    return versions.length < before.length ? this.#slices.version : versions.reduce((a, b) => (compareVersions(a, b) > 0 ? a : b), '')
  }

  /** Ready nodes whose proxies have not said that their kernels have this version. */
  #silent(version: string): readonly string[] {
    const applied = new Map(this.#leases?.list().map((lease) => [lease.metadata?.name ?? '', lease.metadata?.annotations?.[APPLIED] ?? '']))
    return this.#nodes.list().flatMap((node) => {
      const name = node.metadata?.name ?? ''
      const said = applied.get(leaseName(name))
      if (name === this.#options.nodeName || said === undefined || !isNodeReady(node)) return []
      return compareVersions(said, version) >= 0 ? [] : [name]
    })
  }

  #isAlone(): boolean {
    return this.#nodes.list().length < 2
  }

  #look(): void {
    for (const watcher of this.#watchers) watcher()
  }

  async #until(scope: Scope, holds: () => boolean): Promise<void> {
    if (holds()) return
    const changed = Promise.withResolvers<void>()
    const watcher = (): void => {
      if (holds()) changed.resolve()
    }
    this.#watchers.add(watcher)
    try {
      await unlessOver(scope, changed.promise)
    } finally {
      this.#watchers.delete(watcher)
    }
  }

  async #publish(): Promise<void> {
    this.#publishing = true
    while (this.#publishAgain && !this.#scope.signal.aborted) {
      this.#publishAgain = false
      try {
        const { version } = this.#slices
        await this.#options.proxy.settled()
        await this.#write(version)
      } catch (error) {
        if (isCancelled(error)) break
        this.#scope.log.warn('what this node has applied could not be told', { error: messageOf(error) })
        this.#publishAgain = true
        await this.#scope.sleep(1000).catch(() => undefined)
      }
    }
    this.#publishing = false
  }

  async #write(version: string): Promise<void> {
    const { client, nodeName } = this.#options
    const leases = client.resource(refs.leases)
    const name = leaseName(nodeName)
    const metadata = { labels: { [LABEL]: '' }, annotations: { [APPLIED]: version } }
    try {
      await leases.patch(this.#scope, { namespace: NAMESPACE, name }, { type: 'merge', body: { metadata } })
    } catch (error) {
      if (!isNotFound(error)) throw error
      const uid = this.#nodes.get(nodeName)?.metadata?.uid
      const owner = uid === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }]
      await leases
        .create(this.#scope, {
          metadata: { ...metadata, name, namespace: NAMESPACE, ownerReferences: owner },
          spec: { holderIdentity: nodeName },
        })
        .catch((conflict: unknown) => {
          if (!isAlreadyExists(conflict)) throw conflict
          this.#publishAgain = true
        })
    }
  }
}

function endpointsOf(slice: discovery.EndpointSlice, addresses: ReadonlySet<string>): readonly discovery.Endpoint[] {
  return (slice.endpoints ?? []).filter((endpoint) => endpoint.addresses.some((address) => addresses.has(address)))
}

const isEnding = ({ conditions }: discovery.Endpoint): boolean => conditions?.terminating === true
/** What ends is used only where nothing else is, and then to wait would not help. */
const isOffered = (endpoint: discovery.Endpoint): boolean => endpoint.conditions?.ready !== false && !isEnding(endpoint)

function hasNewlyEnding(old: discovery.EndpointSlice | undefined, now: discovery.EndpointSlice | undefined): boolean {
  if (old === undefined) return false
  const offered = new Set((now?.endpoints ?? []).filter(isOffered).flatMap(({ addresses }) => addresses))
  return (old.endpoints ?? []).some((endpoint) => isOffered(endpoint) && endpoint.addresses.some((address) => !offered.has(address)))
}

function unlessOver(scope: Scope, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (): void => reject(scope.signal.reason)
    if (scope.signal.aborted) return over()
    scope.signal.addEventListener('abort', over, { once: true })
    work.then(resolve, reject).finally(() => scope.signal.removeEventListener('abort', over))
  })
}
