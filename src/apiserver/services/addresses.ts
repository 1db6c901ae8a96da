import { type core, fieldError, nameIsPathSegment } from '#api'
import { CLUSTER_IPS, HEADLESS, refuse } from './families.ts'
import { numberOf, textOf } from './held.ts'
import { type Numbers, type Takings, poolOf } from './takings.ts'

type Service = core.Service

/** Gives a Service its cluster address. */
export function settleAddress(numbers: Numbers, service: Service, old: Service | undefined, takings: Takings, dryRun: boolean): void {
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
  const put = (number: number): void => {
    spec.clusterIP = textOf(number)
    spec.clusterIPs = [spec.clusterIP]
  }
  if (wanted === '') return takings.choose(numbers, 'serviceIP', put)
  const refused = (why: string): never =>
    refuse(service, fieldError.invalid(CLUSTER_IPS, spec.clusterIPs, `failed to allocate IP ${wanted}: ${why}`))
  const number = numberOf(wanted)
  if (poolOf(numbers, number) === undefined) refused('the provided network does not match the current range')
  takings.ask(numbers, number, () => refused('provided IP is already allocated'))
}
