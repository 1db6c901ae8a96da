import { existsSync } from 'node:fs'
import { join, normalize } from 'node:path'
import type { core } from '#api'
import type {
  ContainerSecurity,
  GroupsPolicy,
  Image,
  NamespaceModes,
  SecurityProfile,
  SelinuxOptions,
  UserMapping,
} from '../cri/runtime.ts'
import { type AnyContainer, fullNameOf } from '../pods/pod-facts.ts'
import { configError } from '../refusal.ts'
import type { NodeSettings } from '../settings.ts'

const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export function namespacesOf(pod: core.Pod, users: UserMapping | undefined, targetId?: string): NamespaceModes {
  const spec = pod.spec
  return {
    network: spec?.hostNetwork === true ? 'node' : 'pod',
    ipc: spec?.hostIPC === true ? 'node' : 'pod',
    pid: targetId !== undefined ? 'target' : spec?.hostPID === true ? 'node' : spec?.shareProcessNamespace === true ? 'pod' : 'container',
    ...(targetId === undefined ? {} : { targetId }),
    ...(users && { users }),
  }
}

export const groupsPolicyOf = (pod: core.Pod): GroupsPolicy =>
  pod.spec?.securityContext?.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge'

/** What the container may do. Worked out anew at every start; anything that cannot be honoured refuses the start. */
export function securityOf(
  pod: core.Pod,
  container: AnyContainer,
  image: Image,
  settings: NodeSettings,
  users: UserMapping | undefined,
  targetId?: string,
): ContainerSecurity {
  const own = container.securityContext ?? {}
  const shared = pod.spec?.securityContext ?? {}
  const runAsUser = own.runAsUser ?? shared.runAsUser
  if ((own.runAsNonRoot ?? shared.runAsNonRoot) === true) verifyNonRoot(pod, container, image, runAsUser)
  const privileged = own.privileged === true
  const unmasked = own.procMount === 'Unmasked' || privileged
  return {
    privileged,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    namespaces: namespacesOf(pod, users, targetId),
    selinux: selinuxOf(own.seLinuxOptions ?? shared.seLinuxOptions),
    runAsUser: runAsUser ?? image.uid,
    runAsUsername: runAsUser === undefined && image.uid === undefined ? image.username : '',
    runAsGroup: own.runAsGroup ?? shared.runAsGroup,
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    supplementalGroups: [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])],
    groupsPolicy: groupsPolicyOf(pod),
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : MASKED_PATHS,
    readonlyPaths: unmasked ? [] : READONLY_PATHS,
    seccomp: privileged ? { type: 'Unconfined' } : seccompOf(own.seccompProfile ?? shared.seccompProfile, settings.seccompDir),
    apparmor: privileged ? undefined : apparmorOf(own.appArmorProfile ?? shared.appArmorProfile, settings),
  }
}

function verifyNonRoot(pod: core.Pod, container: AnyContainer, image: Image, runAsUser: number | undefined): void {
  const where = `(pod: "${fullNameOf(pod)}", container: ${container.name})`
  if (runAsUser === 0) throw configError(`container's runAsUser breaks non-root policy ${where}`)
  if (runAsUser !== undefined) return
  if (image.uid !== undefined && image.uid !== 0) return
  if (image.uid === undefined && image.username !== '')
    throw configError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    )
  throw configError(`container has runAsNonRoot and image will run as root ${where}`)
}

/** No profile is unconfined, as in Kubernetes; a profile that is named but not there is never taken for none. */
export function seccompOf(profile: core.SeccompProfile | undefined, dir: string): SecurityProfile {
  switch (profile?.type) {
    case undefined:
    case 'Unconfined':
      return { type: 'Unconfined' }
    case 'RuntimeDefault':
      return { type: 'RuntimeDefault' }
    case 'Localhost': {
      const relative = normalize(profile.localhostProfile ?? '')
      if (
        profile.localhostProfile === undefined ||
        profile.localhostProfile === '' ||
        relative.startsWith('..') ||
        relative.startsWith('/')
      ) {
        throw configError('localhostProfile must be set if seccompProfile type is Localhost.')
      }
      const ref = join(dir, relative)
      if (!existsSync(ref)) throw configError(`cannot load seccomp profile "${ref}": file does not exist`)
      return { type: 'Localhost', ref }
    }
    default:
      throw configError(`unknown seccomp profile type ${JSON.stringify(profile?.type)}`)
  }
}

function apparmorOf(profile: core.AppArmorProfile | undefined, settings: NodeSettings): SecurityProfile | undefined {
  if (profile === undefined || profile.type === 'Unconfined') return undefined
  if (!settings.machine.apparmor) throw configError('AppArmor is not enabled on the host')
  if (profile.type === 'RuntimeDefault') return { type: 'RuntimeDefault' }
  if (profile.type === 'Localhost' && profile.localhostProfile !== undefined && profile.localhostProfile !== '')
    return { type: 'Localhost', ref: profile.localhostProfile }
  throw configError(`invalid AppArmor profile: ${JSON.stringify(profile)}`)
}

export function selinuxOf(options: core.SELinuxOptions | undefined): SelinuxOptions | undefined {
  return options && { user: options.user ?? '', role: options.role ?? '', type: options.type ?? '', level: options.level ?? '' }
}
