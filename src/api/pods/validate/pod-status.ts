import { ipFormWarnings } from '../../validation/form-warnings.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { newIpErrors, parseIp } from '../../validation/ip.ts'
import { dnsLabelErrors, dnsSubdomainErrors, qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText, validateImmutable } from '../../validation/values.ts'
import type { STATUS_LISTS } from '../visit.ts'
import { validateContainerReports } from './container-reports.ts'

const STATUS = Path.of('status')
const CONDITIONS = STATUS.child('conditions')
/** Conditions that the system itself sets are not looked at. */
const SYSTEM_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized'])
const ONE_OF_EACH = 'may specify no more than one IP for each IP family'

/** What a node says of a pod. */
function formWarnings(status: core.PodStatus | undefined): readonly string[] {
  const warnings: string[] = []
  for (const list of ['podIPs', 'hostIPs'] as const)
    for (const [i, { ip = '' }] of (status?.[list] ?? []).entries()) ipFormWarnings(ip, `status.${list}[${i}].ip`, warnings)
  return warnings
}

export function validatePodStatus(pod: core.Pod, old: core.Pod, errors: FieldErrors, warn?: (text: string) => void): void {
  formWarnings(pod.status).forEach((text) => warn?.(text))
  const [status, before] = [pod.status ?? {}, old.status ?? {}]
  status.conditions?.forEach(({ type = '' }, i) => {
    if (!SYSTEM_CONDITIONS.has(type)) invalidText(type, qualifiedNameErrors(type), CONDITIONS.index(i).child('Type'), errors)
  })
  const { nominatedNodeName = '' } = status
  if (nominatedNodeName !== '' && nominatedNodeName !== before.nominatedNodeName) {
    const at = STATUS.child('nominatedNodeName')
    invalidText(nominatedNodeName, dnsSubdomainErrors(nominatedNodeName), at, errors)
    if ((old.spec?.nodeName ?? '') !== '') errors.push(fieldError.forbidden(at, 'may not be set on pods that are already bound to a node'))
  }
  const { observedGeneration = 0 } = status
  if (observedGeneration < 0)
    errors.push(fieldError.invalid(STATUS.child('observedGeneration'), observedGeneration, 'must be a non-negative integer'))
  validateImmutable(status.qosClass, before.qosClass, STATUS.child('qosClass'), errors)
  if (old.spec !== undefined) {
    validateEnded(status.containerStatuses, before.containerStatuses, 'containerStatuses', restartsOf(old.spec, 'containers'), errors)
    validateEnded(
      status.initContainerStatuses,
      before.initContainerStatuses,
      'initContainerStatuses',
      restartsOf(old.spec, 'initContainers'),
      errors,
    )
    validateEnded(status.ephemeralContainerStatuses, before.ephemeralContainerStatuses, 'ephemeralContainerStatuses', () => 'Never', errors)
  }
  validateClaimStatuses(status.resourceClaimStatuses ?? [], pod.spec?.resourceClaims ?? [], errors)
  validateExtendedClaim(pod, errors)
  validateIps(status.podIPs, before.podIPs, 'podIPs', errors)
  validateHostIps(status, before, errors)
  validateContainerReports(pod, errors)
}

type RestartPolicyOf = (container: string) => string | undefined

/** How a container starts again: by its own policy, else by its pod's. Init containers that are no sidecars start again until they succeed. */
function restartsOf(spec: core.PodSpec, list: 'containers' | 'initContainers'): RestartPolicyOf {
  return (name) => {
    const container = spec[list]?.find((one) => one.name === name)
    if ((container?.restartPolicyRules ?? []).length > 0) return 'Always'
    if (container?.restartPolicy !== undefined) return container.restartPolicy
    return list === 'initContainers' && spec.restartPolicy === 'Always' ? 'OnFailure' : spec.restartPolicy
  }
}

/** A container that has ended for good stays so. */
function validateEnded(
  statuses: readonly core.ContainerStatus[] | undefined,
  before: readonly core.ContainerStatus[] | undefined,
  field: (typeof STATUS_LISTS)[number],
  policyOf: RestartPolicyOf,
  errors: FieldErrors,
): void {
  before?.forEach(({ name, state }, i) => {
    if (state?.terminated === undefined) return
    const policy = policyOf(name)
    if (policy === 'Always' || (policy === 'OnFailure' && state.terminated.exitCode !== 0)) return
    if (statuses?.some((status) => status.name === name && status.state?.terminated === undefined) === true) {
      errors.push(fieldError.forbidden(STATUS.child(field).index(i).child('state'), 'may not be transitioned to non-terminated state'))
    }
  })
}

