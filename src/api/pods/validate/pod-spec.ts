import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { ObjectMeta } from '../../meta/object.ts'
import type { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { validateLabels } from '../../validation/label-selector.ts'
import { byteLength, dnsLabelErrors, dnsSubdomainErrors, type TextErrors } from '../../validation/names.ts'
import { invalidText, validateInRange, validateRequiredEnum } from '../../validation/values.ts'
import { validateAffinity } from './scheduling/affinity.ts'
import { validatePodResources, validateResourceRequirements } from './containers/container-resources.ts'
import { validateContainers, validateInitContainers, type PodSurroundings } from './containers/containers.ts'
import { validateEphemeralContainers } from './containers/ephemeral-containers.ts'
import { validateDnsConfig, validateHostAliases } from './names-and-dns.ts'
import type { PodValidationOptions } from './options.ts'
import { validateHostUsers, validatePodSecurity } from './pod-security.ts'
import { validatePodResourceClaims } from './resource-claims.ts'
import { validateReadinessGates, validateSchedulingGates, validateTolerations, validateTopologySpread } from './scheduling/scheduling.ts'
import { validateVolumes } from './volumes/volumes.ts'
import { CONTAINER_FIELDS, visitContainers } from '../visit.ts'
import { validateHostProcess, validateOs } from './windows-options.ts'

export const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never']
const LONGEST_DEADLINE = 2 ** 31 - 1
const NO_CLAIMS: ReadonlySet<string> = new Set()

/** Everything that a pod wants. `meta` is that of the pod; undefined for a template, whose pods have names of their own. */
export function validatePodSpec(
  spec: core.PodSpec,
  meta: ObjectMeta | undefined,
  path: Path,
  errors: FieldErrors,
  options: PodValidationOptions = {},
): void {
  const volumes = validateVolumes(spec.volumes, meta, path.child('volumes'), errors, options)
  const claims = spec.resourceClaims === undefined ? NO_CLAIMS : new Set(spec.resourceClaims.map(({ name }) => name))
  if (spec.resourceClaims !== undefined) validatePodResourceClaims(spec.resourceClaims, meta, path.child('resourceClaims'), errors)
  const pod: PodSurroundings = { spec, volumes, claims, graceSeconds: spec.terminationGracePeriodSeconds ?? 0 }
  validateContainers(pod, path.child('containers'), errors)
  if (spec.initContainers !== undefined) validateInitContainers(pod, path.child('initContainers'), errors)
  if (spec.ephemeralContainers !== undefined) validateEphemeralContainers(pod, path.child('ephemeralContainers'), errors)
  if (spec.resources !== undefined) validatePodResources(spec, claims, path.child('resources'), errors)
  validateRequiredEnum(spec.restartPolicy, RESTART_POLICIES, path.child('restartPolicy'), errors)
  validateRequiredEnum(spec.dnsPolicy, DNS_POLICIES, path.child('dnsPolicy'), errors)
  if (spec.nodeSelector !== undefined) validateLabels(spec.nodeSelector, path.child('nodeSelector'), errors)
  validatePodSecurity(spec, path, errors, options)
  if (spec.affinity !== undefined) validateAffinity(spec.affinity, path.child('affinity'), errors)
  if (spec.dnsConfig !== undefined || spec.dnsPolicy === 'None') validateDnsConfig(spec, path.child('dnsConfig'), errors)
  if (spec.readinessGates !== undefined) validateReadinessGates(spec.readinessGates, path.child('readinessGates'), errors)
  if (spec.schedulingGates !== undefined) validateSchedulingGates(spec.schedulingGates, path.child('schedulingGates'), errors)
  if (spec.topologySpreadConstraints !== undefined)
    validateTopologySpread(spec.topologySpreadConstraints, path.child('topologySpreadConstraints'), errors)
  validateHostProcess(spec, path, errors)
  validateHostUsers(spec, path, errors)
  validateName(spec, 'serviceAccountName', dnsSubdomainErrors, path, errors)
  validateName(spec, 'nodeName', dnsSubdomainErrors, path, errors)
  if (spec.activeDeadlineSeconds !== undefined)
    validateInRange(spec.activeDeadlineSeconds, 1, LONGEST_DEADLINE, path.child('activeDeadlineSeconds'), errors)
  validateName(spec, 'hostname', dnsLabelErrors, path, errors)
  validateName(spec, 'subdomain', dnsLabelErrors, path, errors)
  if (spec.tolerations !== undefined) validateTolerations(spec.tolerations, path.child('tolerations'), errors)
  if (spec.hostAliases !== undefined) validateHostAliases(spec.hostAliases, path.child('hostAliases'), errors)
  validateName(spec, 'priorityClassName', dnsSubdomainErrors, path, errors)
  if (spec.runtimeClassName !== undefined)
    invalidText(spec.runtimeClassName, dnsSubdomainErrors(spec.runtimeClassName), path.child('runtimeClassName'), errors)
  if (spec.preemptionPolicy !== undefined)
    validateRequiredEnum(spec.preemptionPolicy, PREEMPTION_POLICIES, path.child('preemptionPolicy'), errors)
  if (spec.overhead !== undefined) validateResourceRequirements({ limits: spec.overhead }, NO_CLAIMS, path.child('overhead'), errors)
  validateOs(spec, path, errors)
  validateHostnameOverride(spec, path, errors)
  validateFileKeyVolumes(spec, path, errors)
}

/** Variables come from files of volumes that begin empty. */
function validateFileKeyVolumes(spec: core.PodSpec, path: Path, errors: FieldErrors): void {
  visitContainers(spec, ({ env }, kind, index) => {
    env?.forEach(({ valueFrom }, at) => {
      if (valueFrom?.fileKeyRef === undefined) return
      const { volumeName = '' } = valueFrom.fileKeyRef
      const field = path.child(CONTAINER_FIELDS[kind]).index(index).child('env').index(at).child('valueFrom').child('fileKeyRef')
      const volume = spec.volumes?.findLast(({ name }) => name === volumeName)
      if (volume === undefined) errors.push(fieldError.notFound(field.child('volumeName'), volumeName))
      else if (volume.emptyDir === undefined)
        errors.push(fieldError.invalid(field.child('volumeName'), volumeName, 'referenced volume must be of type emptyDir'))
    })
  })
}

type NameField = 'serviceAccountName' | 'nodeName' | 'hostname' | 'subdomain' | 'priorityClassName'

function validateName(spec: core.PodSpec, field: NameField, check: (name: string) => TextErrors, path: Path, errors: FieldErrors): void {
  const name = spec[field]
  if (name !== undefined && name !== '') invalidText(name, check(name), path.child(field), errors)
}

const LONGEST_HOSTNAME = 64

function validateHostnameOverride(
  { hostnameOverride: name, setHostnameAsFQDN, hostNetwork }: core.PodSpec,
  path: Path,
  errors: FieldErrors,
): void {
  if (name === undefined) return
  const at = path.child('hostnameOverride')
  if (setHostnameAsFQDN === true) errors.push(fieldError.forbidden(at, 'may not be specified when setHostnameAsFQDN is true'))
  if (hostNetwork === true) errors.push(fieldError.forbidden(at, 'may not be specified when hostNetwork is true'))
  if (byteLength(name) > LONGEST_HOSTNAME) errors.push(fieldError.tooLong(at, LONGEST_HOSTNAME))
  invalidText(name, dnsSubdomainErrors(name), at, errors)
}
