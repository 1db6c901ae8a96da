import { type Scope, messageOf } from '#base'
import { type core, deepEqual, isConflict, isNotFound, refs, type resource } from '#api'
import type { Client } from '#client'
import type { Change, Informers } from '#reconcile'
import { Cluster } from '../cluster/cluster.ts'
import { DYNAMIC_RESOURCES } from '../config/plugin-sets.ts'
import { type SchedulerConfig, defaultConfig } from '../config/profile.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { schedulerEvents } from '../events.ts'
import { filterByExtenders, scoresOfExtenders } from '../extenders/ask.ts'
import { Extender } from '../extenders/extender.ts'
import { Decider, prepareFilters } from '../framework/decide.ts'
import type { Refusal } from '../framework/plugin.ts'
import { type PodInfo, compilePod } from '../pod/pod-info.ts'
import { bindClaims, mustWait, unreserve, whenReady } from '../plugins/dynamic-resources/bind-claims.ts'
import type { DeviceView } from '../plugins/dynamic-resources/device-view.ts'
import { DynamicResources, type Reservation } from '../plugins/dynamic-resources/dynamic-resources.ts'
import { watchDevices } from '../plugins/dynamic-resources/watch-devices.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { VictimMemo } from '../preemption/victim-memo.ts'
import { SchedulingQueue } from '../queue/queue.ts'
import { VolumesNotBound, claimVolumes, whenBound } from '../volumes/bind.ts'
import { StorageChanges } from '../volumes/storage-changes.ts'
import { fateOf } from './fate.ts'
import { hintsOf } from './hints.ts'
import { Nominations } from './nominations.ts'
import { sameForScheduling } from './pod-status.ts'
import { Refusals } from './refusals.ts'
import { type Scheduling, schedulerNameOf } from './scheduling.ts'
import { siblingSelector } from './siblings.ts'
import { type IsServed, type Sources, nodeChange, watchSources } from './watches.ts'

/** Decisions are made in slices of this length, so that the events they depend on and the answers to bindings come in between. */
const SLICE_MS = 8
const BINDINGS_AT_ONCE = 128

export interface SchedulerOptions {
  readonly client: Client
  readonly informers: Informers
  readonly isServed: IsServed
  readonly config?: SchedulerConfig
}

/**
 * Gives waiting pods a node, until the scope is cancelled. A decision is synchronous and reads the cluster as it is; its outcome is counted at once and
 * written in the background. What others write meanwhile comes back through the informers and only corrects the picture.
 */
export class Scheduler {
  readonly #scope: Scope
  readonly #client: Client
  readonly #cluster = new Cluster()
  readonly #queue: SchedulingQueue
  readonly #sources: Sources
  readonly #byName: ReadonlyMap<string, Scheduling>
  readonly #devices: DynamicResources
  readonly #claim: DeviceView['claim']
  readonly #nominated = new Nominations()
  readonly #extenders: readonly Extender[]
  readonly #refusals: Refusals
  readonly #storageChanges = new StorageChanges()
  /** Placed by us, the binding not seen yet. */
  readonly #assumed = new Set<string>()
  #bindings = 0
  #running = false
  #started = false

