import type { Clock, Random } from '#base'
import type { resource } from '#api'
import type { Cluster } from '../../cluster/cluster.ts'
import { DYNAMIC_RESOURCES } from '../../config/plugin-sets.ts'
import type { Profile } from '../../config/profile.ts'
import type { NodeState } from '../../cluster/node-state.ts'
import {
  type FilterPlugin,
  type PreparedFilter,
  type Refusal,
  type ScorePlugin,
  normaliseToHighest,
  refusal,
} from '../../framework/plugin.ts'
import { nodeSelectorMatches } from '../../pod/node-match.ts'
import type { PodInfo } from '../../pod/pod-info.ts'
import { hasAlternatives, worthOf } from './alternatives.ts'
import { type Budget, allocate, fullBudget } from './allocate.ts'
import { readiness } from './binding-conditions.ts'
import type { DeviceView } from './device-view.ts'
import { type ExtendedClaim, extendedClaimOf } from './extended-claim.ts'
import { claimsOf, extendedOf, hasClaims } from './pod-devices.ts'
import { poolsFor } from './pools.ts'
import { Selectors, UnfitClaim, UnfitPools } from './selectors.ts'
import { type UsedDevices, usedDevices } from './used-devices.ts'

/** A claim has its devices, and they are not where this node can use them. */
export const NOT_ON_NODE = 'resourceclaim not available on the node'

type Limits = Profile['devices']
const NOT_HELPFUL = (nodes: number): string =>
  `no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`

/** What a pod gets on a node: written into its claims before it is bound. */
export interface Reservation {
  readonly pod: PodInfo
  readonly claims: readonly {
    readonly claim: resource.ResourceClaim
    /** Undefined: it has its devices already. */
    readonly allocation: resource.AllocationResult | undefined
  }[]
  /** To be made first. */
  readonly extended: (ExtendedClaim & { readonly allocation: resource.AllocationResult }) | undefined
}

/**
 * Devices that drivers announce, given to the claims of pods. A pod without claims is told from others by one look at its specification; for the others the
 * free devices of each node are searched. What was decided counts as given away before the API says so.
 */
export class DynamicResources {
  readonly #view: DeviceView
  readonly #clock: Clock
  readonly #random: Random
  readonly #selectors = new Selectors()
  /** By claim uid, until the claim is seen with its devices. Those of claims that are still to be made are under the pod's uid. */
  readonly #pending = new Map<string, resource.AllocationResult>()
  readonly #reserved = new Map<string, Reservation>()

  constructor(view: DeviceView, clock: Clock, random: Random) {
    this.#view = view
    this.#clock = clock
    this.#random = random
  }

