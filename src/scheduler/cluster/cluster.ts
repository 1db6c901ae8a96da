import { type core, deepEqual } from '#api'
import type { PodInfo } from '../pod/pod-info.ts'
import { amountsOf } from '../pod/requests.ts'
import type { PodMatcher } from '../pod/terms.ts'
import { Column, Topology } from './columns.ts'
import { LoadChanges, LoadMemo } from './load-memo.ts'
import { MatcherIndex } from './matcher-index.ts'
import { NodeMemo } from './node-memo.ts'
import { type NodeState, nodeState } from './node-state.ts'
import { OwnedTerms } from './owned-terms.ts'
import { PodCounter } from './pod-counter.ts'

const FIRST_CAPACITY = 64
const MOST_COUNTERS = 1000
const MOST_MEMOS = 256
const MOST_LOAD_MEMOS = 96

/**
 * Everything a decision is made from: nodes, what they offer, what is placed on them. Columns by node slot, changed in small steps as objects change;
 * a decision reads it between two changes, so it is its own snapshot. Placing and taking away again leaves no trace, which is how
 * "what if" questions are asked (preemption, nominated pods).
 */
export class Cluster {
  readonly #slots: (NodeState | undefined)[] = []
  readonly #free: number[] = []
  readonly #byName = new Map<string, NodeState>()
  readonly #placed = new Map<string, { readonly pod: PodInfo; readonly nodeName: string }>()
  /** Pods whose node is not known yet: they count once it is. */
  readonly #waiting = new Map<string, Map<string, PodInfo>>()
  readonly #allocatable = new Map<string, Column>()
  readonly #requested = new Map<string, Column>()
  readonly #topologies = new Map<string, Topology>()
  readonly #counters = new Map<string, PodCounter>()
  readonly #counterIndex = new MatcherIndex<PodCounter>(({ matcher }) => matcher)
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>()
  readonly #claims = new Map<string, number>()
  readonly #imageHolders = new Map<string, number>()
  readonly #memos = new Map<string, NodeMemo>()
  readonly #loads = new LoadChanges()
  readonly #loadMemos = new Map<string, LoadMemo>()
  /** How many nodes have taints that keep pods away, taints that pods should rather avoid, or are closed. */
  readonly restrictions = { hardTaints: 0, softTaints: 0, unschedulable: 0 }
  readonly weighedCpu = new Column(FIRST_CAPACITY)
  readonly weighedMemory = new Column(FIRST_CAPACITY)
  readonly podCount = new Column(FIRST_CAPACITY)
  readonly antiAffinity: OwnedTerms
  /** Terms of placed pods that make a node more attractive (weight above 0, or required) or less. */
  readonly attractions: OwnedTerms
  #order: readonly NodeState[] | undefined
  #slotOrder: Int32Array | undefined

  constructor() {
    const slots = (): Iterable<number> => this.#occupied()
    const topology = (key: string): Topology => this.topology(key)
    this.antiAffinity = new OwnedTerms((pod) => pod.antiAffinity, slots, topology)
    this.attractions = new OwnedTerms((pod) => pod.attractions, slots, topology)
  }

