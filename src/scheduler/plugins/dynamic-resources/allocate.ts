import { addQuantities, compareQuantities, type resource, toleratesDeviceTaint } from '#api'
import { hasRoom, shareOf } from './capacity.ts'
import { type Constraint, type RequestName, constraintOf } from './constraints.ts'
import { deviceKey } from './device-view.ts'
import { type NodeLike, type Pool, isOnNode } from './pools.ts'
import { allocationOf } from './result.ts'
import { type Selectors, UnfitClaim, UnfitPools } from './selectors.ts'
import type { UsedDevices } from './used-devices.ts'
import type { Candidate, Chosen, Wanted } from './wanted.ts'

const MOST_RESULTS = 32

/** Tries of a device for a claim that are left, for all nodes of a decision: a claim can ask for more combinations than there is time. */
export interface Budget {
  steps: number
  /** Asked from time to time. */
  readonly isLate?: () => boolean
}
const STEPS_BETWEEN_LOOKS = 256
export const fullBudget = (): Budget => ({ steps: 100_000 })

export interface AllocationFacts {
  readonly node: NodeLike
  readonly pools: readonly Pool[]
  readonly used: UsedDevices
  readonly selectors: Selectors
  readonly classOf: (name: string) => resource.DeviceClass | undefined
  readonly newShareId: () => string
  readonly budget: Budget
}

/** Devices of the node for each of the claims, or undefined when there are not enough that fit. Throws `UnfitClaim` and `UnfitPools`. */
export function allocate(
  claims: readonly resource.ResourceClaim[],
  facts: AllocationFacts,
): readonly resource.AllocationResult[] | undefined {
  const search = new Search(claims, facts)
  if (search.run()) return claims.map((claim, index) => allocationOf(claim, search.chosen[index] ?? [], facts.node.name))
  if (facts.pools.some(({ problem }) => problem !== undefined)) throw new UnfitPools('invalid resource pools were encountered')
  return undefined
}

/** Depth first, taking back what leads nowhere. */
class Search {
  readonly chosen: Chosen[][]
  readonly #claims: readonly resource.ResourceClaim[]
  readonly #facts: AllocationFacts
  readonly #constraints: readonly Constraint[][]
  /** By claim and request: its alternatives; one, when it has none. */
  readonly #wanted: readonly (readonly (readonly Wanted[])[])[]
  readonly #taken = new Set<string>()
  readonly #shares = new Map<string, Readonly<Record<string, string>>[]>()
  readonly #counted = new Map<Pool, Map<string, string>>()

  constructor(claims: readonly resource.ResourceClaim[], facts: AllocationFacts) {
    this.#claims = claims
    this.#facts = facts
    this.chosen = claims.map(() => [])
    this.#constraints = claims.map(({ spec }) => (spec.devices?.constraints ?? []).map(constraintOf))
    this.#wanted = claims.map(({ spec }, claim) =>
      (spec.devices?.requests ?? []).map(({ name, exactly, firstAvailable = [] }) =>
        exactly === undefined
          ? firstAvailable.map((one) => this.#want(claim, { base: name, alternative: one.name }, one))
          : [this.#want(claim, { base: name, alternative: undefined }, exactly)],
      ),
    )
  }

  run(): boolean {
    return this.#placeClaim(0)
  }

  #want(claim: number, name: RequestName, request: resource.ExactDeviceRequest | resource.DeviceSubRequest): Wanted {
    const { namespace = '', name: claimName = '' } = this.#claims[claim]?.metadata ?? {}
    const owner = `claim ${namespace}/${claimName}`
    const of = `${owner}, request ${name.alternative ?? name.base}`
    const deviceClass = this.#facts.classOf(request.deviceClassName)
    if (deviceClass === undefined)
      throw new UnfitClaim(
        `${of}: could not retrieve device class ${request.deviceClassName}: deviceclass.resource.k8s.io ${JSON.stringify(request.deviceClassName)} not found`,
      )
    const isAll = request.allocationMode === 'All'
    const isWanted = (slice: resource.ResourceSlice, device: resource.Device): boolean =>
      this.#isWanted(request, deviceClass, slice, device, owner)
    const candidates: Candidate[] = []
    for (const pool of this.#facts.pools) {
      const state = pool.isIncomplete ? 'being updated' : pool.problem === undefined ? undefined : 'invalid'
      if (state !== undefined && isAll)
        throw new UnfitClaim(`${of}: asks for all devices, but resource pool ${pool.driver}/${pool.name} is currently ${state}`)
      if (state !== undefined) continue
      // How many are all has to be known; otherwise devices are looked at one after the other, until there are enough.
      for (const slice of pool.slices)
        for (const device of slice.spec.devices ?? [])
          if (!isAll || isWanted(slice, device))
            candidates.push({ key: deviceKey({ driver: pool.driver, pool: pool.name, device: device.name }), pool, slice, device })
    }
    return {
      claim,
      name,
      request,
      deviceClass,
      candidates,
      isWanted: isAll ? undefined : isWanted,
      verdicts: new Map(),
      count: isAll ? candidates.length : (request.count ?? 1),
      isAdmin: 'adminAccess' in request && request.adminAccess === true,
    }
  }

