import type { GatewayModel } from '../model/model.ts'
import type { Places } from './places.ts'
import { type Applied, type LoadedCertificate, MAPS, type Slot, backendName, mapsOf } from './state.ts'

/** One command of the runtime API, and what its answer looks like when it was done. */
export interface Command {
  readonly line: string
  /** Lines that follow it; without empty ones, which would end them. */
  readonly payload?: string
  readonly done: RegExp
}

/** How a server is reached: connections are kept and used again, which servers made at run time do only when told so. */
export const SERVER_SETTINGS = 'pool-max-conn 200'

const NOTHING_SAID = /^\s*$/
/** The steps of a change in the order in which no request meets half of it: what is led to is there before the way, the way is gone before what it led to. */
interface Steps {
  readonly make: Command[]
  readonly lead: Command[]
  readonly unmake: Command[]
}

/** Undefined: the pool of backends is too small; start with a larger one. Pure. */
export function planChange(
  applied: Applied,
  model: GatewayModel,
  places: Places,
): { readonly commands: readonly Command[]; readonly next: Applied } | undefined {
  const steps: Steps = { make: [], lead: [], unmake: [] }
  const leaving = new Map(applied.leaving)
  const slots = planSlots(applied, model, leaving, steps)
  if (slots === undefined) return undefined
  // A host has its certificate before it has a route.
  const { certificates, nextCertificate } = planCertificates(applied, model, places, steps)
  const maps = mapsOf(model, slots)
  for (const name of MAPS) planMap(places.maps[name], applied.maps[name], maps[name], steps)
  return {
    commands: [...steps.make, ...steps.lead, ...steps.unmake],
    next: { poolSize: applied.poolSize, slots, maps, certificates, nextCertificate, leaving },
  }
}

function planSlots(
  applied: Applied,
  model: GatewayModel,
  leaving: Map<string, { readonly slot: number; readonly address: string }>,
  steps: Steps,
): ReadonlyMap<string, Slot> | undefined {
  const slots = new Map<string, Slot>()
  const taken = new Set([...applied.slots.values(), ...leaving.values()].map((one) => ('slot' in one ? one.slot : one.number)))
  let candidate = 0
  for (const [key, addresses] of model.backends) {
    let slot = applied.slots.get(key)
    if (slot === undefined) {
      while (taken.has(candidate)) candidate++
      if (candidate >= applied.poolSize) return undefined
      slot = { number: candidate++, addresses: [], servers: new Map(), nextServer: 0 }
    }
    slots.set(key, planServers(slot, addresses, leaving, steps))
  }
  for (const [key, slot] of applied.slots) if (!model.backends.has(key)) planServers(slot, [], leaving, steps)
  return slots
}

function planServers(
  slot: Slot,
  addresses: readonly string[],
  leaving: Map<string, { slot: number; address: string }>,
  steps: Steps,
): Slot {
  if (slot.addresses === addresses) return slot
  const backend = backendName(slot.number)
  const servers = new Map(slot.servers)
  let { nextServer } = slot
  const wanted = new Set(addresses)
  for (const address of wanted) {
    if (servers.has(address)) continue
    const back = [...leaving].find(([, one]) => one.slot === slot.number && one.address === address)?.[0]
    const name = back === undefined ? `s${nextServer++}` : back.slice(backend.length + 1)
    if (back === undefined)
      steps.make.push({ line: `add server ${backend}/${name} ${address} ${SERVER_SETTINGS}`, done: /^New server registered\./ })
    else leaving.delete(back)
    steps.make.push({ line: `set server ${backend}/${name} state ready`, done: NOTHING_SAID })
    servers.set(address, name)
  }
  for (const [address, name] of slot.servers) {
    if (wanted.has(address)) continue
    // What is under way goes on; nothing new comes.
    steps.unmake.push({ line: `set server ${backend}/${name} state maint`, done: NOTHING_SAID })
    servers.delete(address)
    leaving.set(`${backend}/${name}`, { slot: slot.number, address })
  }
  return { number: slot.number, addresses, servers, nextServer }
}

function planMap(file: string, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>, steps: Steps): void {
  for (const [key, value] of after) {
    const known = before.get(key)
    if (known === value) continue
    steps.lead.push({ line: `${known === undefined ? 'add' : 'set'} map ${file} ${key} ${value}`, done: NOTHING_SAID })
  }
  for (const key of before.keys()) if (!after.has(key)) steps.lead.push({ line: `del map ${file} ${key}`, done: NOTHING_SAID })
}

/** A certificate for other names than before is a new one: the old one serves until the new one is there. */
function planCertificates(
  applied: Applied,
  model: GatewayModel,
  places: Places,
  steps: Steps,
): { readonly certificates: ReadonlyMap<string, LoadedCertificate>; readonly nextCertificate: number } {
  const certificates = new Map<string, LoadedCertificate>()
  let { nextCertificate } = applied
  for (const [key, { pem, names }] of model.certificates) {
    const known = applied.certificates.get(key)
    const sameNames = known !== undefined && known.names.join(' ') === names.join(' ')
    const loaded: LoadedCertificate = { number: sameNames ? known.number : nextCertificate++, pem, names }
    certificates.set(key, loaded)
    const file = places.certificate(loaded.number)
    if (!sameNames) steps.make.push({ line: `new ssl cert ${file}`, done: /^New empty certificate store/ })
    if (!sameNames || known.pem !== pem)
      steps.make.push(
        { line: `set ssl cert ${file}`, payload: pem, done: /^Transaction (created|updated)/ },
        { line: `commit ssl cert ${file}`, done: /Success!/ },
      )
    if (!sameNames)
      steps.lead.push({ line: `add ssl crt-list ${places.certificateList}`, payload: `${file} ${names.join(' ')}\n`, done: /Success!/ })
  }
  for (const [key, { number }] of applied.certificates) {
    if (certificates.get(key)?.number === number) continue
    const file = places.certificate(number)
    steps.unmake.push(
      { line: `del ssl crt-list ${places.certificateList} ${file}`, done: /deleted in crtlist/ },
      { line: `del ssl cert ${file}`, done: /deleted!/ },
    )
  }
  return { certificates, nextCertificate }
}