  *#occupied(): Iterable<number> {
    for (const node of this.nodes()) yield node.slot
  }

  /** In a stable order. */
  nodes(): readonly NodeState[] {
    this.#order ??= this.#slots.filter((node) => node !== undefined)
    return this.#order
  }

  /** Of `nodes`, in the same order. */
  slotsInOrder(): Int32Array {
    this.#slotOrder ??= Int32Array.from(this.nodes(), ({ slot }) => slot)
    return this.#slotOrder
  }

  at(slot: number): NodeState | undefined {
    return this.#slots[slot]
  }

  node(name: string): NodeState | undefined {
    return this.#byName.get(name)
  }

  placedOn(uid: string): string | undefined {
    return this.#placed.get(uid)?.nodeName
  }

  allocatable(resource: string): Column {
    return columnOf(this.#allocatable, resource)
  }

  requested(resource: string): Column {
    return columnOf(this.#requested, resource)
  }

  setNode(node: core.Node): void {
    const name = node.metadata?.name ?? ''
    const before = this.#byName.get(name)
    const slot = before?.slot ?? this.#free.pop() ?? this.#slots.length
    const after = nodeState(slot, node, before)
    this.#countImages(before, -1)
    this.#countImages(after, 1)
    this.#restrict(before, -1)
    this.#restrict(after, 1)
    if (before === undefined || !sameLabels(before.labels, after.labels) || !deepEqual(before.hardTaints, after.hardTaints))
      for (const memo of this.#memos.values()) memo.forget(slot)
    this.#slots[slot] = after
    this.#byName.set(name, after)
    this.#order = undefined
    if (before === undefined) this.#slotOrder = undefined
    const offered = amountsOf(node.status?.allocatable)
    for (const resource of new Set([...this.#allocatable.keys(), ...offered.keys()]))
      this.allocatable(resource).set(slot, offered.get(resource) ?? 0)
    this.#loads.changed(slot)
    let moved = before === undefined
    for (const [key, topology] of this.#topologies) {
      if (before !== undefined && before.labels[key] === after.labels[key]) continue
      topology.set(slot, after.labels[key])
      moved = true
    }
    if (moved) this.#forgetDomains()
    const waiting = this.#waiting.get(name)
    this.#waiting.delete(name)
    for (const pod of waiting?.values() ?? []) this.place(pod, name)
  }

  /** Its pods are kept aside: they count again when a node of that name comes back. */
  removeNode(name: string): void {
    const node = this.#byName.get(name)
    if (node === undefined) return
    const pods = [...node.pods.values()]
    for (const pod of pods) this.take(pod.uid)
    this.#countImages(node, -1)
    this.#restrict(node, -1)
    this.#byName.delete(name)
    this.#slots[node.slot] = undefined
    this.#free.push(node.slot)
    this.#order = undefined
    this.#slotOrder = undefined
    for (const topology of this.#topologies.values()) topology.clear(node.slot)
    for (const column of this.#allocatable.values()) column.set(node.slot, 0)
    this.#loads.changed(node.slot)
    this.#forgetDomains()
    for (const pod of pods) this.place(pod, name)
  }

  #countImages(node: NodeState | undefined, sign: 1 | -1): void {
    for (const image of node?.images.keys() ?? []) {
      const count = this.imageHolders(image) + sign
      if (count === 0) this.#imageHolders.delete(image)
      else this.#imageHolders.set(image, count)
    }
  }

  #restrict(node: NodeState | undefined, sign: 1 | -1): void {
    if (node === undefined) return
    const { restrictions } = this
    if (node.hardTaints.length > 0) restrictions.hardTaints += sign
    if (node.softTaints.length > 0) restrictions.softTaints += sign
    if (node.unschedulable) restrictions.unschedulable += sign
  }

  /** Places of nodes so far, in use or not. */
  get slots(): number {
    return this.#slots.length
  }

  /** What `compute` says of each node, remembered under `key` until the node's labels or taints change; forgotten when many others have been asked for since. */
  memo(key: string, compute: (node: NodeState) => number): NodeMemo {
    const known = this.#memos.get(key)
    if (known !== undefined) return known
    const memo = new NodeMemo(compute)
    this.#memos.set(key, memo)
    const [oldest] = this.#memos.keys()
    if (this.#memos.size > MOST_MEMOS && oldest !== undefined) this.#memos.delete(oldest)
    return memo
  }

  /** A number that depends on what a node offers and holds in sum, under a key for all that have the same. Forgotten when many others have been asked for since. */
  loadMemo(key: string): LoadMemo {
    const memo = this.#loadMemos.get(key) ?? new LoadMemo(this.#loads)
    this.#loadMemos.delete(key)
    this.#loadMemos.set(key, memo)
    const [oldest] = this.#loadMemos.keys()
    if (this.#loadMemos.size > MOST_LOAD_MEMOS && oldest !== undefined) this.#loadMemos.delete(oldest)
    return memo
  }

  /** Another number whenever what a node offers or holds has changed. */
  loadVersion(slot: number): number {
    return this.#loads.versionOf(slot)
  }

  /** Another number whenever a node, or what one offers or holds, has changed. */
  get loadChanges(): number {
    return this.#loads.count
  }

  /** How many nodes have an image. */
  imageHolders(image: string): number {
    return this.#imageHolders.get(image) ?? 0
  }

  #forgetDomains(): void {
    for (const counter of this.#counters.values()) counter.forgetDomains()
    this.antiAffinity.forgetDomains()
    this.attractions.forgetDomains()
  }

  /** Puts a pod on a node, or moves it there. */
  place(pod: PodInfo, nodeName: string): void {
    this.take(pod.uid)
    this.#placed.set(pod.uid, { pod, nodeName })
    const node = this.#byName.get(nodeName)
    if (node === undefined) {
      const waiting = this.#waiting.get(nodeName) ?? new Map<string, PodInfo>()
      this.#waiting.set(nodeName, waiting.set(pod.uid, pod))
      return
    }
    node.pods.set(pod.uid, pod)
    node.ports.push(...pod.ports)
    this.#count(pod, node.slot, 1)
  }

  take(uid: string): void {
    const placed = this.#placed.get(uid)
    if (placed === undefined) return
    this.#placed.delete(uid)
    const { pod, nodeName } = placed
    const node = this.#byName.get(nodeName)
    if (node?.pods.delete(uid) !== true) {
      this.#waiting.get(nodeName)?.delete(uid)
      return
    }
    for (const port of pod.ports) node.ports.splice(node.ports.indexOf(port), 1)
    this.#count(pod, node.slot, -1)
  }

  /** A newer state of a placed pod in which nothing that counts has changed. */
  renew(uid: string, object: core.Pod): void {
    const placed = this.#placed.get(uid)
    if (placed === undefined) return
    const pod = { ...placed.pod, pod: object }
    this.#placed.set(uid, { ...placed, pod })
    const node = this.#byName.get(placed.nodeName)
    if (node === undefined) {
      this.#waiting.get(placed.nodeName)?.set(uid, pod)
      return
    }
    node.pods.set(uid, pod)
    // Who has run longer is kept rather, when pods have to go.
    if (placed.pod.pod.status?.startTime !== object.status?.startTime) this.#loads.changed(node.slot)
  }

  #count(pod: PodInfo, slot: number, sign: 1 | -1): void {
    for (const [resource, amount] of pod.requests) this.requested(resource).add(slot, sign * amount)
    this.weighedCpu.add(slot, sign * pod.weighing.cpu)
    this.weighedMemory.add(slot, sign * pod.weighing.memory)
    this.podCount.add(slot, sign)
    this.#loads.changed(slot)
    if (this.#counters.size > 0) this.#counterIndex.forEachMatching(pod, this.namespaceLabels, (counter) => counter.add(slot, sign))
    for (const claim of pod.claims) {
      const key = `${pod.namespace}/${claim}`
      this.#claims.set(key, (this.#claims.get(key) ?? 0) + sign)
      if (this.#claims.get(key) === 0) this.#claims.delete(key)
    }
    if (pod.antiAffinity.length > 0) this.antiAffinity.change(pod, slot, sign)
    if (pod.attractions.length > 0) this.attractions.change(pod, slot, sign)
  }

  /** Placed pods that use a claim. */
  usersOfClaim(namespace: string, claim: string): number {
    return this.#claims.get(`${namespace}/${claim}`) ?? 0
  }

  topology(key: string): Topology {
    const known = this.#topologies.get(key)
    if (known !== undefined) return known
    const topology = new Topology()
    for (const node of this.nodes()) topology.set(node.slot, Object.hasOwn(node.labels, key) ? node.labels[key] : undefined)
    this.#topologies.set(key, topology)
    return topology
  }

  /** Kept up to date from now on, until many others have been asked for since. */
  counter(matcher: PodMatcher): PodCounter {
    const known = this.#counters.get(matcher.key)
    if (known !== undefined) {
      this.#counters.delete(matcher.key)
      this.#counters.set(matcher.key, known)
      return known
    }
    const counter = new PodCounter(
      matcher,
      this.#slots.length,
      () => this.#occupied(),
      (key) => this.topology(key),
    )
    for (const node of this.nodes())
      for (const pod of node.pods.values()) if (matcher.matches(pod, this.namespaceLabels)) counter.add(node.slot, 1)
    this.#counters.set(matcher.key, counter)
    this.#counterIndex.add(counter)
    const [oldest] = this.#counters.values()
    if (this.#counters.size > MOST_COUNTERS && oldest !== undefined) {
      this.#counters.delete(oldest.matcher.key)
      this.#counterIndex.delete(oldest)
    }
    return counter
  }

  readonly namespaceLabels = (namespace: string): Readonly<Record<string, string>> | undefined => this.#namespaces.get(namespace)

  setNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): void {
    if (labels === undefined) this.#namespaces.delete(name)
    else this.#namespaces.set(name, labels)
    // Namespace selectors may see other pods now.
    this.#counters.clear()
    this.#counterIndex.clear()
  }
}

function sameLabels(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  if (one === other) return true
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}

function columnOf(columns: Map<string, Column>, resource: string): Column {
  let column = columns.get(resource)
  if (column === undefined) {
    column = new Column(FIRST_CAPACITY)
    columns.set(resource, column)
  }
  return column
}
