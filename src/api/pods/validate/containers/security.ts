import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { type GoStruct, shownStruct } from '../../../meta/go-struct.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { validateInRange, validateRelativePath, validateRequired } from '../../../validation/values.ts'
import { validateWindowsOptions } from '../windows-options.ts'

const LARGEST_ID = 2 ** 31 - 1
const PROC_MOUNTS = ['Default', 'Unmasked']
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined']
const LONGEST_APPARMOR_PROFILE = 4095

const PROFILE: GoStruct = [
  ['Type', 'type', ''],
  ['LocalhostProfile', 'localhostProfile'],
]
const SECURITY_CONTEXT: GoStruct = [
  [
    'Capabilities',
    'capabilities',
    null,
    [
      ['Add', 'add'],
      ['Drop', 'drop'],
    ],
  ],
  ['Privileged', 'privileged'],
  [
    'SELinuxOptions',
    'seLinuxOptions',
    null,
    [
      ['User', 'user', ''],
      ['Role', 'role', ''],
      ['Type', 'type', ''],
      ['Level', 'level', ''],
    ],
  ],
  [
    'WindowsOptions',
    'windowsOptions',
    null,
    [
      ['GMSACredentialSpecName', 'gmsaCredentialSpecName'],
      ['GMSACredentialSpec', 'gmsaCredentialSpec'],
      ['RunAsUserName', 'runAsUserName'],
      ['HostProcess', 'hostProcess'],
    ],
  ],
  ['RunAsUser', 'runAsUser'],
  ['RunAsGroup', 'runAsGroup'],
  ['RunAsNonRoot', 'runAsNonRoot'],
  ['ReadOnlyRootFilesystem', 'readOnlyRootFilesystem'],
  ['AllowPrivilegeEscalation', 'allowPrivilegeEscalation'],
  ['ProcMount', 'procMount'],
  ['SeccompProfile', 'seccompProfile', null, PROFILE],
  ['AppArmorProfile', 'appArmorProfile', null, PROFILE],
]

export function validateId(id: number | undefined, path: Path, errors: FieldErrors): void {
  if (id !== undefined) validateInRange(id, 0, LARGEST_ID, path, errors)
}

/** What a container may do. `hostUsers` says whether its users are those of the node. */
export function validateSecurityContext(context: core.SecurityContext, hostUsers: boolean, path: Path, errors: FieldErrors): void {
  validateId(context.runAsUser, path.child('runAsUser'), errors)
  validateId(context.runAsGroup, path.child('runAsGroup'), errors)
  const { procMount, allowPrivilegeEscalation, privileged, capabilities } = context
  if (procMount !== undefined) {
    if (!PROC_MOUNTS.includes(procMount)) errors.push(fieldError.notSupported(path.child('procMount'), procMount, PROC_MOUNTS))
    if (hostUsers && procMount === 'Unmasked')
      errors.push(fieldError.invalid(path.child('procMount'), procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  validateSeccomp(context.seccompProfile, path.child('seccompProfile'), errors)
  if (allowPrivilegeEscalation === false) {
    const refuse = (and: string): void => {
      const shown = shownStruct(SECURITY_CONTEXT, context)
      errors.push(fieldError.invalid(path, shown, `cannot set \`allowPrivilegeEscalation\` to false and ${and}`))
    }
    if (privileged === true) refuse('`privileged` to true')
    for (const capability of capabilities?.add ?? []) {
      if (capability === 'CAP_SYS_ADMIN') refuse('`capabilities.Add` CAP_SYS_ADMIN')
    }
  }
  validateWindowsOptions(context.windowsOptions, path.child('windowsOptions'), errors)
  validateAppArmor(context.appArmorProfile, path.child('appArmorProfile'), errors)
}

export function validateSeccomp(profile: core.SeccompProfile | undefined, path: Path, errors: FieldErrors): void {
  if (profile === undefined) return
  const { type = '', localhostProfile } = profile
  const at = path.child('localhostProfile')
  if (validateRequired(type, path.child('type'), errors, 'type is required when seccompProfile is set') && !PROFILE_TYPES.includes(type)) {
    errors.push(fieldError.notSupported(path.child('type'), type, PROFILE_TYPES))
  }
  if (type === 'Localhost') {
    if (localhostProfile === undefined) errors.push(fieldError.required(at, 'must be set when seccomp type is Localhost'))
    else validateRelativePath(localhostProfile, at, errors)
  } else if (localhostProfile !== undefined)
    errors.push(fieldError.invalid(at, shownStruct(PROFILE, profile), 'can only be set when seccomp type is Localhost'))
}

export function validateAppArmor(profile: core.AppArmorProfile | undefined, path: Path, errors: FieldErrors): void {
  if (profile === undefined) return
  const { type = '', localhostProfile } = profile
  const at = path.child('localhostProfile')
  if (!validateRequired(type, path.child('type'), errors, 'type is required when appArmorProfile is set')) return
  if (!PROFILE_TYPES.includes(type)) errors.push(fieldError.notSupported(path.child('type'), type, PROFILE_TYPES))
  else if (type !== 'Localhost') {
    if (localhostProfile !== undefined)
      errors.push(fieldError.invalid(at, localhostProfile, 'can only be set when AppArmor type is Localhost'))
  } else if (localhostProfile === undefined || localhostProfile === '')
    errors.push(fieldError.required(at, 'must be set when AppArmor type is Localhost'))
  else if (localhostProfile.trim() !== localhostProfile)
    errors.push(fieldError.invalid(at, localhostProfile, 'must not be padded with whitespace'))
  else if (localhostProfile.length > LONGEST_APPARMOR_PROFILE) errors.push(fieldError.tooLong(at, LONGEST_APPARMOR_PROFILE))
}
