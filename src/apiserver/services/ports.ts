import { Path, StatusError, type core, fieldError, statusError } from '#api'
import { refuse } from './families.ts'
import { portsOf } from './held.ts'
import { type Source, type Takings, poolOf } from './takings.ts'

type Service = core.Service
const SPEC = Path.of('spec')
const TAKEN = 'provided port is already allocated'

export interface PortRange {
  readonly firstNodePort: number
  readonly lastNodePort: number
}

/** Gives a Service the node ports and the health check port that it needs. Without a range (in dry runs, as Kubernetes has it) any port will do. */
export function settlePorts(
  source: Source<number>,
  range: PortRange | undefined,
  service: Service,
  old: Service | undefined,
  takings: Takings,
): void {
  const { spec } = service
  if (spec === undefined) return
  const outside =
    range && `provided port is not in the valid range. The range of valid ports is ${range.firstNodePort}-${range.lastNodePort}`
  const ports: NodePorts = {
    all: spec.ports ?? [],
    isGiven: givesPorts(spec),
    ask(at, wanted) {
      const path = SPEC.child('ports').index(at).child('nodePort')
      const refused = (why: string): never => refuse(service, fieldError.invalid(path, wanted, why))
      if (outside !== undefined && poolOf(source, wanted) === undefined) refused(outside)
      takings.ask(source, wanted, () => refused(TAKEN))
    },
    choose: (put) => takings.choose(source, 'nodePort', put, (number) => !ports.all.some(({ nodePort }) => nodePort === number)),
  }
  if (old !== undefined) keepPorts(spec, old.spec)
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') {
    if (old === undefined) settleNewPorts(ports)
    else settleChangedPorts(ports, old)
  }
  settleHealthPort(source, service, old, outside, takings)
}

interface NodePorts {
  readonly all: readonly Draft[]
  /** Whether who asks for none gets one. */
  readonly isGiven: boolean
  /** Takes one that was asked for, by the port at this place. */
  ask(at: number, wanted: number): void
  choose(put: (number: number) => void): void
}
type ServiceSpec = NonNullable<Service['spec']>
type Draft = NonNullable<ServiceSpec['ports']>[number]

function givesPorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false)
}

/** Who leaves a node port out keeps the one that the port of this name had, unless it is another's now. */
function keepPorts(spec: ServiceSpec, old: Service['spec']): void {
  if (old === undefined || !givesPorts(old) || !givesPorts(spec)) return
  const numbersOf = ({ ports = [] }: ServiceSpec): readonly number[] => ports.map(({ nodePort }) => nodePort ?? 0)
  const now = numbersOf(spec)
  const spoken = new Set(numbersOf(old).filter((number) => now.includes(number)))
  const before = new Map((old.ports ?? []).map(({ name = '', nodePort = 0 }) => [name, nodePort]))
  for (const port of spec.ports ?? []) {
    const kept = before.get(port.name ?? '') ?? 0
    if ((port.nodePort ?? 0) === 0 && kept !== 0 && !spoken.has(kept)) port.nodePort = kept
  }
}

/** Ports of one number, of several protocols, share a node port. */
function settleNewPorts({ all, isGiven, ask, choose }: NodePorts): void {
  const sharing = new Map<number, Draft[]>()
  for (const [at, port] of all.entries()) {
    const own = port.nodePort ?? 0
    if (own === 0 && !isGiven) continue
    const group = sharing.get(port.port)
    if (group === undefined) {
      const first = [port]
      sharing.set(port.port, first)
      const wanted = all.find((one) => one.port === port.port && (one.nodePort ?? 0) !== 0)?.nodePort ?? 0
      if (wanted !== 0) {
        ask(at, wanted)
        port.nodePort = wanted
      } else
        choose((number) => {
          for (const one of first) one.nodePort = number
        })
    } else if (own === 0) {
      port.nodePort = group[0]?.nodePort ?? 0
      group.push(port)
    } else if (own !== group[0]?.nodePort) ask(at, own)
  }
}

function settleChangedPorts({ all, isGiven, ask, choose }: NodePorts, old: Service): void {
  const known = new Set((old.spec?.ports ?? []).map(({ nodePort }) => nodePort ?? 0))
  const seen = new Set<string>()
  for (const [at, port] of all.entries()) {
    const wanted = port.nodePort ?? 0
    if (wanted === 0) {
      if (!isGiven) continue
      choose((number) => {
        port.nodePort = number
      })
    } else if (!known.has(wanted)) {
      ask(at, wanted)
      known.add(wanted)
    }
    const key = `${port.protocol ?? ''} ${port.nodePort ?? 0}`
    if (seen.has(key)) throw repeated(port.protocol, port.nodePort ?? 0)
    seen.add(key)
  }
}

/** Upstream looks for these twice when it changes a Service, and has no better words for the second time. */
function repeated(protocol = '', port: number): StatusError {
  return new StatusError({ code: 500, message: `duplicate nodePort: {${protocol} ${port}}` })
}

function settleHealthPort(
  source: Source<number>,
  service: Service,
  old: Service | undefined,
  outside: string | undefined,
  takings: Takings,
): void {
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
  const put = (number: number): void => {
    spec.healthCheckNodePort = number
  }
  if (wanted === 0) return takings.choose(source, 'HealthCheck NodePort', put, (number) => !portsOf(service).includes(number))
  if (outside !== undefined && poolOf(source, wanted) === undefined) refused(outside)
  takings.ask(source, wanted, () => refused(TAKEN))
}
