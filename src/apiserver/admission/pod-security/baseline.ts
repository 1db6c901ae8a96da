import type { core } from '#api'
import { type Check, containersText, containersThat, hasUserNamespace, plural, quoted, settersText, sorted } from './words.ts'

const DEFAULT_CAPABILITIES: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])

export const capabilities: Check = ({ spec }) => {
  const bad = new Set<string>()
  const names = containersThat(spec, ({ securityContext }) => {
    const added = (securityContext?.capabilities?.add ?? []).filter((capability) => !DEFAULT_CAPABILITIES.has(capability))
    for (const capability of added) bad.add(capability)
    return added.length > 0
  })
  if (names.length === 0) return undefined
  return {
    reason: 'non-default capabilities',
    detail: `${containersText(names)} must not include ${quoted(sorted(bad))} in securityContext.capabilities.add`,
  }
}

export const hostNamespaces: Check = ({ spec }) => {
  const set = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true).map((field) => `${field}=true`)
  return set.length === 0 ? undefined : { reason: 'host namespaces', detail: set.join(', ') }
}

export const hostPathVolumes: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name)
  return names.length === 0
    ? undefined
    : { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', names.length)} ${quoted(names)}` }
}

export const hostPorts: Check = ({ spec }) => {
  const ports = new Set<number>()
  const names = containersThat(spec, (container) => {
    const used = (container.ports ?? []).filter(({ hostPort }) => (hostPort ?? 0) !== 0)
    for (const { hostPort } of used) ports.add(hostPort ?? 0)
    return used.length > 0
  })
  if (names.length === 0) return undefined
  const list = [...ports].sort((a, b) => a - b).join(', ')
  return {
    reason: 'hostPort',
    detail: `${containersText(names)} ${plural('uses', 'use', names.length)} ${plural('hostPort', 'hostPorts', ports.size)} ${list}`,
  }
}

export const probeHosts: Check = ({ spec }) => {
  const hosts = new Set<string>()
  const names = containersThat(spec, ({ livenessProbe, readinessProbe, startupProbe, lifecycle }) => {
    const handlers = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
    const found = handlers
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host) => host !== undefined && host !== '')
    for (const host of found) if (host) hosts.add(host)
    return found.length > 0
  })
  if (names.length === 0) return undefined
  const what = plural('probe or lifecycle host', 'probe or lifecycle hosts', hosts.size)
  return {
    reason: 'probe or lifecycle host',
    detail: `${containersText(sorted(names))} ${plural('uses', 'use', names.length)} ${what} ${quoted(sorted(hosts))}`,
  }
}

export const privileged: Check = ({ spec }) => {
  const names = containersThat(spec, ({ securityContext }) => securityContext?.privileged === true)
  return names.length === 0
    ? undefined
    : { reason: 'privileged', detail: `${containersText(names)} must not set securityContext.privileged=true` }
}

export const procMount: Check = ({ spec }) => {
  const types = new Set<string>()
  const names = containersThat(spec, ({ securityContext }) => {
    const type = securityContext?.procMount
    if (type === undefined || type === 'Default') return false
    types.add(type)
    return true
  })
  return names.length === 0
    ? undefined
    : { reason: 'procMount', detail: `${containersText(names)} must not set securityContext.procMount to ${quoted(sorted(types))}` }
}

/** At the baseline level a pod with its own user namespace may see /proc as it is. */
export const procMountOutsideUserNamespace: Check = (pod) => (hasUserNamespace(pod) ? undefined : procMount(pod))

const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t'] as const

function seLinux(allowed: readonly string[]): Check {
  return ({ spec }) => {
    const types = new Set<string>()
    let user = false
    let role = false
    const isBad = (options: core.SELinuxOptions | undefined): boolean => {
      if (options === undefined) return false
      const badType = !allowed.includes(options.type ?? '')
      if (badType) types.add(options.type ?? '')
      user ||= Boolean(options.user)
      role ||= Boolean(options.role)
      return badType || Boolean(options.user) || Boolean(options.role)
    }
    const pod = isBad(spec.securityContext?.seLinuxOptions)
    const names = containersThat(spec, ({ securityContext }) => isBad(securityContext?.seLinuxOptions))
    if (!pod && names.length === 0) return undefined
    const parts = [
      ...(types.size === 0 ? [] : [`${plural('type', 'types', types.size)} ${quoted(sorted(types))}`]),
      ...(user ? ['user may not be set'] : []),
      ...(role ? ['role may not be set'] : []),
    ]
    return {
      reason: 'seLinuxOptions',
      detail: `${settersText(pod, names)} set forbidden securityContext.seLinuxOptions: ${parts.join('; ')}`,
    }
  }
}
export const seLinuxOptions = seLinux(SELINUX_TYPES)
export const seLinuxOptionsWithEngine = seLinux([...SELINUX_TYPES, 'container_engine_t'])

