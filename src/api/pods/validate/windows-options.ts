import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { dnsSubdomainErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'
import { CONTAINER_KINDS, type AnyContainer, type ContainerKind, visitContainers } from '../visit.ts'

const LARGEST_CREDENTIAL_SPEC = 64 * 1024
const NET_BIOS_DOMAIN = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const DNS_DOMAIN = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/

export function validateWindowsOptions(options: core.WindowsSecurityContextOptions | undefined, path: Path, errors: FieldErrors): void {
  if (options === undefined) return
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options
  if (gmsaCredentialSpecName !== undefined)
    invalidText(gmsaCredentialSpecName, dnsSubdomainErrors(gmsaCredentialSpecName), path.child('gmsaCredentialSpecName'), errors)
  if (gmsaCredentialSpec !== undefined) {
    const at = path.child('gmsaCredentialSpec')
    if (gmsaCredentialSpec === '') errors.push(fieldError.invalid(at, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string'))
    else if (gmsaCredentialSpec.length > LARGEST_CREDENTIAL_SPEC)
      errors.push(fieldError.invalid(at, gmsaCredentialSpec, 'gmsaCredentialSpec size must be under 64 KiB'))
  }
  if (runAsUserName !== undefined)
    for (const why of userNameErrors(runAsUserName))
      errors.push(fieldError.invalid(path.child('runAsUserName'), runAsUserName, `runAsUserName${why}`))
}

function userNameErrors(name: string): string[] {
  if (name === '') return [' cannot be an empty string']
  if ([...name].some((letter) => letter < ' ' || letter === '\x7f')) return [' cannot contain control characters']
  const parts = name.split('\\')
  if (parts.length > 2) return [' cannot contain more than one backslash']
  const [domain, user = ''] = parts.length === 2 ? parts : [undefined, name]
  const errors: string[] = []
  if (domain !== undefined) {
    if (domain.length >= 256) errors.push("'s Domain length must be under 256 characters")
    if (!NET_BIOS_DOMAIN.test(domain) && !DNS_DOMAIN.test(domain)) errors.push("'s Domain doesn't match the NetBios nor the DNS format")
  }
  if (user === '') errors.push("'s User cannot be empty")
  else if (user.length > 104) errors.push("'s User length must not be longer than 104 characters")
  if (/^[. ]+$/.test(user)) errors.push("'s User cannot contain only periods or spaces")
  if (/["/\\[\]:;|=,+*?<>@]/.test(user)) errors.push('\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  return errors
}

const LIST: Readonly<Record<ContainerKind, string>> = { init: 'initContainers', regular: 'containers', ephemeral: 'ephemeralContainers' }

/** Containers that are processes of a Windows node: all of a pod's or none, and on the node's network. */
export function validateHostProcess(spec: core.PodSpec, path: Path, errors: FieldErrors): void {
  const forPod = spec.securityContext?.windowsOptions?.hostProcess
  let containers = 0
  let hostProcesses = 0
  visitContainers(spec, (container, kind, i) => {
    containers++
    const own = container.securityContext?.windowsOptions?.hostProcess
    if (forPod !== undefined && own !== undefined && forPod !== own) {
      const at = path.child(LIST[kind]).index(i).child('securityContext').child('windowsOptions').child('hostProcess')
      errors.push(fieldError.invalid(at, own, `pod hostProcess value must be identical if both are specified, was ${forPod}`))
    }
    if (own ?? forPod) hostProcesses++
  })
  if (hostProcesses === 0) return
  if (hostProcesses !== containers)
    errors.push(
      fieldError.invalid(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'),
    )
  if (spec.hostNetwork !== true)
    errors.push(fieldError.invalid(path.child('hostNetwork'), false, 'hostNetwork must be true if pod contains any hostProcess containers'))
}

const OS_NAMES = ['linux', 'windows']
const LINUX_ONLY_OF_POD = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
] as const
const LINUX_ONLY_OF_CONTAINER = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const
const NOT_ON_WINDOWS = 'cannot be set for a windows pod'

/** A pod that names its system may not set what only the other one has. */
export function validateOs(spec: core.PodSpec, path: Path, errors: FieldErrors): void {
  const { os } = spec
  if (os === undefined) return
  const { name = '' } = os
  if (name === '') errors.push(fieldError.required(path.child('os').child('name')))
  else if (!OS_NAMES.includes(name)) errors.push(fieldError.notSupported(path.child('os'), name, OS_NAMES))
  else if (name === 'linux') forbidWindowsOptions(spec, path, errors)
  else forbidLinuxOptions(spec, path, errors)
}

function forbidWindowsOptions(spec: core.PodSpec, path: Path, errors: FieldErrors): void {
  const check = (context: { readonly windowsOptions?: unknown } | undefined, at: Path): void => {
    if (context?.windowsOptions !== undefined)
      errors.push(
        fieldError.forbidden(at.child('securityContext').child('windowsOptions'), 'windows options cannot be set for a linux pod'),
      )
  }
  check(spec.securityContext, path)
  eachContainer(spec, path, (container, at) => check(container.securityContext, at))
}

function forbidLinuxOptions(spec: core.PodSpec, path: Path, errors: FieldErrors): void {
  const forbid = (at: Path): void => {
    errors.push(fieldError.forbidden(at, NOT_ON_WINDOWS))
  }
  for (const field of LINUX_ONLY_OF_POD) if (spec.securityContext?.[field] !== undefined) forbid(path.child('securityContext').child(field))
  for (const field of ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const) {
    if (spec[field] !== undefined && (spec[field] || field === 'hostUsers')) forbid(path.child(field))
  }
  eachContainer(spec, path, (container, at) => {
    for (const field of LINUX_ONLY_OF_CONTAINER)
      if (container.securityContext?.[field] !== undefined) forbid(at.child('securityContext').child(field))
  })
}

function eachContainer(spec: core.PodSpec, path: Path, visit: (container: AnyContainer, path: Path) => void): void {
  for (const kind of CONTAINER_KINDS) {
    const list: readonly AnyContainer[] =
      { init: spec.initContainers, regular: spec.containers, ephemeral: spec.ephemeralContainers }[kind] ?? []
    list.forEach((container, i) => visit(container, path.child(LIST[kind]).index(i)))
  }
}