  /** What of it does not depend on what else is given away. */
  #isWanted(
    request: resource.ExactDeviceRequest | resource.DeviceSubRequest,
    { spec, metadata }: resource.DeviceClass,
    slice: resource.ResourceSlice,
    device: resource.Device,
    owner: string,
  ): boolean {
    const { selectors, node } = this.#facts
    const { driver, perDeviceNodeSelection } = slice.spec
    if (perDeviceNodeSelection === true && !isOnNode(device, node)) return false
    if (!selectors.matches(spec.selectors, driver, device, `class ${metadata?.name ?? ''}`)) return false
    if (!selectors.matches(request.selectors, driver, device, owner)) return false
    return shareOf(request.capacity?.requests, device.capacity ?? {}) !== undefined
  }

  #placeClaim(claim: number): boolean {
    return claim >= this.#claims.length || this.#placeRequest(claim, 0)
  }

  #placeRequest(claim: number, index: number): boolean {
    const alternatives = this.#wanted[claim]?.[index]
    if (alternatives === undefined) return this.#placeClaim(claim + 1)
    return alternatives.some((wanted) => {
      if (wanted.count === 0 || (this.chosen[claim]?.length ?? 0) + wanted.count > MOST_RESULTS) return false
      return this.#placeDevices(wanted, wanted.count, 0, () => this.#placeRequest(claim, index + 1))
    })
  }

  #placeDevices(wanted: Wanted, left: number, from: number, then: () => boolean): boolean {
    if (left === 0) return then()
    // Of all devices each is needed.
    const last = wanted.candidates.length - left
    for (let at = from; at <= last; at++) {
      const candidate = wanted.candidates[at]
      if (candidate === undefined) return false
      if (!this.#canBe(wanted, candidate)) continue
      const undo = this.#take(wanted, candidate)
      if (undo === undefined) continue
      if (this.#placeDevices(wanted, left - 1, at + 1, then)) return true
      undo()
    }
    return false
  }

  /** Whether it is what is asked for, which a device that others have is not asked. */
  #canBe({ isWanted, isAdmin, verdicts }: Wanted, { key, slice, device }: Candidate): boolean {
    if (!isAdmin && (this.#facts.used.whole.has(key) || this.#taken.has(key))) return false
    if (isWanted === undefined) return true
    const known = verdicts.get(key) ?? isWanted(slice, device)
    verdicts.set(key, known)
    return known
  }

  /** Undefined when the device cannot be had; else what takes it back. */
  #take(wanted: Wanted, candidate: Candidate): (() => void) | undefined {
    const { budget } = this.#facts
    if (--budget.steps < 0 || (budget.steps % STEPS_BETWEEN_LOOKS === 0 && budget.isLate?.() === true))
      throw new UnfitClaim(`node ${this.#facts.node.name}: timed out trying to allocate devices`)
    const { used } = this.#facts
    const { key, pool, device } = candidate
    const { claim, name, request, isAdmin } = wanted
    const chosen = this.chosen[claim] ?? []
    const isShared = device.allowMultipleAllocations === true
    if (isAdmin ? !isShared && chosen.some((one) => one.candidate.key === key) : used.whole.has(key) || this.#taken.has(key))
      return undefined
    if (
      (device.taints ?? []).some(
        (taint) => keepsAway(taint) && !(request.tolerations ?? []).some((one) => toleratesDeviceTaint(one, taint)),
      )
    )
      return undefined
    const share = shareOf(request.capacity?.requests, device.capacity ?? {})
    const taken = [...(used.shares.get(key) ?? []), ...(this.#shares.get(key) ?? [])]
    if (share === undefined || !hasRoom(share, taken, device.capacity ?? {})) return undefined
    // Who shares a device has been counted with its first share.
    const counts = !(isShared && taken.length > 0)
    if (counts && !this.#count(pool, device)) return undefined
    const constraints = this.#constraints[claim] ?? []
    for (const [index, constraint] of constraints.entries()) {
      if (constraint.add(name, pool.driver, device)) continue
      for (const added of constraints.slice(0, index).reverse()) added.remove(name)
      if (counts) this.#uncount(pool, device)
      return undefined
    }
    if (isShared) this.#shares.set(key, [...(this.#shares.get(key) ?? []), share])
    else if (!isAdmin) this.#taken.add(key)
    chosen.push({ wanted, candidate, ...(isShared ? { share, shareId: this.#facts.newShareId() } : {}) })
    return () => {
      chosen.pop()
      if (isShared) this.#shares.set(key, (this.#shares.get(key) ?? []).slice(0, -1))
      else if (!isAdmin) this.#taken.delete(key)
      for (const constraint of constraints.toReversed()) constraint.remove(name)
      if (counts) this.#uncount(pool, device)
    }
  }

  /** Takes what the device uses of the pool's counters; false when there is not enough left. */
  #count(pool: Pool, device: resource.Device): boolean {
    if ((device.consumesCounters ?? []).length === 0) return true
    const before = this.#consumedOf(pool)
    const after = new Map(before)
    for (const { counterSet, counters } of device.consumesCounters ?? []) {
      for (const [name, { value }] of Object.entries(counters)) {
        const sum = addQuantities(after.get(`${counterSet}/${name}`) ?? '0', value)
        if (compareQuantities(sum, pool.counters.get(counterSet)?.counters[name]?.value ?? '0') > 0) return false
        after.set(`${counterSet}/${name}`, sum)
      }
    }
    this.#counted.set(pool, after)
    this.#before.push([device, before])
    return true
  }
  readonly #before: [resource.Device, Map<string, string>][] = []

  #uncount(pool: Pool, device: resource.Device): void {
    if ((device.consumesCounters ?? []).length === 0) return
    const last = this.#before.pop()
    if (last?.[0] !== device) throw new TypeError('devices are taken back in reverse')
    this.#counted.set(pool, last[1])
  }

  /** With what all devices of the pool that are given away use, wherever they are. */
  #consumedOf(pool: Pool): Map<string, string> {
    const known = this.#counted.get(pool)
    if (known !== undefined) return known
    const consumed = new Map<string, string>()
    const { whole, shares } = this.#facts.used
    for (const { spec } of pool.all) {
      for (const device of spec.devices ?? []) {
        const key = deviceKey({ driver: pool.driver, pool: pool.name, device: device.name })
        if (!whole.has(key) && !shares.has(key)) continue
        for (const { counterSet, counters } of device.consumesCounters ?? [])
          for (const [name, { value }] of Object.entries(counters))
            consumed.set(`${counterSet}/${name}`, addQuantities(consumed.get(`${counterSet}/${name}`) ?? '0', value))
      }
    }
    this.#counted.set(pool, consumed)
    return consumed
  }
}

const keepsAway = ({ effect }: resource.DeviceTaint): boolean => effect === 'NoSchedule' || effect === 'NoExecute'
