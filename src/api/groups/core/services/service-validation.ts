import { ingressWarnings } from '../../../validation/form-warnings.ts'
import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { Path } from '../../../meta/path.ts'
import type { Service, ServicePort, ServiceSpec } from '../../../types/core-v1.gen.ts'
import { ipErrors, newCidrErrors, newIpErrors, parseIp } from '../../../validation/ip.ts'
import { validateLabels } from '../../../validation/label-selector.ts'
import { dnsLabelErrors, dnsSubdomainErrors, portNameErrors, portNumberErrors, qualifiedNameErrors } from '../../../validation/names.ts'
import { invalidText, validateEnum, validateInRange, validateRequired } from '../../../validation/values.ts'
import { isExternal, isReachable, needsHealthCheck } from './reach.ts'

const SPEC = Path.of('spec')
const PORTS = SPEC.child('ports')
const CLUSTER_IPS = SPEC.child('clusterIPs')
const FAMILIES = SPEC.child('ipFamilies')
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const PROTOCOLS = ['SCTP', 'TCP', 'UDP']
const POLICIES = ['Cluster', 'Local']
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
const LONGEST_AFFINITY_SECONDS = 86_400
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"
const FIXED = 'may not change once set'

export function validateService(service: Service, errors: FieldErrors): void {
  const spec: ServiceSpec = service.spec ?? {}
  const headless = spec.clusterIP === 'None'
  const ports = spec.ports ?? []
  if (ports.length === 0 && !headless && spec.type !== 'ExternalName') errors.push(fieldError.required(PORTS))
  if (headless && isExternal(spec))
    errors.push(fieldError.invalid(CLUSTER_IPS.index(0), 'None', `may not be set to 'None' for ${spec.type} services`))
  if (spec.type === 'ExternalName') validateExternalName(spec, errors)
  validatePorts(ports, errors)
  validateLabels(spec.selector, SPEC.child('selector'), errors)
  validateAffinity(spec, errors)
  validateServiceAddresses(spec, errors)
  validateExternalIps(spec.externalIPs ?? [], errors)
  validateType(spec, ports, errors)
  validateRepeatedPorts(ports, errors)
  validateSourceRanges(service, errors)
  validateLoadBalancer(spec, errors)
  validatePolicies(spec, errors)
}

function validateType({ type }: ServiceSpec, ports: readonly ServicePort[], errors: FieldErrors): void {
  if (validateRequired(type, SPEC.child('type'), errors)) validateEnum(type, TYPES, SPEC.child('type'), errors)
  if (type !== 'ClusterIP') return
  for (const [i, { nodePort }] of ports.entries()) {
    if ((nodePort ?? 0) !== 0)
      errors.push(fieldError.forbidden(PORTS.index(i).child('nodePort'), "may not be used when `type` is 'ClusterIP'"))
  }
}

function validateExternalName(spec: ServiceSpec, errors: FieldErrors): void {
  if ((spec.clusterIPs ?? []).length > 0 || (spec.clusterIP ?? '') !== '')
    errors.push(fieldError.forbidden(CLUSTER_IPS, 'may not be set for ExternalName services'))
  if ((spec.ipFamilies ?? []).length > 0) errors.push(fieldError.forbidden(FAMILIES, 'may not be set for ExternalName services'))
  if (spec.ipFamilyPolicy !== undefined)
    errors.push(fieldError.forbidden(SPEC.child('ipFamilyPolicy'), 'may not be set for ExternalName services'))
  const path = SPEC.child('externalName')
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (validateRequired(name, path, errors)) invalidText(spec.externalName, dnsSubdomainErrors(name), path, errors)
}

function validatePorts(ports: readonly ServicePort[], errors: FieldErrors): void {
  const names = new Set<string>()
  for (const [i, port] of ports.entries()) validatePort(port, ports.length > 1, names, PORTS.index(i), errors)
}

/** As the message shows one: with the names and values that Kubernetes has for it inside. */
const UNSET_PORT = { Name: '', Protocol: '', AppProtocol: null, Port: 0, TargetPort: 0, NodePort: 0 } as const

function validateRepeatedPorts(ports: readonly ServicePort[], errors: FieldErrors): void {
  const seen = new Set<string>()
  for (const [i, port] of ports.entries()) {
    const key = `${port.protocol ?? ''} ${port.port}`
    if (seen.has(key)) errors.push(fieldError.duplicate(PORTS.index(i), { ...UNSET_PORT, Protocol: port.protocol ?? '', Port: port.port }))
    seen.add(key)
  }
}