const isGoodSeccomp = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost'

export const seccomp: Check = ({ spec }) => {
  const types = new Set<string>()
  const isBad = (profile: core.SeccompProfile | undefined): boolean => {
    if (profile === undefined || isGoodSeccomp(profile.type)) return false
    types.add(profile.type)
    return true
  }
  const pod = isBad(spec.securityContext?.seccompProfile)
  const names = containersThat(spec, ({ securityContext }) => isBad(securityContext?.seccompProfile))
  if (!pod && names.length === 0) return undefined
  return {
    reason: 'seccompProfile',
    detail: `${settersText(pod, names)} must not set securityContext.seccompProfile.type to ${quoted(sorted(types))}`,
  }
}

/** Before the field there were annotations. */
export const seccompAnnotations: Check = ({ metadata, spec }) => {
  const keys = [
    'seccomp.security.alpha.kubernetes.io/pod',
    ...containersThat(spec, () => true).map((name) => `container.seccomp.security.alpha.kubernetes.io/${name}`),
  ]
  const bad = keys.flatMap((key) => {
    const value = metadata?.annotations?.[key]
    const good = value === undefined || value === 'runtime/default' || value === 'docker/default' || value.startsWith('localhost/')
    return good ? [] : [`${key}=${JSON.stringify(value)}`]
  })
  if (bad.length === 0) return undefined
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', 'annotations', bad.length)} ${sorted(bad).join(', ')}` }
}

export const appArmor: Check = ({ metadata, spec }) => {
  const types = new Set<string>()
  const isBad = (profile: core.AppArmorProfile | undefined): boolean => {
    if (profile === undefined || isGoodSeccomp(profile.type)) return false
    types.add(profile.type)
    return true
  }
  const pod = isBad(spec.securityContext?.appArmorProfile)
  const names = containersThat(spec, ({ securityContext }) => isBad(securityContext?.appArmorProfile))
  const annotations = Object.entries(metadata?.annotations ?? {}).flatMap(([key, value]) => {
    if (!key.startsWith('container.apparmor.security.beta.kubernetes.io/')) return []
    return value === '' || value === 'runtime/default' || value.startsWith('localhost/') ? [] : [`${key}=${JSON.stringify(value)}`]
  })
  const values = [...sorted(types), ...sorted(annotations)]
  if (values.length === 0) return undefined
  const setters = [
    ...(types.size === 0 ? [] : [settersText(pod, names)]),
    ...(annotations.length === 0 ? [] : [plural('annotation', 'annotations', annotations.length)]),
  ]
  return {
    reason: plural('forbidden AppArmor profile', 'forbidden AppArmor profiles', values.length),
    // Annotations have quotes of their own within those of the list.
    detail: `${setters.join(' and ')} must not set AppArmor profile type to ${values.map((value) => `"${value}"`).join(', ')}`,
  }
}

const SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
]
const SYSCTLS_SINCE: readonly (readonly [minor: number, names: readonly string[]])[] = [
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [29, ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
]

export function sysctls(minor: number): Check {
  const allowed = new Set([...SYSCTLS, ...SYSCTLS_SINCE.flatMap(([since, names]) => (minor >= since ? names : []))])
  return ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.has(name))
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') }
  }
}

export const windowsHostProcess: Check = ({ spec }) => {
  const pod = spec.securityContext?.windowsOptions?.hostProcess === true
  const names = containersThat(spec, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true)
  const setters = settersText(pod, names)
  return setters === ''
    ? undefined
    : { reason: 'hostProcess', detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true` }
}
