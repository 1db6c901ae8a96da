import { type FieldError, type FieldErrors, Path, type core, fieldError, statusError, validateServiceAddresses } from '#api'

type Service = core.Service
const SPEC = Path.of('spec')
const FAMILY_POLICY = SPEC.child('ipFamilyPolicy')
export const CLUSTER_IPS = SPEC.child('clusterIPs')
export const HEADLESS = 'None'

export function refuse(service: Service, ...errors: readonly FieldError[]): never {
  throw statusError.invalid({ group: '', kind: 'Service' }, service.metadata?.name ?? '', errors)
}

/** Who changes something else and leaves the address out keeps it. */
export function keepAddress({ spec }: Service, old: Service | undefined): void {
  const before = old?.spec
  if (spec === undefined || before === undefined || spec.type === 'ExternalName' || before.type === 'ExternalName') return
  if ((spec.clusterIP ?? '') === '' && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP
  if ((spec.clusterIPs ?? []).length === 0 && spec.clusterIP === before.clusterIP && before.clusterIPs !== undefined)
    spec.clusterIPs = before.clusterIPs
}

/** This cluster speaks IPv4. A headless Service without a selector may name what it likes: nothing is made from it. */
export function settleFamilies(service: Service): void {
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