function validatePort(port: ServicePort, needsName: boolean, names: Set<string>, path: Path, errors: FieldErrors): void {
  const { name = '', protocol = '', targetPort, appProtocol } = port
  if (needsName && name === '') errors.push(fieldError.required(path.child('name')))
  else if (name !== '') {
    invalidText(name, dnsLabelErrors(name), path.child('name'), errors)
    if (names.has(name)) errors.push(fieldError.duplicate(path.child('name'), name))
    names.add(name)
  }
  invalidText(port.port ?? 0, portNumberErrors(port.port ?? 0), path.child('port'), errors)
  if (protocol === '') errors.push(fieldError.required(path.child('protocol')))
  else validateEnum(protocol, PROTOCOLS, path.child('protocol'), errors)
  if (typeof targetPort === 'string') invalidText(targetPort, portNameErrors(targetPort), path.child('targetPort'), errors)
  else invalidText(targetPort ?? 0, portNumberErrors(targetPort ?? 0), path.child('targetPort'), errors)
  if (appProtocol !== undefined) invalidText(appProtocol, qualifiedNameErrors(appProtocol), path.child('appProtocol'), errors)
}

function validateAffinity(spec: ServiceSpec, errors: FieldErrors): void {
  const path = SPEC.child('sessionAffinity')
  if (validateRequired(spec.sessionAffinity, path, errors)) validateEnum(spec.sessionAffinity, ['ClientIP', 'None'], path, errors)
  const config = SPEC.child('sessionAffinityConfig')
  if (spec.sessionAffinity === 'ClientIP') {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
    const at = config.child('clientIP').child('timeoutSeconds')
    if (seconds === undefined) errors.push(fieldError.required(at, 'when session affinity is ClientIP'))
    else if (seconds <= 0 || seconds > LONGEST_AFFINITY_SECONDS)
      errors.push(fieldError.invalid(at, seconds, `must be greater than 0 and less than ${LONGEST_AFFINITY_SECONDS}`))
  } else if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined)
    errors.push(fieldError.forbidden(config, 'must not be set when session affinity is None'))
}

/** Addresses, families and the policy about them, as far as they can be checked without the cluster: before addresses are given out. */
export function validateServiceAddresses(spec: ServiceSpec, errors: FieldErrors): void {
  // Which may have none of them.
  if (spec.type === 'ExternalName') return
  const families = spec.ipFamilies ?? []
  const addresses = spec.clusterIPs ?? []
  if ((spec.clusterIP ?? '') !== '' && addresses.length === 0) errors.push(fieldError.required(CLUSTER_IPS))
  else if ((spec.clusterIP ?? '') === '' && addresses.length > 0)
    errors.push(fieldError.invalid(CLUSTER_IPS, addresses, 'must be empty when `clusterIP` is not specified'))
  else if (addresses.length > 0 && addresses[0] !== spec.clusterIP)
    errors.push(fieldError.invalid(CLUSTER_IPS, addresses, 'first value must match `clusterIP`'))
  const seen = new Set<string>()
  for (const [i, family] of families.entries()) {
    if (family !== 'IPv4' && family !== 'IPv6') errors.push(fieldError.notSupported(FAMILIES.index(i), family, ['IPv4', 'IPv6']))
    if (seen.has(family)) errors.push(fieldError.duplicate(FAMILIES.index(i), family))
    seen.add(family)
  }
  if (spec.ipFamilyPolicy !== undefined && !FAMILY_POLICIES.includes(spec.ipFamilyPolicy))
    errors.push(fieldError.notSupported(SPEC.child('ipFamilyPolicy'), spec.ipFamilyPolicy, FAMILY_POLICIES))
  if (addresses.length > 1 && addresses.includes('None'))
    errors.push(fieldError.invalid(CLUSTER_IPS, addresses, "'None' must be the first and only value"))
  if (addresses.length === 1 && addresses[0] === 'None') return
  for (const [i, address] of addresses.entries()) {
    if (i === 0 && address === 'None') continue
    const messages = newIpErrors(address)
    invalidText(address, messages, CLUSTER_IPS.index(i), errors)
    const family = families[i]
    if (messages.length > 0 || (family !== 'IPv4' && family !== 'IPv6')) continue
    const is = parseIp(address)?.family === 6 ? 'IPv6' : 'IPv4'
    if (family !== is)
      errors.push(fieldError.invalid(CLUSTER_IPS.index(i), address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``))
  }
  if (addresses.length > 2) errors.push(fieldError.invalid(CLUSTER_IPS, addresses, 'may only hold up to 2 values'))
  if (
    addresses.length === 2 &&
    addresses.every((address) => ipErrors(address).length === 0) &&
    parseIp(addresses[0] ?? '')?.family === parseIp(addresses[1] ?? '')?.family
  )
    errors.push(fieldError.invalid(CLUSTER_IPS, addresses, 'may specify no more than one IP for each IP family'))
}

