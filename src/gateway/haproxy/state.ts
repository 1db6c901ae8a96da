import type { GatewayModel } from '../model/model.ts'
import { type Rule, answers, encodeProgram, forScheme, looksAtScheme } from '#routing'
import type { Standing } from '../model/standing.ts'
import { MAPS, type MapName, SYSTEM_AUTHORITIES, type Transport } from '../model/wish.ts'

/** A backend of the configuration that is in use. */
export interface Slot {
  readonly pool: Pool
  readonly number: number
  /** Name in the configuration. */
  readonly name: string
  /** Name in the configuration (`sN`) by what the server is, as `serversOf` gives it. */
  readonly servers: Map<string, string>
  /** Servers that get no new requests and are not deleted yet: what they are by name. */
  readonly leaving: Map<string, string>
  /** Servers without an address that it has had from the start. */
  readonly spare: string[]
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
/** Backends that give one answer, by what a share says in the place of a backend. */
export const ANSWERING: ReadonlyMap<string, string> = new Map([
  [answers(403), 'e403'],
  [answers(404), 'e404'],
  [answers(500), 'e500'],
  [answers(503), NO_BACKEND],
])
/** The pools, by what is spoken in them: requests, or connections as they are. */
export type Pool = 'http' | 'tcp'
export const POOLS = ['http', 'tcp'] as const
export const backendName = (slot: number, pool: Pool = 'http'): string => `${pool === 'http' ? 'b' : 't'}${slot}`

/**
 * Making a server stops all of HAProxy's threads at once, which takes milliseconds where they do not get a processor; giving one an address does not. So the
 * backends that are given away next have some already. Each is 6 kB of HAProxy's memory.
 */
const SPARE_SERVERS = ['s0', 's1'] as const
const PREPARED_SLOTS = 256
/** What cannot be told stands in the configuration: so many backends more can have what one has already, or half as many again as have it. */
const SPARE_STANDING = 8
const withSpare = (count: number): number => count + Math.max(SPARE_STANDING, Math.ceil(count / 2))

const SMALLEST_POOL: Readonly<Record<Pool, number>> = { http: 64, tcp: 8 }
const TRANSPORT_WORDS: Readonly<Record<Exclude<Transport, 'verified'>, string>> = {
  http: '',
  tcp: '',
  h2c: ' proto h2',
  tls: ' ssl verify none',
}
/** The machine's own. */
const SYSTEM_FILE = '@system-ca'

/** Room for half as many backends again. */
export function poolSizeFor(backends: number, pool: Pool = 'http'): number {
  let size = SMALLEST_POOL[pool]
  while (size < backends * 1.5) size *= 2
  return size
}

/**
 * What one HAProxy has been told since it started. Backends stand in its configuration as a pool of numbers, since it cannot make new ones while it runs;
 * routes, servers and certificates are changed while it runs. When a command fails, nothing of this can be relied on: it is given up with the process.
 */
export class Told {
  readonly poolSizes: Readonly<Record<Pool, number>>
  /** By key of the backend. */
  readonly slots = new Map<string, Slot>()
  /** By kind, then by key; values are names of backends of the configuration. */
  readonly maps: Readonly<Record<MapName, Map<string, string>>> = {
    exact: new Map(),
    prefix: new Map(),
    defaults: new Map(),
    sni: new Map(),
    listeners: new Map(),
  }
  /** Routes that are more than the name of a backend, by kind and key. */
  readonly programs = new Map<string, Program>()
  /** Whom servers are asked for, and have to prove to be, by the name of their backend. */
  readonly names = new Map<string, string>()
  /** By the name of a backend: the number of its Service's policies. */
  readonly governed = new Map<string, number>()
  /** By the name of a backend: how long requests wait for a server with room, where that is not as usual. It cannot be told. */
  readonly queuesMs = new Map<string, number>()
  /** What was said of policies when the process began; changes are told beside all others. */
  readonly policies: ReadonlyMap<string, string>
  /** Files of authorities by their key, in the folder of certificates. */
  readonly authorities: ReadonlyMap<string, string>
  /** By key of the Secret. */
  readonly certificates = new Map<string, LoadedCertificate>()
  nextCertificate = 1
  readonly #withLeaving = new Set<Slot>()
  /** Of no key any more, and not free while they have servers that are leaving. */
  readonly #retired = new Set<Slot>()
  readonly #free: Readonly<Record<Pool, number[]>> = { http: [], tcp: [] }
  /** Of requests; the last one that had the number: lines about it may come after it is gone. */
  readonly #byNumber: { readonly key: string; readonly slot: Slot }[] = []
  /** By the number of a backend of requests: what its configuration says of it alone. */
  readonly #standing = new Map<number, Standing>()
  readonly #freeStanding = new Map<Standing, number[]>()
  /** Of backends that are nobody's, by their number. */
  readonly #spares = new Map<number, readonly string[]>()
  readonly #freePrograms: number[] = []
  readonly #nextSlot: Record<Pool, number> = { http: 0, tcp: 0 }
  #nextProgram = 0