  constructor(scope: Scope, options: SchedulerOptions) {
    this.#scope = scope
    this.#client = options.client
    const config = options.config ?? defaultConfig()
    this.#queue = new SchedulingQueue(scope.clock, hintsOf(this.#cluster), () => this.#wake(), config)
    this.#sources = watchSources(options.informers, options.isServed, () => {
      this.#queue.changed({ kind: 'storage' })
      this.#storageChanges.tell()
    })
    this.#extenders = (config.extenders ?? []).map((one) => new Extender(one))
    const watched = watchDevices(options.informers, options.isServed, () => this.#queue.changed({ kind: 'devices' }))
    this.#devices = new DynamicResources(watched.view, scope.clock, scope.random)
    this.#claim = watched.view.claim
    watched.claims?.onChange(({ old, now }) => {
      const claim = now ?? old
      if (claim !== undefined) this.#devices.seen(claim, now !== undefined)
    })
    const siblings = siblingSelector(this.#sources)
    this.#byName = new Map(
      config.profiles.map((profile) => {
        const plugins = defaultPlugins(this.#sources.view, siblings, profile, this.#devices)
        const decider = new Decider(plugins, scope.random, profile.percentageOfNodesToScore)
        const events = schedulerEvents(scope, options.client, profile.schedulerName, () => this.#queue.isBusy || this.#bindings > 0)
        return [profile.schedulerName, { profile, plugins, decider, events, victims: new VictimMemo() }]
      }),
    )
    this.#refusals = new Refusals(scope, {
      client: options.client,
      cluster: this.#cluster,
      queue: this.#queue,
      nominated: this.#nominated,
      devices: this.#devices,
      budgets: this.#sources.budgets,
      of: (pod) => this.#of(pod),
    })
    this.#sources.namespaces.onChange(({ key, old, now }) => {
      if (!deepEqual(old?.metadata?.labels, now?.metadata?.labels) || (old === undefined) !== (now === undefined))
        this.#cluster.setNamespace(key, now === undefined ? undefined : (now.metadata?.labels ?? {}))
    })
    this.#sources.nodes.onChange((change) => this.#onNode(change))
    this.#sources.pods.onChange((change) => this.#onPod(change))
    scope.signal.addEventListener('abort', () => this.#queue.close(), { once: true })
  }

  /** The caches are full: decisions may begin. */
  start(): void {
    this.#started = true
    this.#wake()
  }

  #onNode(change: Change<core.Node>): void {
    if (change.now === undefined) this.#cluster.removeNode(change.key)
    else this.#cluster.setNode(change.now)
    const seen = nodeChange(change)
    if (seen !== undefined) this.#queue.changed(seen)
  }

  #onPod({ old, now }: Change<core.Pod>): void {
    if (old !== undefined && (now === undefined || old.metadata?.uid !== now.metadata?.uid)) this.#forget(old.metadata?.uid ?? '')
    if (now === undefined) return
    const uid = now.metadata?.uid ?? ''
    const ended = now.status?.phase === 'Succeeded' || now.status?.phase === 'Failed'
    const nodeName = now.spec?.nodeName ?? ''
    if (ended) return this.#forget(uid)
    if (nodeName !== '') {
      this.#queue.delete(uid)
      this.#nominated.delete(uid)
      const bound = this.#assumed.delete(uid)
      const before = this.#cluster.placedOn(uid)
      // Most changes of a placed pod are reports of its node, which change nothing here.
      if (before === nodeName && old !== undefined && sameForScheduling(old, now)) {
        this.#cluster.renew(uid, now)
        if (bound) this.#cameTo(nodeName, uid)
        return
      }
      const pod = compilePod(now)
      this.#cluster.place(pod, nodeName)
      const known = before === undefined || bound ? undefined : old
      const relabelled = known !== undefined && !deepEqual(known.metadata?.labels, now.metadata?.labels)
      if (known === undefined || relabelled) this.#queue.changed({ kind: 'pod-came', pod })
      // With other labels it is a new pod to others, and what it was has gone.
      if (known !== undefined && (relabelled || !deepEqual(known.spec, now.spec)))
        this.#queue.changed({ kind: 'pod-left', pod: compilePod(known), node: nodeName })
      return
    }
    const gated = (now.spec?.schedulingGates ?? []).length > 0
    if (!this.#byName.has(schedulerNameOf(now)) || gated || now.metadata?.deletionTimestamp !== undefined) {
      if (!this.#assumed.has(uid)) this.#forget(uid)
      return
    }
    if (this.#assumed.has(uid)) return
    const specChanged =
      old !== undefined &&
      (!deepEqual(old.spec, now.spec) ||
        !deepEqual(old.metadata?.labels, now.metadata?.labels) ||
        !deepEqual(old.status?.resourceClaimStatuses, now.status?.resourceClaimStatuses))
    const pod = compilePod(now)
    this.#queue.set(pod, specChanged)
    const nominated = now.status?.nominatedNodeName
    if (nominated !== undefined && nominated !== '') this.#nominated.set(pod, nominated)
  }

  /** One that we placed is seen there: others may have waited for it. */
  #cameTo(nodeName: string, uid: string): void {
    const pod = this.#cluster.node(nodeName)?.pods.get(uid)
    if (pod !== undefined) this.#queue.changed({ kind: 'pod-came', pod })
  }

  #forget(uid: string): void {
    this.#queue.delete(uid)
    const promise = this.#nominated.delete(uid)
    // What was kept free for it is free to others.
    if (promise !== undefined) this.#queue.changed({ kind: 'pod-left', ...promise })
    if (this.#assumed.delete(uid)) this.#storageChanges.tell()
    this.#takeAway(uid)
  }

  #of({ pod }: PodInfo): Scheduling {
    const found = this.#byName.get(schedulerNameOf(pod))
    if (found === undefined) throw new Error(`no profile for the scheduler name ${schedulerNameOf(pod)}`)
    return found
  }

  /** The place is free again. */
  #takeAway(uid: string): void {
    const nodeName = this.#cluster.placedOn(uid)
    if (nodeName === undefined) return
    const pod = this.#cluster.node(nodeName)?.pods.get(uid)
    this.#cluster.take(uid)
    if (pod !== undefined) this.#queue.changed({ kind: 'pod-left', pod, node: nodeName })
  }

  /** A place that we took in vain. Where the pod has been seen meanwhile, it is there. */
  #giveUp(uid: string): void {
    if (this.#assumed.delete(uid)) this.#takeAway(uid)
    this.#queue.retry(uid)
  }

  #wake(): void {
    if (!this.#started || this.#running) return
    this.#running = true
    queueMicrotask(() => this.#slice())
  }

  #slice(): void {
    const until = this.#scope.clock.monotonic() + SLICE_MS
    while (!this.#scope.signal.aborted && this.#bindings < BINDINGS_AT_ONCE) {
      const pod = this.#queue.take()
      if (pod === undefined) break
      try {
        const later = this.#schedule(pod)
        // Others decide too: no other pod is looked at until they have answered.
        if (later !== undefined) {
          void later.catch((error: unknown) => this.#failed(pod, error)).finally(() => this.#slice())
          return
        }
      } catch (error) {
        this.#failed(pod, error)
      }
      if (this.#scope.clock.monotonic() > until) {
        this.#scope.clock.after(0, () => this.#slice())
        return
      }
    }
    this.#running = false
  }

  #failed(pod: PodInfo, error: unknown): void {
    if (this.#scope.signal.aborted) return
    this.#scope.log.error('pod not scheduled', { pod: pod.key, error })
    this.#queue.retry(pod.uid)
    this.#refusals.report(pod, messageOf(error), 'nowhere', 'SchedulerError')
  }

  /** A promise when others are asked. */
  #schedule(pod: PodInfo): Promise<void> | undefined {
    if (this.#devices.isEarly(pod)) {
      this.#queue.refuse(pod.uid, new Set([DYNAMIC_RESOURCES]))
      return undefined
    }
    const asked = this.#extenders.length === 0 ? [] : this.#extenders.filter((extender) => extender.isInterestedIn(pod))
    if (asked.length > 0) return this.#scheduleWith(asked, pod)
    const decision = this.#promised(pod) ?? this.#of(pod).decider.decide(this.#cluster, pod, this.#promises(pod))
    if (decision.kind === 'refused') this.#refusals.refuse(pod, decision.diagnosis)
    else this.#assume(pod, decision.node, undefined)
    return undefined
  }

  /** While extenders answer, the cluster goes on: what they say holds for nodes that will do still. */
  async #scheduleWith(extenders: readonly Extender[], pod: PodInfo): Promise<void> {
    const { decider, plugins } = this.#of(pod)
    const found = decider.find(this.#cluster, pod, this.#promises(pod))
    if (found.kind === 'refused') return this.#refusals.refuseWith(extenders, pod, found.diagnosis)
    const refused = new Map(this.#cluster.nodes().map(({ name }, at) => [name, found.diagnosis.refusals[at]]))
    const { nodes, refusals } = await filterByExtenders(this.#scope, extenders, pod, found.nodes)
    const further = nodes.length > 1 ? await scoresOfExtenders(this.#scope, extenders, pod, nodes) : undefined
    if (!this.#queue.has(pod.uid)) return
    const prepared = prepareFilters(this.#cluster, pod, plugins.filters)
    const left = nodes
      .flatMap(({ name }) => this.#cluster.node(name) ?? [])
      .filter((node) => 'check' in prepared && prepared.check(node) === undefined && this.#leavesPromisesKept(pod, node) === undefined)
    if (nodes.length > 0 && left.length === 0) return this.#queue.retry(pod.uid)
    const promised = this.#nominated.of(pod.uid)
    const node = left.find(({ name }) => name === promised) ?? decider.best(this.#cluster, pod, left, further)
    if (node !== undefined)
      return this.#assume(
        pod,
        node,
        extenders.find(({ config }) => config.bindVerb !== ''),
      )
    const all = this.#cluster.nodes()
    const diagnosis = { nodes: all.length, refusals: all.map(({ name }) => refusals.get(name) ?? refused.get(name)) }
    return this.#refusals.refuseWith(extenders, pod, diagnosis)
  }

  #promises(pod: PodInfo): ((node: NodeState) => Refusal | undefined) | undefined {
    return this.#nominated.size === 0 ? undefined : (node) => this.#leavesPromisesKept(pod, node)
  }

  #assume(pod: PodInfo, node: NodeState, binder: Extender | undefined): void {
    const reservation = this.#devices.reserve(pod, node, this.#of(pod).profile.devices)
    this.#cluster.place(pod, node.name)
    this.#assumed.add(pod.uid)
    this.#inBackground(pod, () =>
      reservation === undefined ? this.#bind(pod, node, binder) : this.#bindWithDevices(pod, node, binder, reservation),
    )
  }

  /** A node that was promised is tried first. */
  #promised(pod: PodInfo): { readonly kind: 'placed'; readonly node: NodeState } | undefined {
    const node = this.#cluster.node(this.#nominated.of(pod.uid) ?? '')
    if (node === undefined) return undefined
    const prepared = prepareFilters(this.#cluster, pod, this.#of(pod).plugins.filters)
    return 'check' in prepared && prepared.check(node) === undefined && this.#leavesPromisesKept(pod, node) === undefined
      ? { kind: 'placed', node }
      : undefined
  }

  /** Pods of the same or higher priority that were promised this node count as if they were there already. */
  #leavesPromisesKept(pod: PodInfo, node: NodeState): Refusal | undefined {
    const promised = this.#nominated
      .awaitedOn(node.name, this.#cluster)
      .filter((other) => other.uid !== pod.uid && other.priority >= pod.priority)
    if (promised.length === 0) return undefined
    for (const other of promised) this.#cluster.place(other, node.name)
    const prepared = prepareFilters(this.#cluster, pod, this.#of(pod).plugins.filters)
    const refused = 'check' in prepared ? prepared.check(node) : undefined
    for (const other of promised) this.#cluster.take(other.uid)
    return refused
  }

  #inBackground(pod: PodInfo, work: () => Promise<unknown>): void {
    this.#bindings++
    work()
      .catch((error: unknown) => {
        if (this.#scope.signal.aborted) return
        this.#scope.log.warn('pod not bound', { pod: pod.key, error: messageOf(error) })
        this.#giveUp(pod.uid)
        if (error instanceof VolumesNotBound) this.#refusals.report(pod, messageOf(error), 'nowhere', 'SchedulerError')
      })
      .finally(() => {
        this.#bindings--
        this.#wake()
      })
  }

  /** Its claims get their devices first; when it is not bound after all, it leaves them. */
  async #bindWithDevices(pod: PodInfo, node: NodeState, binder: Extender | undefined, reservation: Reservation): Promise<void> {
    const scope = this.#scope
    const written = new Set<string>()
    let claims: readonly resource.ResourceClaim[] = []
    try {
      claims = await bindClaims(scope, this.#client, reservation, (uid) => written.add(uid))
      if (mustWait(claims, scope.clock.now())) {
        const note = `waiting for binding conditions for device on node ${node.name}`
        this.#of(pod).events.event(pod.pod, 'Normal', 'BindingConditionsPending', 'Scheduling', note)
        const latest: Parameters<typeof whenReady>[2] = ({ metadata }) => this.#claim(metadata?.namespace ?? '', metadata?.name ?? '')
        await this.#aside(whenReady(scope, claims, latest, this.#of(pod).profile.devices.bindTimeoutMs))
      }
      if (!(await this.#bind(pod, node, binder))) await unreserve(scope, this.#client, claims, pod.uid)
    } catch (error) {
      await unreserve(scope, this.#client, claims, pod.uid).catch(() => undefined)
      throw error
    } finally {
      this.#devices.settle(pod.uid, written)
    }
  }

  /** The pod keeps its place while its volumes are bound or made. False: it is gone. */
  async #bindVolumes(pod: PodInfo, node: NodeState): Promise<boolean> {
    const { view } = this.#sources
    if (!(await claimVolumes(this.#scope, this.#client, view, pod, node))) return true
    const terms = { view, changes: this.#storageChanges, timeoutMs: this.#of(pod).profile.volumes.bindTimeoutMs }
    return this.#aside(whenBound(this.#scope, terms, pod, node, () => this.#assumed.has(pod.uid)))
  }

  /** Who waits for others, for minutes maybe, is none of those that are being bound. */
  async #aside<T>(waiting: Promise<T>): Promise<T> {
    this.#bindings--
    this.#wake()
    try {
      return await waiting
    } finally {
      this.#bindings++
    }
  }

  /** Whether it was. */
  async #bind(pod: PodInfo, node: NodeState, binder: Extender | undefined): Promise<boolean> {
    const { namespace, name, uid } = pod
    if (pod.claims.length > 0 && !(await this.#bindVolumes(pod, node))) return false
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target: { kind: 'Node', name: node.name } }
    try {
      if (binder !== undefined) await binder.bind(this.#scope, pod, node)
      else await this.#client.resource(refs.pods).subresource(this.#scope, { namespace, name }, 'binding', { verb: 'create', body })
    } catch (error) {
      const fate = await fateOf(this.#scope, this.#client, pod, node.name, error)
      if (fate === 'refused' && !isConflict(error) && !isNotFound(error)) throw error
      if (fate !== 'bound') {
        // Gone, or bound by somebody else: the informer tells which.
        this.#giveUp(uid)
        return false
      }
    }
    this.#queue.delete(uid)
    this.#nominated.delete(uid)
    this.#of(pod).events.event(pod.pod, 'Normal', 'Scheduled', 'Binding', `Successfully assigned ${pod.key} to ${node.name}`)
    return true
  }
}