function validateExternalIps(addresses: readonly string[], errors: FieldErrors): void {
  for (const [i, address] of addresses.entries()) {
    const path = SPEC.child('externalIPs').index(i)
    const messages = newIpErrors(address)
    invalidText(address, messages, path, errors)
    if (messages.length === 0) validateRoutable(address, path, errors)
  }
}

/** Addresses that no traffic may be led to. */
export function validateRoutable(address: string, path: Path, errors: FieldErrors): void {
  const [a = 0, b = 0, c = 0] = address.split('.').map(Number)
  const v6 = address.includes(':')
  const refuse = (why: string): unknown => errors.push(fieldError.invalid(path, address, why))
  if (address === '0.0.0.0' || address === '::') refuse(`may not be unspecified (${address})`)
  else if (v6 ? address === '::1' : a === 127) refuse('may not be in the loopback range (127.0.0.0/8, ::1/128)')
  else if (v6 ? /^fe[89ab]/i.test(address) : a === 169 && b === 254)
    refuse('may not be in the link-local range (169.254.0.0/16, fe80::/10)')
  else if (v6 ? /^ff02/i.test(address) : a === 224 && b === 0 && c === 0)
    refuse('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')
}

/** The ranges may be padded, and may stand in an annotation. */
function validateSourceRanges({ metadata, spec }: Service, errors: FieldErrors): void {
  const ranges = spec?.loadBalancerSourceRanges ?? []
  const annotation = metadata?.annotations?.[SOURCE_RANGES]
  const path = ranges.length > 0 ? SPEC.child('LoadBalancerSourceRanges') : Path.of('metadata', 'annotations').key(SOURCE_RANGES)
  if (ranges.length === 0 && annotation === undefined) return
  if (spec?.type !== 'LoadBalancer') errors.push(fieldError.forbidden(path, ONLY_BALANCED))
  for (const [i, range] of ranges.entries()) invalidText(range.trim(), newCidrErrors(range.trim()), path.index(i), errors)
  if (ranges.length > 0 || annotation === undefined || annotation.trim() === '') return
  for (const range of annotation.split(',')) invalidText(annotation.trim(), newCidrErrors(range.trim()), path, errors)
}

function validateLoadBalancer(spec: ServiceSpec, errors: FieldErrors): void {
  const balanced = spec.type === 'LoadBalancer'
  const path = SPEC.child('allocateLoadBalancerNodePorts')
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced) errors.push(fieldError.forbidden(path, ONLY_BALANCED))
  if (balanced && spec.allocateLoadBalancerNodePorts === undefined) errors.push(fieldError.required(path))
  validateBalancerClass(spec, undefined, errors)
}

function validateBalancerClass({ type, loadBalancerClass }: ServiceSpec, old: ServiceSpec | undefined, errors: FieldErrors): void {
  const path = SPEC.child('loadBalancerClass')
  const balanced = type === 'LoadBalancer'
  if (balanced && old?.type === 'LoadBalancer' && loadBalancerClass !== old.loadBalancerClass)
    errors.push(fieldError.invalid(path, loadBalancerClass, FIXED))
  if (loadBalancerClass === undefined) return
  if (!balanced) errors.push(fieldError.forbidden(path, ONLY_BALANCED))
  else invalidText(loadBalancerClass, qualifiedNameErrors(loadBalancerClass), path, errors)
}