  constructor(
    poolSizes: Readonly<Record<Pool, number>>,
    authorities: Iterable<string> = [],
    policies: ReadonlyMap<string, string> = new Map(),
  ) {
    this.poolSizes = poolSizes
    this.policies = new Map(policies)
    this.authorities = new Map([...authorities].map((key, at) => [key, key === SYSTEM_AUTHORITIES ? SYSTEM_FILE : `a${at}.pem`]))
  }

  /** What the servers of a backend are to HAProxy, but for the settings that all have. */
  serversOf(model: GatewayModel, key: string): readonly string[] {
    const addresses = model.addresses(key) ?? []
    const transport = model.transport(key)
    const more = model.treatment(key)?.serverWords ?? ''
    if (transport !== 'verified') return addresses.map((address) => `${address}${TRANSPORT_WORDS[transport]}${more}`)
    const file = this.authorities.get(model.verification(key)?.authority ?? '')
    // Whose certificate could not be verified is not spoken to.
    return file === undefined ? [] : addresses.map((address) => `${address} ssl verify required ca-file ${file} sni var(txn.sni)${more}`)
  }

  /** The slot of a backend, a new one where it has none; undefined when the pool is used up. */
  slotFor(key: string, pool: Pool, standing?: Standing): Slot | undefined {
    const known = this.slots.get(key)
    if (known !== undefined) return known
    // The one that has been free for longest comes last: what is still said about a number is said of its last owner.
    const number =
      standing !== undefined
        ? this.#freeStanding.get(standing)?.shift()
        : this.#nextSlot[pool] < this.poolSizes[pool]
          ? this.#nextSlot[pool]++
          : this.#free[pool].shift()
    if (number === undefined) return undefined
    const spare = pool === 'http' ? [...(this.#spares.get(number) ?? [])] : []
    // None has the name of one that is there.
    const nextServer = spare.length === 0 ? 0 : SPARE_SERVERS.length
    const slot: Slot = { number, pool, name: backendName(number, pool), servers: new Map(), leaving: new Map(), spare, nextServer }
    this.slots.set(key, slot)
    if (pool === 'http') this.#byNumber[number] = { key, slot }
    return slot
  }

  /** Backends of whom the configuration says this, before any other is given away; those that are in use are `count`. */
  prepareStanding(standing: Standing, count: number): void {
    const numbers = Array.from({ length: withSpare(count) }, () => this.#nextSlot.http++)
    for (const number of numbers) this.#standing.set(number, standing)
    this.#freeStanding.set(standing, numbers)
  }

  standingAt(number: number): Standing | undefined {
    return this.#standing.get(number)
  }

  /** From here on backends are given away while HAProxy runs: it starts with servers in those that come next. */
  prepare(): void {
    const first = this.#nextSlot.http
    for (let number = first; number < Math.min(first + PREPARED_SLOTS, this.poolSizes.http); number++)
      this.#spares.set(number, SPARE_SERVERS)
  }

  /** Servers without an address of a backend that is nobody's. */
  sparesOf(number: number): readonly string[] {
    return this.#spares.get(number) ?? []
  }

  /** Whose requests are led to the backend with this number, or were last. */
  slotAt(number: number): { readonly key: string; readonly slot: Slot } | undefined {
    return this.#byNumber[number]
  }

  /** The backend is no more. */
  retire(key: string): void {
    const slot = this.slots.get(key)
    if (slot === undefined) return
    this.slots.delete(key)
    if (slot.pool === 'http') this.#spares.set(slot.number, slot.spare)
    if (slot.leaving.size === 0) this.#release(slot)
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
    if (this.#retired.delete(slot)) this.#release(slot)
  }

  #release({ pool, number }: Slot): void {
    const standing = pool === 'http' ? this.#standing.get(number) : undefined
    const free = standing === undefined ? this.#free[pool] : this.#freeStanding.get(standing)
    free?.push(number)
  }

  leaving(): readonly { readonly slot: Slot; readonly name: string }[] {
    return [...this.#withLeaving].flatMap((slot) => [...slot.leaving.keys()].map((name) => ({ slot, name })))
  }

  /**
   * What a route is to HAProxy: the name of a backend, or `p` and the number of a program, which is kept for as long as the route is one. Where it depends
   * on how the request came, `s:` and one of both for http and https each, where a lone `p` is none. What is a program says in `prefix` how long the key is:
   * whose rules do not take a request is asked again with less of the path. The programs are those that the route has now, by id.
   */
  valueOf(map: MapName, key: string, rules: readonly Rule[]): { readonly value: string; readonly programs: ReadonlyMap<string, Program> } {
    const programs = new Map<string, Program>()
    const part = (left: readonly Rule[], scheme: Scheme): string => {
      const length = map === 'prefix' ? `/${key.length}` : ''
      if (left.length === 0) return `p${length}`
      const plain = plainBackend(left)
      if (plain !== undefined) return plain === '' ? NO_BACKEND : this.#nameOf(plain)
      const id = programId(map, key, scheme)
      const number = this.programs.get(id)?.number ?? this.#freePrograms.pop() ?? this.#nextProgram++
      programs.set(id, { number, text: encodeProgram(left, (backend) => this.#nameOf(backend)) })
      return `p${number}${length}`
    }
    if (rules.length === 0) return { value: NO_BACKEND, programs }
    if (!looksAtScheme(rules)) return { value: part(rules, ''), programs }
    const value = `s:${part(forScheme(rules, 'http'), 'http')}:${part(forScheme(rules, 'https'), 'https')}`
    return { value, programs }
  }

  /** The programs that a route has had. */
  programsOf(map: MapName, key: string): ReadonlyMap<string, Program> {
    const found = new Map<string, Program>()
    for (const scheme of SCHEMES) {
      const id = programId(map, key, scheme)
      const program = this.programs.get(id)
      if (program !== undefined) found.set(id, program)
    }
    return found
  }

  dropProgram(id: string): void {
    const program = this.programs.get(id)
    if (program !== undefined) this.#freePrograms.push(program.number)
    this.programs.delete(id)
  }

  #nameOf(backend: string): string {
    return ANSWERING.get(backend) ?? this.slots.get(backend)?.name ?? NO_BACKEND
  }
}

/** Of the requests that a program is for; empty: of all. */
type Scheme = '' | 'http' | 'https'
const SCHEMES = ['', 'http', 'https'] as const
const programId = (map: MapName, key: string, scheme: Scheme): string => `${map} ${key}${scheme === '' ? '' : ` ${scheme}`}`

/** The backend of a route that says nothing else, empty when it is nobody; undefined: it says more. */
function plainBackend(rules: readonly Rule[]): string | undefined {
  const [rule, ...others] = rules
  if (rule === undefined) return ''
  if (others.length > 0 || rule.when !== undefined || rule.observe !== undefined || rule.action.kind !== 'forward') return undefined
  const { to, edits = [], timeoutMs, cors, mirrors = [], auth, gate, token, login } = rule.action
  const [share, ...more] = to.filter(({ weight }) => weight > 0)
  const isMore =
    edits.length > 0 || timeoutMs !== undefined || [cors, auth, gate, token, login, mirrors[0]].some((one) => one !== undefined)
  return isMore || more.length > 0 || (share?.edits ?? []).length > 0 ? undefined : (share?.backend ?? '')
}

export const poolOf = (transport: Transport): Pool => (transport === 'tcp' ? 'tcp' : 'http')

/** The state of a HAProxy that starts with this model, and has no past. */
export function freshState(model: GatewayModel, policies?: ReadonlyMap<string, string>): Told {
  const backends = [...model.backends()]
  const ofTcp = backends.filter((key) => poolOf(model.transport(key)) === 'tcp').length
  const counts = new Map<Standing, number>()
  for (const key of backends) {
    const standing = model.standing(key)
    if (standing !== undefined) counts.set(standing, (counts.get(standing) ?? 0) + 1)
  }
  const spares = [...counts.values()].reduce((sum, count) => sum + withSpare(count) - count, 0)
  const ofHttp = backends.length - ofTcp + spares
  const told = new Told({ http: poolSizeFor(ofHttp), tcp: poolSizeFor(ofTcp, 'tcp') }, model.authorities().keys(), policies)
  for (const [standing, count] of counts) told.prepareStanding(standing, count)
  for (const key of backends) {
    const transport = model.transport(key)
    const slot = told.slotFor(key, poolOf(transport), model.standing(key))
    const hostname = model.verification(key)?.hostname
    if (slot !== undefined && hostname !== undefined) told.names.set(slot.name, hostname)
    const treatment = model.treatment(key)
    if (slot !== undefined && treatment !== undefined) {
      told.governed.set(slot.name, treatment.number)
      if (treatment.queueMs !== undefined) told.queuesMs.set(slot.name, treatment.queueMs)
    }
    for (const server of told.serversOf(model, key)) slot?.servers.set(server, `s${slot.nextServer++}`)
  }
  told.prepare()
  for (const map of MAPS)
    for (const key of model.routeKeys(map)) {
      // A canary alone is no route.
      const rules = model.route(map, key)
      if (rules === undefined) continue
      const { value, programs } = told.valueOf(map, key, rules)
      told.maps[map].set(key, value)
      for (const [id, program] of programs) told.programs.set(id, program)
    }
  for (const key of model.certificates()) {
    const certificate = model.certificate(key)
    if (certificate !== undefined) told.certificates.set(key, { number: told.nextCertificate++, ...certificate })
  }
  return told
}
