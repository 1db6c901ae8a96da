import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { validateAppArmor, validateId, validateSeccomp } from './containers/security.ts'
import type { PodValidationOptions } from './options.ts'
import { CONTAINER_FIELDS, visitContainers } from '../visit.ts'
import { validateWindowsOptions } from './windows-options.ts'

const SYSCTL_NAME = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/
const SYSCTL_WRONG =
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'
const LONGEST_SYSCTL = 253
const IPC_SYSCTLS = ['kernel.shm', 'kernel.msg', 'fs.mqueue.']

/** `choices` by field, in the order of the messages. */
const CHOICES = {
  supplementalGroupsPolicy: ['Merge', 'Strict'],
  fsGroupChangePolicy: ['Always', 'OnRootMismatch'],
  seLinuxChangePolicy: ['MountOption', 'Recursive'],
} as const

/** What holds for the pod as a whole: users, groups, kernel settings, and the namespaces that it shares with its node. */
export function validatePodSecurity(spec: core.PodSpec, specPath: Path, errors: FieldErrors, options: PodValidationOptions): void {
  const path = specPath.child('securityContext')
  if (spec.hostNetwork === true)
    validateHostNetworkPorts(spec.containers ?? [], options.isPod === true, specPath.child('containers'), errors)
  const context = spec.securityContext ?? {}
  validateId(context.fsGroup, path.child('fsGroup'), errors)
  validateId(context.runAsUser, path.child('runAsUser'), errors)
  validateId(context.runAsGroup, path.child('runAsGroup'), errors)
  context.supplementalGroups?.forEach((group, i) => validateId(group, path.child('supplementalGroups').index(i), errors))
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    errors.push(fieldError.invalid(path.child('shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  }
  if (context.sysctls !== undefined) validateSysctls(context.sysctls, spec, path.child('sysctls'), errors)
  validateChoice(context, 'fsGroupChangePolicy', path, errors)
  validateSeccomp(context.seccompProfile, path.child('seccompProfile'), errors)
  validateWindowsOptions(context.windowsOptions, path.child('windowsOptions'), errors)
  validateAppArmor(context.appArmorProfile, path.child('appArmorProfile'), errors)
  validateChoice(context, 'supplementalGroupsPolicy', path, errors)
  // To mount with a label is switched off in this version of Kubernetes; a pod that has chosen already may choose again.
  const isNew = options.before?.securityContext?.seLinuxChangePolicy === undefined
  validateChoice(context, 'seLinuxChangePolicy', path, errors, isNew ? ['Recursive'] : undefined)
}

function validateChoice(
  context: core.PodSecurityContext,
  field: keyof typeof CHOICES,
  path: Path,
  errors: FieldErrors,
  choices: readonly string[] = CHOICES[field],
): void {
  const value = context[field]
  if (value !== undefined && !choices.includes(value)) errors.push(fieldError.notSupported(path.child(field), value, choices))
}

function validateHostNetworkPorts(containers: readonly core.Container[], isPod: boolean, path: Path, errors: FieldErrors): void {
  containers.forEach(({ ports }, c) => {
    ports?.forEach(({ hostPort = 0, containerPort }, i) => {
      // A pod that is made from a template gets what the template leaves open.
      if (hostPort === containerPort || (!isPod && hostPort === 0)) return
      const at = path.index(c).child('ports').index(i).child('hostPort')
      errors.push(fieldError.invalid(at, hostPort, 'must match `containerPort` when `hostNetwork` is true'))
    })
  })
}

function validateSysctls(sysctls: readonly core.Sysctl[], spec: core.PodSpec, path: Path, errors: FieldErrors): void {
  const names = new Set<string>()
  sysctls.forEach(({ name = '' }, i) => {
    const at = path.index(i).child('name')
    if (name === '') errors.push(fieldError.required(at))
    else if (name.length > LONGEST_SYSCTL || !SYSCTL_NAME.test(name)) errors.push(fieldError.invalid(at, name, SYSCTL_WRONG))
    else if (names.has(name)) errors.push(fieldError.duplicate(at, name))
    names.add(name)
    const dotted = name.replaceAll('/', '.')
    if (spec.hostNetwork === true && dotted.startsWith('net.'))
      errors.push(fieldError.invalid(at, name, "may not be specified when 'hostNetwork' is true"))
    if (spec.hostIPC === true && (dotted === 'kernel.sem' || IPC_SYSCTLS.some((prefix) => dotted.startsWith(prefix)))) {
      errors.push(fieldError.invalid(at, name, "may not be specified when 'hostIPC' is true"))
    }
  })
}

/** Users of their own do not go with namespaces of the node. */
export function validateHostUsers(spec: core.PodSpec, path: Path, errors: FieldErrors): void {
  if (spec.hostUsers !== false) return
  const why = 'when `hostUsers` is false'
  if (spec.hostNetwork === true) errors.push(fieldError.forbidden(path.child('hostNetwork'), why))
  if (spec.hostPID === true) errors.push(fieldError.forbidden(path.child('HostPID'), why))
  if (spec.hostIPC === true) errors.push(fieldError.forbidden(path.child('HostIPC'), why))
  visitContainers(spec, (container, kind, index) => {
    if ((container.volumeDevices ?? []).length > 0)
      errors.push(fieldError.forbidden(path.child(CONTAINER_FIELDS[kind]).index(index).child('volumeDevices'), why))
  })
}
