import type { GatewayModel } from '../model/model.ts'
import type { Changes } from '../model/news.ts'
import type { Rule } from '#routing'
import { MAPS, type MapName } from '../model/wish.ts'
import type { Places } from './places.ts'
import { keepsClients } from '../model/standing.ts'
import { type LoadedCertificate, type Program, type Slot, type Told, poolOf } from './state.ts'

/** One command of the runtime API, and what its answer looks like when it was done. */
export interface Command {
  readonly line: string
  /** Lines that follow it; without empty ones, which would end them. */
  readonly payload?: string
  readonly done: RegExp
}

/** How a server is reached: connections are kept and used again, which servers made at run time do only when told so. */
export const SERVER_SETTINGS = 'pool-max-conn 200'

/** Of a server that has none yet, and is asked for nothing. */
export const NO_ADDRESS = '127.0.0.1:1'
/** A server of which there is nothing to say but where it is. */
const PLAIN_SERVER = /^([\d.]+):(\d+)$/

const NOTHING_SAID = /^\s*$/
const NO_PROGRAMS: ReadonlyMap<string, Program> = new Map()
/** The steps of a change in the order in which no request meets half of it: what is led to is there before the way, the way is gone before what it led to. */
interface Steps {
  readonly make: Command[]
  readonly lead: Command[]
  readonly unmake: Command[]
}

/**
 * What HAProxy is to be told for what has changed in the model, at a cost of the change alone. `told` is brought to the state that the commands lead to: if
 * they are not all carried out it is worth nothing. Undefined: it cannot be told, the pool of backends is too small, or it listens elsewhere, trusts others, tries otherwise again or has others wait; start anew.
 */
export function planChange(told: Told, model: GatewayModel, changes: Changes, places: Places): readonly Command[] | undefined {
  if (changes.process) return undefined
  const steps: Steps = { make: [], lead: [], unmake: [] }
  const gone: string[] = []
  for (const key of changes.backends) {
    const addresses = model.addresses(key)
    if (addresses === undefined) gone.push(key)
    const slot = addresses === undefined ? told.slots.get(key) : told.slotFor(key, poolOf(model.transport(key)), model.standing(key))
    if (slot !== undefined) {
      const treatment = model.treatment(key)
      if (addresses !== undefined && told.queuesMs.get(slot.name) !== treatment?.queueMs) return undefined
      if (addresses !== undefined) planGoverned(told, slot, treatment?.number, places, steps)
      planName(told, slot, model.verification(key)?.hostname, places, steps)
      planServers(told, slot, told.serversOf(model, key), steps)
    } else if (addresses !== undefined) return undefined
  }
  // A host has its certificate before it has a route.
  for (const key of changes.certificates) planCertificate(told, key, model.certificate(key), places, steps)
  for (const map of MAPS) for (const key of changes.routes[map]) planRoute(told, map, key, model.route(map, key), places, steps)
  // Last: a backend that is made in the same change does not get the place of one that requests are still led to.
  for (const key of gone) told.retire(key)
  return [...steps.make, ...steps.lead, ...steps.unmake]
}

/** Which policies requests are under. A place that is free may still be of somebody: it is cleared when it is given away. */
function planGoverned(told: Told, slot: Slot, number: number | undefined, places: Places, steps: Steps): void {
  const known = told.governed.get(slot.name)
  if (number === known) return
  if (number === undefined) told.governed.delete(slot.name)
  else told.governed.set(slot.name, number)
  const what =
    number === undefined
      ? `del map ${places.governed} ${slot.name}`
      : `${known === undefined ? 'add' : 'set'} map ${places.governed} ${slot.name} ${number}`
  steps.make.push({ line: what, done: NOTHING_SAID })
}

/** Whom the servers of a backend are asked for: known before there is one to be asked. */
function planName(told: Told, slot: Slot, hostname: string | undefined, places: Places, steps: Steps): void {
  const known = told.names.get(slot.name)
  if (hostname === undefined || hostname === known) return
  told.names.set(slot.name, hostname)
  steps.make.push({ line: `${known === undefined ? 'add' : 'set'} map ${places.names} ${slot.name} ${hostname}`, done: NOTHING_SAID })
}