  plugin(limits: Limits): FilterPlugin {
    return { name: DYNAMIC_RESOURCES, prepare: (cluster, pod) => this.#prepare(cluster, pod, limits) }
  }

  /** Nodes where claims get the better of their alternatives are better. */
  preference(limits: Limits, weight: number): ScorePlugin {
    return {
      name: DYNAMIC_RESOURCES,
      weight,
      prepare: (_, pod) => {
        const work = this.#workOf(pod)
        if (work === undefined || 'message' in work || !work.claims.some(hasAlternatives)) return undefined
        // With all devices given, it is the same everywhere.
        if (work.claims.every(({ status }) => status?.allocation !== undefined)) return undefined
        const used = this.#used()
        const budget = fullBudget()
        return {
          score: (node) => {
            const given = this.#allocate(work, pod, node, used, budget, limits)
            if (given === undefined || 'reasons' in given) return 0
            return given.claims.reduce((sum, { claim, allocation }) => sum + worthOf(claim, allocation ?? claim.status?.allocation), 0)
          },
          normalise: (scores) => normaliseToHighest(scores, false),
        }
      },
    }
  }

  /** Whether a class of devices stands behind an extended resource. */
  readonly drives = (name: string): boolean => extendedOf(this.#view, [[name, 1]]).size > 0

  /** Its claims are still being made: it is not tried, and nobody is told. */
  isEarly({ pod }: PodInfo): boolean {
    if (!hasClaims(pod)) return false
    const devices = claimsOf(this.#view, pod, (uid) => this.#pending.has(uid))
    return devices.kind === 'wait' && devices.isEarly
  }

  /** Counts what the pod gets on the node it goes to as given away. Undefined for a pod without devices. */
  reserve(pod: PodInfo, node: NodeState, limits: Limits): Reservation | undefined {
    const work = this.#workOf(pod)
    if (work === undefined || 'message' in work) return undefined
    const given = this.#allocate(work, pod, node, this.#used(), fullBudget(), limits)
    if (given === undefined || 'reasons' in given) return undefined
    const reservation: Reservation = { pod, ...given }
    for (const { claim, allocation } of given.claims) if (allocation !== undefined) this.#pending.set(claim.metadata?.uid ?? '', allocation)
    if (given.extended !== undefined) this.#pending.set(pod.uid, given.extended.allocation)
    this.#reserved.set(pod.uid, reservation)
    return reservation
  }

  /** The claim has been seen as it is in the API: from now on that counts. */
  seen(claim: resource.ResourceClaim, isThere: boolean): void {
    if (isThere && claim.status?.allocation === undefined) return
    this.#pending.delete(claim.metadata?.uid ?? '')
  }

  /** The reservation has been written, or has come to nothing. `written`: by claim uid, what has been; it counts until it is seen. */
  settle(podUid: string, written: ReadonlySet<string>): void {
    const reservation = this.#reserved.get(podUid)
    this.#reserved.delete(podUid)
    if (reservation === undefined) return
    for (const { claim } of reservation.claims) {
      const uid = claim.metadata?.uid ?? ''
      const isSeen = this.#view.claim(claim.metadata?.namespace ?? '', claim.metadata?.name ?? '')?.status?.allocation !== undefined
      if (!written.has(uid) || isSeen) this.#pending.delete(uid)
    }
    if (
      reservation.extended !== undefined &&
      (!written.has(podUid) || this.#view.extendedClaimOf(podUid)?.status?.allocation !== undefined)
    )
      this.#pending.delete(podUid)
  }

  /** A claim that only this pod uses, whose devices one of these nodes cannot use or did not become ready: its devices can be given back. */
  useless(pod: PodInfo, nodes: readonly NodeState[], limits: Limits): resource.ResourceClaim | undefined {
    if (!hasClaims(pod.pod)) return undefined
    const devices = claimsOf(this.#view, pod.pod, (uid) => this.#pending.has(uid))
    if (devices.kind === 'wait') return undefined
    return devices.claims.find((claim) => {
      const { allocation, reservedFor = [] } = claim.status ?? {}
      if (allocation === undefined || reservedFor.some(({ uid }) => uid !== pod.uid)) return false
      return nodes.some((node) => !this.#isUsable(claim, node, limits))
    })
  }

  #prepare(cluster: Cluster, pod: PodInfo, limits: Limits): PreparedFilter | undefined {
    const work = this.#workOf(pod)
    if (work === undefined) return undefined
    if ('message' in work) return { kind: 'refused', message: work.message, tail: NOT_HELPFUL(cluster.nodes().length) }
    const used = this.#used()
    const { filterTimeoutMs } = limits
    let endMs = Number.POSITIVE_INFINITY
    const budget = { ...fullBudget(), isLate: () => this.#clock.monotonic() > endMs }
    const shared = new Map<string, Refusal>()
    const refuse = (reason: string): Refusal => {
      const known = shared.get(reason) ?? refusal(DYNAMIC_RESOURCES, reason, true)
      shared.set(reason, known)
      return known
    }
    const none = refusal('NodeResourcesFit', 'none', false)
    return {
      kind: 'check',
      check: (node) => {
        for (const name of work.extended.keys()) {
          const offered = cluster.allocatable(name).get(node.slot)
          if (offered > 0 && (pod.requests.get(name) ?? 0) > offered - cluster.requested(name).get(node.slot))
            return { ...none, reasons: [`Insufficient ${name}`] }
        }
        if (filterTimeoutMs > 0) endMs = this.#clock.monotonic() + filterTimeoutMs
        const given = this.#allocate(work, pod, node, used, budget, limits, (name) => cluster.allocatable(name).get(node.slot) > 0)
        if (given === undefined) return refuse('cannot allocate all claims')
        if (!('reasons' in given)) return undefined
        return given.isFailure === true ? { ...refuse(given.reasons), isFailure: true } : refuse(given.reasons)
      },
    }
  }

  #workOf(pod: PodInfo): Work | { readonly message: string } | undefined {
    const extended = extendedOf(this.#view, pod.requests)
    if (!hasClaims(pod.pod) && extended.size === 0) return undefined
    const devices = claimsOf(this.#view, pod.pod, (uid) => this.#pending.has(uid))
    return devices.kind === 'wait' ? { message: devices.message } : { claims: devices.claims, extended }
  }

  #isUsable(claim: resource.ResourceClaim, node: Pick<NodeState, 'name' | 'labels'>, { bindTimeoutMs }: Limits): boolean {
    const selector = claim.status?.allocation?.nodeSelector
    if (selector !== undefined && !nodeSelectorMatches(selector, node.name, node.labels)) return false
    const state = readiness(claim, this.#clock.now(), bindTimeoutMs)
    return state === 'ready' || state === 'waiting'
  }

  #allocate(
    { claims, extended }: Work,
    pod: PodInfo,
    node: NodeState,
    used: UsedDevices,
    budget: Budget,
    limits: Limits,
    hasPlugin: (resource: string) => boolean = (name) => Number(node.node.status?.allocatable?.[name] ?? '0') > 0,
  ): Pick<Reservation, 'claims' | 'extended'> | Unallocated | undefined {
    const open = claims.filter(({ status }) => status?.allocation === undefined)
    // A node that has it of a device plugin gives it as ever.
    const ofDrivers = new Map([...extended].filter(([name]) => !hasPlugin(name)))
    const before = ofDrivers.size === 0 ? undefined : this.#view.extendedClaimOf(pod.uid)
    if (before !== undefined) return { reasons: 'cannot schedule extended resource claim' }
    const made = ofDrivers.size === 0 ? undefined : extendedClaimOf(pod.pod, ofDrivers)
    const wanted = [...open, ...(made === undefined ? [] : [made.claim])]
    let results: readonly resource.AllocationResult[] | undefined = []
    if (wanted.length > 0) {
      try {
        results = allocate(wanted, {
          node,
          pools: poolsFor(this.#view, node),
          used,
          selectors: this.#selectors,
          classOf: (name) => this.#view.deviceClass(name),
          newShareId: () => uuid(this.#random),
          budget,
        })
      } catch (error) {
        if (error instanceof UnfitPools) return { reasons: error.message }
        if (error instanceof UnfitClaim) return { reasons: error.message, isFailure: true }
        throw error
      }
    }
    if (results === undefined) return undefined
    // Told last: what other claims lack on the node is found out first.
    if (claims.some((claim) => claim.status?.allocation !== undefined && !this.#isUsable(claim, node, limits)))
      return { reasons: NOT_ON_NODE }
    const allocations = results
    const last = allocations.at(-1)
    return {
      claims: claims.map((claim) => {
        const index = open.indexOf(claim)
        return { claim, allocation: index === -1 ? undefined : allocations[index] }
      }),
      extended: made === undefined || last === undefined ? undefined : { ...made, allocation: last },
    }
  }

  #used(): UsedDevices {
    const known = this.#view.allocatedClaims()
    return usedDevices([...known.map(({ status }) => status?.allocation), ...this.#pending.values()])
  }
}

interface Unallocated {
  readonly reasons: string
  readonly isFailure?: true
}

interface Work {
  readonly claims: readonly resource.ResourceClaim[]
  readonly extended: ReadonlyMap<string, string>
}

function uuid(random: Random): string {
  const bytes = Buffer.from(random.bytes(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
