import {
  type FieldError,
  type FieldErrors,
  Path,
  type core,
  fieldError,
  statusError,
  validateServiceAddresses,
  type IpFamily,
  familyOf,
} from '#api'

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

const other = (family: string | undefined): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4')
const same = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
  JSON.stringify(a ?? []) === JSON.stringify(b ?? [])

/**
 * Settles in which families a Service has addresses, out of those that the cluster speaks (the first one is that of who says nothing). A headless Service without
 * a selector may name what it likes: nothing is made from it.
 */
export function settleFamilies(service: Service, old: Service | undefined, spoken: readonly IpFamily[]): void {
  const { spec } = service
  if (spec === undefined || spec.type === 'ExternalName' || staysAsItIs(service, old)) return
  const isUnselected = spec.clusterIP === HEADLESS && Object.keys(spec.selector ?? {}).length === 0
  const policy = (spec.ipFamilyPolicy ??= old?.spec?.ipFamilyPolicy ?? (isUnselected ? 'RequireDualStack' : 'SingleStack'))
  const isSingle = policy === 'SingleStack'
  const wrong: FieldErrors = []
  const refuseWrong = (): void => {
    if (wrong.length > 0) refuse(service, ...wrong)
  }
  validateServiceAddresses(spec, wrong)
  refuseWrong()
  if (old !== undefined) settleReduction(service, old, isSingle, wrong)
  const addresses = spec.clusterIPs ?? []
  const families = [...(spec.ipFamilies ?? [])]
  for (const [count, what] of [
    [addresses.length, 'cluster IPs'],
    [families.length, 'IP families'],
  ] as const) {
    if (count < 2 || !isSingle) continue
    const why = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`
    wrong.push(fieldError.invalid(FAMILY_POLICY, policy, why))
  }
  for (const [i, address] of addresses.entries()) {
    if (address === HEADLESS) break
    if (i < families.length) continue
    const family = familyOf(address)
    if (spoken.includes(family)) families.push(family)
    else wrong.push(fieldError.invalid(CLUSTER_IPS.index(i), addresses, `${family} is not configured on this cluster`))
  }
  refuseWrong()
  if (isUnselected) {
    if (families.length === 0) families.push(spoken[0] ?? 'IPv4')
    if (families.length < 2 && !isSingle) families.push(other(families[0]))
    spec.ipFamilies = families
    return
  }
  if (policy === 'RequireDualStack' && spoken.length < 2)
    wrong.push(fieldError.invalid(FAMILY_POLICY, policy, 'this cluster is not configured for dual-stack services'))
  for (const [i, family] of families.entries())
    if (!(spoken as readonly string[]).includes(family))
      wrong.push(fieldError.invalid(SPEC.child('ipFamilies').index(i), family, 'not configured on this cluster'))
  refuseWrong()
  if (families.length === 0) families.push(spoken[0] ?? 'IPv4')
  if (!isSingle && families.length === 1 && spoken.length === 2) families.push(other(families[0]))
  spec.ipFamilies = families
}

/** A Service that takes two families where it can get them does not change when its cluster comes to speak another one, only when somebody says so. */
function staysAsItIs({ spec }: Service, old: Service | undefined): boolean {
  const before = old?.spec
  return (
    spec !== undefined &&
    before !== undefined &&
    spec.type === before.type &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    (before.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    same(spec.clusterIPs, before.clusterIPs) &&
    same(spec.ipFamilies, before.ipFamilies)
  )
}

/** The second family goes with the word for it; who leaves it out without that word is asked for it. */
function settleReduction({ spec = {} }: Service, { spec: before = {} }: Service, isSingle: boolean, wrong: FieldErrors): void {
  for (const [field, what] of [
    ['clusterIPs', 'cluster IP'],
    ['ipFamilies', 'IP family'],
  ] as const) {
    const [now, had] = [spec[field] ?? [], before[field] ?? []]
    if (isSingle && now.length > 1 && same(now, had)) spec[field] = now.slice(0, 1)
    if (!isSingle && isReduced(now, had))
      wrong.push(fieldError.invalid(FAMILY_POLICY, spec.ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`))
  }
}

const isReduced = (now: readonly string[], had: readonly string[]): boolean => now.length > 0 && now.length < had.length