function planServers(told: Told, slot: Slot, servers: readonly string[], steps: Steps): void {
  const backend = slot.name
  const wanted = new Set(servers)
  const before = new Set(slot.servers.keys())
  for (const server of wanted) {
    if (slot.servers.has(server)) continue
    const back = [...slot.leaving].find((one) => one[1] === server)?.[0]
    const [, address, port] = PLAIN_SERVER.exec(server) ?? []
    const spare = back === undefined && address !== undefined ? slot.spare.shift() : undefined
    const name = back ?? spare ?? `s${slot.nextServer++}`
    if (spare !== undefined)
      steps.make.push({ line: `set server ${backend}/${name} addr ${address} port ${port}`, done: /^IP changed from / })
    else if (back === undefined)
      steps.make.push({ line: `add server ${backend}/${name} ${server} ${SERVER_SETTINGS}`, done: /^New server registered\./ })
    else told.left(slot, back)
    steps.make.push({ line: `set server ${backend}/${name} state ready`, done: NOTHING_SAID })
    slot.servers.set(server, name)
  }
  // Servers that are made while it runs have no name in cookies before that is said.
  if (slot.pool === 'http' && keepsClients(told.standingAt(slot.number)) && [...wanted].some((server) => !before.has(server)))
    steps.make.push({ line: `enable dynamic-cookie backend ${backend}`, done: NOTHING_SAID })
  for (const [server, name] of slot.servers) {
    if (wanted.has(server)) continue
    // What is under way goes on; nothing new comes.
    steps.unmake.push({ line: `set server ${backend}/${name} state maint`, done: NOTHING_SAID })
    slot.servers.delete(server)
    told.leave(slot, name, server)
  }
}

/** A program is there before a route leads to it, and goes after that; one that changes does so in one step. */
function planRoute(told: Told, map: MapName, key: string, rules: readonly Rule[] | undefined, places: Places, steps: Steps): void {
  const file = places.maps[map]
  const before = told.programsOf(map, key)
  const known = told.maps[map].get(key)
  const { value, programs = NO_PROGRAMS } = rules === undefined ? {} : told.valueOf(map, key, rules)
  for (const [id, program] of programs) {
    const old = before.get(id)
    told.programs.set(id, program)
    if (program.text !== old?.text)
      steps.lead.push({
        line: `${old === undefined ? 'add' : 'set'} map ${places.programs} ${program.number} ${program.text}`,
        done: NOTHING_SAID,
      })
  }
  if (value === undefined) told.maps[map].delete(key)
  else told.maps[map].set(key, value)
  if (value !== known) {
    const line = value === undefined ? `del map ${file} ${key}` : `${known === undefined ? 'add' : 'set'} map ${file} ${key} ${value}`
    steps.lead.push({ line, done: NOTHING_SAID })
  }
  for (const [id, { number }] of before) {
    if (programs.has(id)) continue
    told.dropProgram(id)
    steps.unmake.push({ line: `del map ${places.programs} ${number}`, done: NOTHING_SAID })
  }
}

/** A certificate for other names than before is a new one: the old one serves until the new one is there. */
function planCertificate(
  told: Told,
  key: string,
  wanted: { readonly pem: string; readonly names: readonly string[] } | undefined,
  places: Places,
  steps: Steps,
): void {
  const known = told.certificates.get(key)
  const isRenewal = known !== undefined && wanted !== undefined && known.names.join(' ') === wanted.names.join(' ')
  if (wanted === undefined) told.certificates.delete(key)
  else if (!isRenewal || known.pem !== wanted.pem) {
    const loaded: LoadedCertificate = { number: isRenewal ? known.number : told.nextCertificate++, ...wanted }
    told.certificates.set(key, loaded)
    const file = places.certificate(loaded.number)
    if (!isRenewal) steps.make.push({ line: `new ssl cert ${file}`, done: /^New empty certificate store/ })
    steps.make.push(
      { line: `set ssl cert ${file}`, payload: loaded.pem, done: /^Transaction (created|updated)/ },
      { line: `commit ssl cert ${file}`, done: /Success!/ },
    )
    if (!isRenewal)
      steps.lead.push({
        line: `add ssl crt-list ${places.certificateList}`,
        payload: `${file} ${loaded.names.join(' ')}\n`,
        done: /Success!/,
      })
  }
  if (known === undefined || isRenewal) return
  const file = places.certificate(known.number)
  steps.unmake.push(
    { line: `del ssl crt-list ${places.certificateList} ${file}`, done: /deleted in crtlist/ },
    { line: `del ssl cert ${file}`, done: /deleted!/ },
  )
}
