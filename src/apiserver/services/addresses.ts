import { type core, fieldError, nameIsPathSegment, parseIp, type IpFamily } from '#api'
import { CLUSTER_IPS, HEADLESS, refuse } from './families.ts'
import { type Source, type Takings, poolOf } from './takings.ts'

type Service = core.Service

/**
 * Gives a Service an address of each of its families, and takes the second one when one is all that is wanted. The families are settled.
 * Dry runs give what range is named to those who ask for an address outside: real writes ask all ranges, and name none.
 */
export function settleAddresses(
  sourceOf: (family: IpFamily) => Source<string>,
  service: Service,
  old: Service | undefined,
  takings: Takings,
  shownRange: ((family: IpFamily) => string) | undefined,
): void {
  const { spec } = service
  // Of any other type, be it none that there is: that is told later.
  if (spec === undefined || spec.type === 'ExternalName') return
  if (spec.clusterIP === HEADLESS) {
    spec.clusterIPs = [HEADLESS]
    return
  }
  const before = old?.spec?.type === 'ExternalName' ? [] : (old?.spec?.clusterIPs ?? [])
  const given = [...(spec.clusterIPs ?? [])]
  const put = (i: number, address: string): void => {
    given[i] = address
    if (i === 0) spec.clusterIP = address
    spec.clusterIPs = given.slice(0, i + 1)
  }
  const checkName = (): void => {
    // An address is kept under its Service's name, unless nothing is kept.
    const name = service.metadata?.name ?? ''
    const [wrong = name === '' ? 'the service has no name' : undefined] = nameIsPathSegment(name, false)
    if (wrong !== undefined && shownRange === undefined)
      refuse(service, fieldError.invalid(CLUSTER_IPS, spec.clusterIPs, `failed to allocate IP: ${wrong}`))
  }
  for (const [i, family] of ((spec.ipFamilies ?? []) as readonly IpFamily[]).entries()) {
    // An address that there was cannot change: validation says so.
    if ((before[i] ?? '') !== '' && (given[i] ?? '') !== '') continue
    checkName()
    const wanted = given[i] ?? ''
    const source = sourceOf(family)
    if (wanted === '') {
      takings.choose(source, 'serviceIP', (address) => put(i, address))
      continue
    }
    const refused = (why: string): never =>
      refuse(service, fieldError.invalid(CLUSTER_IPS, spec.clusterIPs, `failed to allocate IP ${wanted}: ${why}`))
    const address = parseIp(wanted)?.text ?? wanted
    if (poolOf(source, address) === undefined)
      refused(
        shownRange === undefined
          ? 'the provided network does not match the current range'
          : `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${shownRange(family)}`,
      )
    // A dry run does not look who has it.
    if (shownRange === undefined) takings.ask(source, address, () => refused('provided IP is already allocated'))
  }
}
