import type { Scope } from '#base'
import {
  type FieldError,
  type FieldErrors,
  Path,
  type core,
  fieldError,
  nameIsPathSegment,
  refs,
  statusError,
  validateServiceAddresses,
} from '#api'
import type { ObjectReader } from '../contract.ts'
import type { RegistryHook, Undo } from '../registry/core.ts'
import { NumberPool, reservedPart } from './pool.ts'

export interface ServiceAllocationOptions {
  readonly reader: ObjectReader
  /** `10.96.0.0/16` */
  readonly addressRange: string
  readonly firstNodePort: number
  readonly lastNodePort: number
}

type Service = core.Service
const SPEC = Path.of('spec')
const CLUSTER_IPS = SPEC.child('clusterIPs')
const FAMILY_POLICY = SPEC.child('ipFamilyPolicy')
const HEADLESS = 'None'

/** Gives Services their cluster address, node ports and health check port, in one address family. Made new at each start from what is stored. */
export function serviceAllocation(scope: Scope, options: ServiceAllocationOptions): RegistryHook {
  let built: Pools | undefined
  const pools = (): Pools => (built ??= buildPools(scope, options))
  return {
    beforeCreate: (_, draft, { dryRun }) => settle(pools(), options, draft, undefined, dryRun),
    beforeUpdate: (_, draft, old, { dryRun }) => settle(pools(), options, draft, old, dryRun),
    afterDelete: (_, old) => {
      const { addresses, ports } = pools()
      for (const address of addressesOf(old)) addresses.free(address, keyOf(old))
      for (const port of portsOf(old)) ports.free(port, keyOf(old))
    },
  }
}

interface Pools {
  readonly addresses: NumberPool
  readonly ports: NumberPool
}

function buildPools(scope: Scope, { reader, addressRange, firstNodePort, lastNodePort }: ServiceAllocationOptions): Pools {
  const [network = '', bits = ''] = addressRange.split('/')
  const size = 2 ** (32 - Number(bits))
  const stored = (owner: string): Service | undefined => {
    const [namespace = '', name = ''] = owner.split('/')
    return reader.get(refs.services, namespace, name)
  }
  const shared = { clock: scope.clock, random: scope.random }
  const usable = size - 2
  const portCount = lastNodePort - firstNodePort + 1
  const addresses = new NumberPool({
    ...shared,
    first: numberOf(network) + 1,
    size: usable,
    reserved: reservedPart(usable, 16, 256),
    holds: (owner, number) => addressesOf(stored(owner)).includes(number),
  })
  const ports = new NumberPool({
    ...shared,
    first: firstNodePort,
    size: portCount,
    reserved: reservedPart(portCount, 32, 128),
    holds: (owner, number) => portsOf(stored(owner)).includes(number),
  })
  for (const service of reader.list(refs.services)) {
    for (const address of addressesOf(service)) addresses.note(address, keyOf(service))
    for (const port of portsOf(service)) ports.note(port, keyOf(service))
  }
  return { addresses, ports }
}

/** Brings the draft's addresses and ports to a state in which it can be stored. Throws `StatusError`; what it took before that is given back. */
function settle(
  pools: Pools,
  options: ServiceAllocationOptions,
  service: Service,
  old: Service | undefined,
  dryRun: boolean,
): Undo | undefined {
  const { spec } = service
  if (spec === undefined) return undefined
  const taken: (() => void)[] = []
  const undo = (): void => taken.splice(0).forEach((release) => release())
  const owner = keyOf(service)
  const take = (pool: NumberPool, number: number): void => {
    if (dryRun) return
    pool.take(number, owner)
    taken.push(() => pool.free(number, owner))
  }
  try {
    keepAddress(service, old)
    settleFamilies(service)
    settleAddress(pools.addresses, service, old, take, dryRun)
    settlePorts(dryRun ? undefined : options, pools.ports, service, old, take)
  } catch (error) {
    undo()
    throw error
  }
  if (!dryRun && old !== undefined) {
    for (const address of addressesOf(old)) if (!addressesOf(service).includes(address)) pools.addresses.loosen(address)
    for (const port of portsOf(old)) if (!portsOf(service).includes(port)) pools.ports.loosen(port)
  }
  return undo
}