function validateClaimStatuses(
  statuses: readonly core.PodResourceClaimStatus[],
  claims: readonly core.PodResourceClaim[],
  errors: FieldErrors,
): void {
  const path = STATUS.child('resourceClaimStatuses')
  const names = new Set<string>()
  statuses.forEach(({ name = '', resourceClaimName }, i) => {
    if (!claims.some((claim) => claim.name === name)) {
      errors.push(fieldError.invalid(path.index(i).child('name'), name, 'must match the name of an entry in `spec.resourceClaims`'))
    }
    if (names.has(name)) errors.push(fieldError.duplicate(path.index(i).child('name'), name))
    names.add(name)
    if (resourceClaimName !== undefined)
      invalidText(resourceClaimName, dnsSubdomainErrors(resourceClaimName), path.index(i).child('resourceClaimName'), errors)
  })
}

/** Which of a claim's requests an extended resource of a container has become. */
function validateExtendedClaim({ status, spec }: core.Pod, errors: FieldErrors): void {
  const claim = status?.extendedResourceClaimStatus
  if (claim === undefined) return
  const path = STATUS.child('extendedResourceClaimStatus')
  const mappings = path.child('requestMappings')
  const all = claim.requestMappings ?? []
  if (all.length === 0) errors.push(fieldError.required(mappings, 'at least one request mapping is required'))
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  const seen = new Set<string>()
  all.forEach(({ containerName = '', resourceName = '', requestName = '' }, i) => {
    const at = mappings.index(i)
    const container = containers.find(({ name }) => name === containerName)
    const among = 'in spec.initContainers.resources.requests or spec.containers.resources.requests'
    if (container === undefined) {
      const why = 'must match the name of an entry in spec.initContainers.name or spec.containers.name'
      errors.push(fieldError.invalid(at.child('containerName'), containerName, why))
    } else if (container.resources?.requests?.[resourceName] === undefined) {
      errors.push(fieldError.invalid(at.child('resourceName'), resourceName, `must match the extended resource name of an entry ${among}`))
    }
    invalidText(requestName, dnsLabelErrors(requestName), path.child('requestName'), errors)
    const key = JSON.stringify([containerName, resourceName, requestName])
    if (seen.has(key))
      for (const [name, value] of Object.entries({ containerName, resourceName, requestName }))
        errors.push(fieldError.duplicate(at.child(name), value))
    seen.add(key)
  })
  const { resourceClaimName = '' } = claim
  const at = path.child('resourceClaimName')
  if (resourceClaimName === '') errors.push(fieldError.required(at, ''))
  else invalidText(resourceClaimName, dnsSubdomainErrors(resourceClaimName), at, errors)
}

/** What was there before may stay, however it is written. */
function validateIps(
  addresses: readonly core.PodIP[] = [],
  before: readonly core.PodIP[] = [],
  field: 'podIPs' | 'hostIPs',
  errors: FieldErrors,
): void {
  const path = STATUS.child(field)
  addresses.forEach(({ ip = '' }, i) => {
    if (!before.some((one) => one.ip === ip)) invalidText(ip, newIpErrors(ip), path.index(i), errors)
  })
  if (addresses.length < 2) return
  const families = new Set(addresses.map(({ ip }) => parseIp(ip)?.family))
  if (addresses.length > 2 || families.size < 2) errors.push(fieldError.invalid(path, addresses, ONE_OF_EACH))
}

function validateHostIps({ hostIP = '', hostIPs = [] }: core.PodStatus, before: core.PodStatus, errors: FieldErrors): void {
  const first = hostIPs[0]
  if (first === undefined) return
  if (hostIP !== first.ip)
    errors.push(fieldError.invalid(STATUS.child('hostIPs').index(0).child('ip'), first.ip, 'must be equal to `hostIP`'))
  validateIps(hostIPs, before.hostIPs, 'hostIPs', errors)
}
