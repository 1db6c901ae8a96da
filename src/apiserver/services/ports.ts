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
  const mine = new Set(portsOf(old))
  const now = new Map<number, string>()
  const isMine = (port: number): boolean => mine.has(port)
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer')
    for (const [i, port] of (spec.ports ?? []).entries()) {
      const path = SPEC.child('ports').index(i).child('nodePort')
      const wanted = port.nodePort ?? 0
      const refused = (why: string): never => refuse(service, fieldError.invalid(path, wanted, why))
      // One port number serves several protocols of one Service.
      const shared = now.get(wanted)
      if (wanted !== 0) {
        if (outside !== undefined && poolOf(source, wanted) === undefined) refused(outside)
        if (shared?.includes(` ${port.protocol ?? ''} `)) {
          if (old === undefined) refused(TAKEN)
          throw repeated(port.protocol, wanted)
        }
        if (shared === undefined && !isMine(wanted)) takings.ask(source, wanted, () => refused(TAKEN))
        now.set(wanted, `${shared ?? ''} ${port.protocol ?? ''} `)
        continue
      }
      if (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false) continue
      const kept = old?.spec?.ports?.find(
        (one) => (one.nodePort ?? 0) !== 0 && one.port === port.port && one.protocol === port.protocol,
      )?.nodePort
      const put = (number: number): void => {
        port.nodePort = number
        now.set(number, ` ${port.protocol ?? ''} `)
      }
      if (kept === undefined) takings.choose(source, 'nodePort', put, (number) => !now.has(number))
      else if (now.get(kept)?.includes(` ${port.protocol ?? ''} `)) throw repeated(port.protocol, kept)
      else if (isMine(kept)) put(kept)
    }
  settleHealthPort(source, service, old, outside, takings)
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
