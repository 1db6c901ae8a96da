import type { GatewayModel } from '../model/model.ts'
import { type Rule, encodeProgram } from '#routing'
import { MAPS, type MapName } from '../model/wish.ts'

/** A backend of the configuration that is in use. */
export interface Slot {
  readonly number: number
  /** Name in the configuration (`sN`) by `address:port`. */
  readonly servers: Map<string, string>
  /** Servers that get no new requests and are not deleted yet: address by name. */
  readonly leaving: Map<string, string>
  nextServer: number
}

export interface Program {
  readonly number: number
  readonly text: string
}

export interface LoadedCertificate {
  readonly number: number
  readonly pem: string
  readonly names: readonly string[]
}

/** A backend without servers, for routes that lead to nothing. */
export const NO_BACKEND = 'none'
export const backendName = (slot: number): string => `b${slot}`

const SMALLEST_POOL = 64

/** Room for half as many backends again. */
export function poolSizeFor(backends: number): number {
  let size = SMALLEST_POOL
  while (size < backends * 1.5) size *= 2
  return size
}

/**
 * What one HAProxy has been told since it started. Backends stand in its configuration as a pool of numbers, since it cannot make new ones while it runs;
 * routes, servers and certificates are changed while it runs. When a command fails, nothing of this can be relied on: it is given up with the process.
 */
export class Told {
  readonly poolSize: number
  /** By key of the backend. */
  readonly slots = new Map<string, Slot>()
  /** By kind, then by key; values are names of backends of the configuration. */
  readonly maps: Readonly<Record<MapName, Map<string, string>>> = { exact: new Map(), prefix: new Map(), defaults: new Map() }
  /** Routes that are more than the name of a backend, by kind and key. */
  readonly programs = new Map<string, Program>()
  /** By key of the Secret. */
  readonly certificates = new Map<string, LoadedCertificate>()
  nextCertificate = 1
  readonly #withLeaving = new Set<Slot>()
  /** Of no key any more, and not free while they have servers that are leaving. */
  readonly #retired = new Set<Slot>()
  readonly #free: number[] = []
  readonly #freePrograms: number[] = []
  #nextSlot = 0
  #nextProgram = 0

  constructor(poolSize: number) {
    this.poolSize = poolSize
  }

  /** The slot of a backend, a new one where it has none; undefined when the pool is used up. */
  slotFor(key: string): Slot | undefined {
    const known = this.slots.get(key)
    if (known !== undefined) return known
    const number = this.#free.pop() ?? (this.#nextSlot < this.poolSize ? this.#nextSlot++ : undefined)
    if (number === undefined) return undefined
    const slot: Slot = { number, servers: new Map(), leaving: new Map(), nextServer: 0 }
    this.slots.set(key, slot)
    return slot
  }

  /** The backend is no more. */
  retire(key: string): void {
    const slot = this.slots.get(key)
    if (slot === undefined) return
    this.slots.delete(key)
    if (slot.leaving.size === 0) this.#free.push(slot.number)
    else this.#retired.add(slot)
  }

  leave(slot: Slot, name: string, address: string): void {
    slot.leaving.set(name, address)
    this.#withLeaving.add(slot)
  }

  /** It is deleted, or it came back. */
  left(slot: Slot, name: string): void {
    slot.leaving.delete(name)
    if (slot.leaving.size > 0) return
    this.#withLeaving.delete(slot)
    if (this.#retired.delete(slot)) this.#free.push(slot.number)
  }

  leaving(): readonly { readonly slot: Slot; readonly name: string }[] {
    return [...this.#withLeaving].flatMap((slot) => [...slot.leaving.keys()].map((name) => ({ slot, name })))
  }

  /**
   * What a route is to HAProxy, which may be a program that is now this one; the number of a program stays for as long as the route is one. An answer of
   * `prefix` says how long its key is: whose rules do not take a request is asked again with less of the path.
   */
  valueOf(map: MapName, key: string, rules: readonly Rule[]): string {
    const id = `${map} ${key}`
    const plain = plainBackend(rules)
    if (plain !== undefined) return plain === '' ? NO_BACKEND : this.#nameOf(plain)
    const number = this.programs.get(id)?.number ?? this.#freePrograms.pop() ?? this.#nextProgram++
    this.programs.set(id, { number, text: encodeProgram(rules, (backend) => this.#nameOf(backend)) })
    return map === 'prefix' ? `p${number}/${key.length}` : `p${number}`
  }

  /** The route is no program any more. */
  dropProgram(map: MapName, key: string): void {
    const id = `${map} ${key}`
    const program = this.programs.get(id)
    if (program !== undefined) this.#freePrograms.push(program.number)
    this.programs.delete(id)
  }

  #nameOf(backend: string): string {
    const slot = this.slots.get(backend)
    return slot === undefined ? NO_BACKEND : backendName(slot.number)
  }
}

/** The backend of a route that says nothing else, empty when it is nobody; undefined: it says more. */
function plainBackend(rules: readonly Rule[]): string | undefined {
  const [rule, ...others] = rules
  if (rule === undefined) return ''
  if (others.length > 0 || rule.when !== undefined || rule.action.kind !== 'forward') return undefined
  const { to, edits = [] } = rule.action
  const shares = to.filter(({ weight }) => weight > 0)
  return edits.length > 0 || shares.length > 1 ? undefined : (shares[0]?.backend ?? '')
}

/** The state of a HAProxy that starts with this model, and has no past. */
export function freshState(model: GatewayModel): Told {
  const backends = [...model.backends()]
  const told = new Told(poolSizeFor(backends.length))
  for (const key of backends) {
    const slot = told.slotFor(key)
    for (const address of model.addresses(key) ?? []) slot?.servers.set(address, `s${slot.nextServer++}`)
  }
  for (const map of MAPS)
    for (const key of model.routeKeys(map)) {
      // A canary alone is no route.
      const rules = model.route(map, key)
      if (rules !== undefined) told.maps[map].set(key, told.valueOf(map, key, rules))
    }
  for (const key of model.certificates()) {
    const certificate = model.certificate(key)
    if (certificate !== undefined) told.certificates.set(key, { number: told.nextCertificate++, ...certificate })
  }
  return told
}