function validatePolicies(spec: ServiceSpec, errors: FieldErrors): void {
  const external = SPEC.child('externalTrafficPolicy')
  const reachable = isReachable(spec)
  if ((spec.externalTrafficPolicy ?? '') !== '' && !reachable)
    errors.push(fieldError.invalid(external, spec.externalTrafficPolicy, 'may only be set for externally-accessible services'))
  else if (reachable && validateRequired(spec.externalTrafficPolicy, external, errors))
    validateEnum(spec.externalTrafficPolicy, POLICIES, external, errors)
  const health = spec.healthCheckNodePort ?? 0
  const healthPath = SPEC.child('healthCheckNodePort')
  if (needsHealthCheck(spec)) {
    if (health === 0) errors.push(fieldError.required(healthPath))
    else validateInRange(health, 1, LARGEST_PORT, healthPath, errors)
  } else if (health !== 0)
    errors.push(
      fieldError.invalid(healthPath, health, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"),
    )
  const internal = SPEC.child('internalTrafficPolicy')
  if (spec.type !== 'ExternalName') {
    if (spec.internalTrafficPolicy === undefined) errors.push(fieldError.required(internal))
    else if (!POLICIES.includes(spec.internalTrafficPolicy))
      errors.push(fieldError.notSupported(internal, spec.internalTrafficPolicy, POLICIES))
  }
  const distribution = spec.trafficDistribution
  if (distribution !== undefined && !DISTRIBUTIONS.includes(distribution))
    errors.push(fieldError.notSupported(SPEC.child('trafficDistribution'), distribution, DISTRIBUTIONS))
}

const LARGEST_PORT = 65535

export function validateServiceUpdate(service: Service, old: Service, errors: FieldErrors): void {
  const [after, before] = [service.spec ?? {}, old.spec ?? {}]
  const staysHeadless = before.clusterIP === 'None' && after.clusterIP === 'None'
  if (before.type !== 'ExternalName' && after.type !== 'ExternalName' && !staysHeadless) {
    validateFixed(after.clusterIPs ?? [], before.clusterIPs ?? [], 'clusterIP', after, errors)
    validateFixed(after.ipFamilies ?? [], before.ipFamilies ?? [], 'ipFamily', after, errors)
  }
  validateBalancerClass(after, before, errors)
  if (needsHealthCheck(before) && needsHealthCheck(after) && (after.healthCheckNodePort ?? 0) !== (before.healthCheckNodePort ?? 0))
    errors.push(fieldError.forbidden(SPEC.child('healthCheckNodePort'), 'field is immutable'))
  validateService(service, errors)
}

/** The first address and family stay what they are; a second one comes, and goes when one is all that is wanted. */
function validateFixed(
  now: readonly string[],
  old: readonly string[],
  what: 'clusterIP' | 'ipFamily',
  spec: ServiceSpec,
  errors: FieldErrors,
): void {
  const path = what === 'clusterIP' ? CLUSTER_IPS : FAMILIES
  if (now.length === old.length) {
    for (const [i, one] of old.entries())
      if (one !== now[i]) errors.push(fieldError.invalid(path.index(what === 'clusterIP' ? i : 0), now, FIXED))
  } else if (now.length === 0) errors.push(fieldError.invalid(path.index(0), now, `primary ${what} can not be unset`))
  else {
    if (old[0] !== undefined && now[0] !== old[0]) errors.push(fieldError.invalid(path.index(0), now, FIXED))
    if (now.length === 1 && old.length === 2 && spec.ipFamilyPolicy !== 'SingleStack')
      errors.push(
        fieldError.invalid(
          SPEC.child('ipFamilyPolicy'),
          spec.ipFamilyPolicy,
          `must be set to 'SingleStack' when releasing the secondary ${what}`,
        ),
      )
  }
}

export function validateServiceStatus(service: Service, _old: Service, errors: FieldErrors, warn?: (text: string) => void): void {
  ingressWarnings(service.status?.loadBalancer?.ingress).forEach((text) => warn?.(text))
  const path = Path.of('status', 'loadBalancer', 'ingress')
  const ingress = service.status?.loadBalancer?.ingress ?? []
  if (ingress.length > 0 && service.spec?.type !== 'LoadBalancer')
    errors.push(fieldError.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'"))
  for (const [i, { ip, hostname, ipMode }] of ingress.entries()) {
    if (ip !== undefined && ip !== '') invalidText(ip, newIpErrors(ip), path.index(i).child('ip'), errors)
    if (ipMode !== undefined) {
      if ((ip ?? '') === '') errors.push(fieldError.forbidden(path.index(i).child('ipMode'), 'may not be specified when `ip` is not set'))
      else validateEnum(ipMode, ['Proxy', 'VIP'], path.index(i).child('ipMode'), errors)
    }
    if (hostname !== undefined && hostname !== '') {
      invalidText(hostname, dnsSubdomainErrors(hostname), path.index(i).child('hostname'), errors)
      if (parseIp(hostname) !== undefined)
        errors.push(fieldError.invalid(path.index(i).child('hostname'), hostname, 'must be a DNS name, not an IP address'))
    }
  }
}