type Take = (pool: NumberPool, number: number) => void

function refuse(service: Service, ...errors: readonly FieldError[]): never {
  throw statusError.invalid({ group: '', kind: 'Service' }, service.metadata?.name ?? '', errors)
}

/** Who changes something else and leaves the address out keeps it. */
function keepAddress({ spec }: Service, old: Service | undefined): void {
  const before = old?.spec
  if (spec === undefined || before === undefined || spec.type === 'ExternalName' || before.type === 'ExternalName') return
  if ((spec.clusterIP ?? '') === '' && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP
  if ((spec.clusterIPs ?? []).length === 0 && spec.clusterIP === before.clusterIP && before.clusterIPs !== undefined)
    spec.clusterIPs = before.clusterIPs
}

/** This cluster speaks IPv4. A headless Service without a selector may name what it likes: nothing is made from it. */
function settleFamilies(service: Service): void {
  const { spec } = service
  if (spec === undefined || spec.type === 'ExternalName') return
  const wrong: FieldErrors = []
  validateServiceAddresses(spec, wrong)
  if (wrong.length > 0) refuse(service, ...wrong)
  const addresses = spec.clusterIPs ?? []
  const families = [...(spec.ipFamilies ?? [])]
  for (const [i, address] of addresses.entries()) {
    if (address === HEADLESS || i < families.length) continue
    if (address.includes(':'))
      refuse(service, fieldError.invalid(CLUSTER_IPS.index(i), addresses, 'IPv6 is not configured on this cluster'))
    families.push('IPv4')
  }
  const policy = spec.ipFamilyPolicy
  if (spec.clusterIP === HEADLESS && Object.keys(spec.selector ?? {}).length === 0) {
    spec.ipFamilyPolicy ??= 'RequireDualStack'
    if (families.length === 0) families.push('IPv4')
    if (families.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4')
    spec.ipFamilies = families
    return
  }
  for (const [count, what] of [
    [addresses.length, 'cluster IPs'],
    [families.length, 'IP families'],
  ] as const) {
    if (count < 2 || (policy !== undefined && policy !== 'SingleStack')) continue
    const why = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`
    wrong.push(fieldError.invalid(FAMILY_POLICY, policy ?? 'SingleStack', why))
  }
  if (wrong.length > 0) refuse(service, ...wrong)
  if (policy === 'RequireDualStack')
    wrong.push(fieldError.invalid(FAMILY_POLICY, policy, 'this cluster is not configured for dual-stack services'))
  for (const [i, family] of families.entries())
    if (family !== 'IPv4') wrong.push(fieldError.invalid(SPEC.child('ipFamilies').index(i), family, 'not configured on this cluster'))
  if (wrong.length > 0) refuse(service, ...wrong)
  spec.ipFamilies = ['IPv4']
  spec.ipFamilyPolicy ??= 'SingleStack'
}

function settleAddress(pool: NumberPool, service: Service, old: Service | undefined, take: Take, dryRun: boolean): void {
  const { spec } = service
  if (spec?.type !== 'ClusterIP' && spec?.type !== 'NodePort' && spec?.type !== 'LoadBalancer') return
  const wanted = spec.clusterIP ?? ''
  if (wanted === HEADLESS) {
    spec.clusterIPs = [HEADLESS]
    return
  }
  const before = old?.spec?.type === 'ExternalName' ? '' : (old?.spec?.clusterIP ?? '')
  // An address that there was cannot change: validation says so.
  if (wanted !== '' && before !== '') return
  // An address is kept under its Service's name, unless nothing is kept.
  const name = service.metadata?.name ?? ''
  const [wrong = name === '' ? 'the service has no name' : undefined] = nameIsPathSegment(name, false)
  if (wrong !== undefined && !dryRun) refuse(service, fieldError.invalid(CLUSTER_IPS, spec.clusterIPs, `failed to allocate IP: ${wrong}`))
  if (wanted === '') {
    const number = pool.choose()
    if (number === undefined) throw statusError.internal('failed to allocate a serviceIP: range is full')
    take(pool, number)
    spec.clusterIP = textOf(number)
    spec.clusterIPs = [spec.clusterIP]
    return
  }
  const number = numberOf(wanted)
  const refused = (why: string): never =>
    refuse(service, fieldError.invalid(CLUSTER_IPS, spec.clusterIPs, `failed to allocate IP ${wanted}: ${why}`))
  if (!pool.contains(number)) refused('the provided network does not match the current range')
  if (pool.isTaken(number)) refused('provided IP is already allocated')
  take(pool, number)
}

/** Without a range (in dry runs, as Kubernetes has it) any port that is free will do. */
function settlePorts(
  limits: ServiceAllocationOptions | undefined,
  pool: NumberPool,
  service: Service,
  old: Service | undefined,
  take: Take,
): void {
  const { spec } = service
  if (spec === undefined) return
  const range =
    limits && `provided port is not in the valid range. The range of valid ports is ${limits.firstNodePort}-${limits.lastNodePort}`
  const mine = new Set(portsOf(old))
  const now = new Map<number, string>()
  const isMine = (port: number): boolean => mine.has(port)
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer')
    for (const [i, port] of (spec.ports ?? []).entries()) {
      const path = SPEC.child('ports').index(i).child('nodePort')
      const wanted = port.nodePort ?? 0
      // One port number serves several protocols of one Service.
      const shared = now.get(wanted)
      if (wanted !== 0) {
        if (range !== undefined && !pool.contains(wanted)) refuse(service, fieldError.invalid(path, wanted, range))
        if (shared === undefined ? pool.isTaken(wanted) && !isMine(wanted) : shared.includes(` ${port.protocol ?? ''} `))
          refuse(service, fieldError.invalid(path, wanted, 'provided port is already allocated'))
        if (!isMine(wanted) && shared === undefined) take(pool, wanted)
        now.set(wanted, `${shared ?? ''} ${port.protocol ?? ''} `)
        continue
      }
      if (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false) continue
      const kept = old?.spec?.ports?.find(
        (one) => (one.nodePort ?? 0) !== 0 && one.port === port.port && one.protocol === port.protocol,
      )?.nodePort
      const chosen = kept ?? pool.choose((number) => !now.has(number))
      if (chosen === undefined) throw statusError.internal('failed to allocate a nodePort: range is full')
      if (!isMine(chosen)) take(pool, chosen)
      port.nodePort = chosen
      now.set(chosen, ` ${port.protocol ?? ''} `)
    }
  settleHealthPort(pool, service, old, range, take)
}

function settleHealthPort(pool: NumberPool, service: Service, old: Service | undefined, range: string | undefined, take: Take): void {
  const { spec } = service
  if (spec?.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return
  const before = old?.spec?.type === 'LoadBalancer' && old.spec.externalTrafficPolicy === 'Local' ? old.spec.healthCheckNodePort : undefined
  // It stays what it is: who leaves it out keeps it, and another one is refused by validation.
  if (before !== undefined) {
    spec.healthCheckNodePort ||= before
    return
  }
  const wanted = spec.healthCheckNodePort ?? 0
  const refused = (why: string): never => {
    throw statusError.internal(`failed to allocate requested HealthCheck NodePort ${wanted}: ${why}`)
  }
  if (wanted !== 0 && range !== undefined && !pool.contains(wanted)) refused(range)
  if (wanted !== 0 && pool.isTaken(wanted)) refused('provided port is already allocated')
  const chosen = wanted === 0 ? pool.choose((number) => !portsOf(service).includes(number)) : wanted
  if (chosen === undefined) throw statusError.internal('failed to allocate a HealthCheck NodePort: range is full')
  take(pool, chosen)
  spec.healthCheckNodePort = chosen
}

const keyOf = (service: Service): string => `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`
const numberOf = (address: string): number => address.split('.').reduce((value, part) => value * 256 + Number(part), 0)
const textOf = (number: number): string => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

function addressesOf(service: Service | undefined): readonly number[] {
  const addresses = service?.spec?.clusterIPs ?? (service?.spec?.clusterIP === undefined ? [] : [service.spec.clusterIP])
  return addresses.filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address)).map(numberOf)
}

function portsOf(service: Service | undefined): readonly number[] {
  const { ports = [], healthCheckNodePort } = service?.spec ?? {}
  return [...ports.map((port) => port.nodePort), healthCheckNodePort].filter((port): port is number => port !== undefined && port !== 0)
}
