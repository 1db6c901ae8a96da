import { UserError } from '#base'
import type { core } from '#api'
import { PodRejected } from '../refusal.ts'

/** Settings that are the pod's own and can do the node no harm. */
const SAFE = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
])

/** The pod's sysctls by name; throws `PodRejected` for one that is neither safe nor among `allowed`, whose names may end in `*`. */
export function sysctlsOf(pod: core.Pod, allowed: readonly string[]): Record<string, string> {
  const wanted = pod.spec?.securityContext?.sysctls ?? []
  const out: Record<string, string> = {}
  for (const { name, value } of wanted) {
    const dotted = name.replaceAll('/', '.')
    if (!SAFE.has(dotted) && !allowed.some((pattern) => matches(pattern, dotted)))
      throw new PodRejected('SysctlForbidden', `forbidden sysctl: "${name}" not allowlisted`)
    if (dotted.startsWith('net.') && pod.spec?.hostNetwork === true)
      throw new PodRejected('SysctlForbidden', `forbidden sysctl: "${name}" not allowed with host net enabled`)
    if (dotted.startsWith('kernel.shm') && pod.spec?.hostIPC === true)
      throw new PodRejected('SysctlForbidden', `forbidden sysctl: "${name}" not allowed with host ipc enabled`)
    out[dotted] = value
  }
  return out
}

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern

/** Sysctls that have a namespace of their own: any other would change the node. Throws `UserError` naming one that has none. */
export function verifyAllowedSysctls(patterns: readonly string[]): void {
  for (const pattern of patterns) {
    const isOwn = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.|net\.)/.test(pattern)
    if (!isOwn)
      throw new UserError(
        `the sysctl ${pattern} has no namespace of its own`,
        'allow only names of kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.* and net.*',
      )
  }
}
