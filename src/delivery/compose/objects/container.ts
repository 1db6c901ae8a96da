import type { core } from '#api'
import { type Dict, childDict, isDict } from '#compose'
import { isFilter } from '../aliyun/filters.ts'
import { type Findings, given, isTrue, numberOf, pairsOf, secondsOf, textOf, textsOf } from '../reader.ts'

const PULL: Readonly<Record<string, string>> = { always: 'Always', never: 'Never', if_not_present: 'IfNotPresent', missing: 'IfNotPresent' }

/** The parts of a container that stand in the service itself; probes, mounts, ports and resources are made elsewhere. */
export function containerBasics(name: string, service: Dict, findings: Findings): Omit<core.Container, 'name'> {
  const env = pairsOf(service['environment'])
    .filter(([key]) => !isFilter(key))
    .map(([key, value]) => ({ name: key, value: escaped(value) }))
  const stopSignal = textOf(service['stop_signal'])
  return {
    ...given('image', textOf(service['image'])),
    imagePullPolicy: pullPolicy(name, service, findings) ?? 'IfNotPresent',
    ...given('command', commandOf(service['entrypoint'])),
    ...given('args', commandOf(service['command'])),
    ...given('workingDir', textOf(service['working_dir'])),
    ...(env.length > 0 ? { env } : {}),
    ...(isTrue(service['stdin_open']) ? { stdin: true } : {}),
    ...(isTrue(service['tty']) ? { tty: true } : {}),
    ...(stopSignal === undefined ? {} : { lifecycle: { stopSignal: signalName(stopSignal) } }),
    ...given('securityContext', securityOf(name, service, findings)),
  }
}

/** Dollars in what was filled in already mean themselves. */
const escaped = (text: string): string => text.replaceAll('$(', () => '$$(')
const commandOf = (value: Dict[string] | undefined): string[] | undefined =>
  Array.isArray(value) ? textsOf(value).map(escaped) : undefined
const signalName = (signal: string): string => (signal.startsWith('SIG') ? signal : `SIG${signal}`)

function pullPolicy(name: string, service: Dict, findings: Findings): string | undefined {
  const policy = textOf(service['pull_policy'])
  const known = policy === undefined ? undefined : PULL[policy]
  if (policy !== undefined && known === undefined)
    findings.refuse(['services', name, 'pull_policy'], `${policy}: one of ${Object.keys(PULL).join(', ')}`)
  return known
}

function securityOf(name: string, service: Dict, findings: Findings): core.SecurityContext | undefined {
  const add = textsOf(service['cap_add']).map(capability)
  const drop = textsOf(service['cap_drop']).map(capability)
  const context: core.SecurityContext = {
    ...(isTrue(service['privileged']) ? { privileged: true } : {}),
    ...(isTrue(service['read_only']) ? { readOnlyRootFilesystem: true } : {}),
    ...(add.length + drop.length > 0 ? { capabilities: { ...(add.length > 0 ? { add } : {}), ...(drop.length > 0 ? { drop } : {}) } } : {}),
    ...userOf(name, textOf(service['user']), findings),
    ...optionsOf(name, textsOf(service['security_opt']), findings),
  }
  return Object.keys(context).length > 0 ? context : undefined
}

const capability = (text: string): string => text.replace(/^CAP_/, '')

function userOf(name: string, user: string | undefined, findings: Findings): Pick<core.SecurityContext, 'runAsUser' | 'runAsGroup'> {
  if (user === undefined) return {}
  const match = /^(\d+)(?::(\d+))?$/.exec(user)
  if (match === null) findings.refuse(['services', name, 'user'], `${user}: give numbers, as names are known in the image only`)
  return match === null ? {} : { runAsUser: Number(match[1]), ...(match[2] === undefined ? {} : { runAsGroup: Number(match[2]) }) }
}

function optionsOf(name: string, options: readonly string[], findings: Findings): core.SecurityContext {
  return options.reduce<core.SecurityContext>((context, option) => {
    const [key = '', ...rest] = option.split(/[:=]/)
    const value = rest.join(':')
    if (key === 'no-new-privileges') return { ...context, allowPrivilegeEscalation: value === 'false' }
    if (key === 'seccomp' && value === 'unconfined') return { ...context, seccompProfile: { type: 'Unconfined' } }
    if (key === 'apparmor' && value === 'unconfined') return { ...context, appArmorProfile: { type: 'Unconfined' } }
    if (key === 'apparmor') return { ...context, appArmorProfile: { type: 'Localhost', localhostProfile: value } }
    const part = /^(user|role|type|level):(.+)$/.exec(value)
    if (key === 'label' && part !== null) return { ...context, seLinuxOptions: { ...context.seLinuxOptions, [part[1] ?? '']: part[2] } }
    findings.refuse(['services', name, 'security_opt'], `${option} has no meaning for a pod`)
    return context
  }, {})
}

type PodParts = Omit<core.PodSpec, 'containers' | 'volumes'>

/** What of a service belongs to its pods as a whole. */
export function podBasics(name: string, service: Dict, findings: Findings): PodParts {
  const refuse = (key: string, text: string): void => findings.refuse(['services', name, key], text)
  const aliases = hostAliases(textsOf(service['extra_hosts']), (text) => refuse('extra_hosts', text))
  const groups = textsOf(service['group_add']).map((group) =>
    /^\d+$/.test(group) ? Number(group) : refuse('group_add', `${group}: give a number`),
  )
  const sysctls = pairsOf(service['sysctls']).map(([key, value]) => ({ name: key, value }))
  const security: core.PodSecurityContext = {
    ...(groups.length > 0 ? { supplementalGroups: groups.filter((group) => typeof group === 'number') } : {}),
    ...(sysctls.length > 0 ? { sysctls } : {}),
  }
  return {
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    ...namespacesOf(service, refuse),
    ...given('hostname', hostnameOf(service, refuse)),
    ...given('terminationGracePeriodSeconds', secondsOf(service['stop_grace_period']) ?? DEFAULT_GRACE_SECONDS),
    ...given('runtimeClassName', textOf(service['runtime'])),
    ...given('dnsConfig', dnsOf(service)),
    ...(aliases.length > 0 ? { hostAliases: aliases } : {}),
    ...(Object.keys(security).length > 0 ? { securityContext: security } : {}),
  }
}

/** What Docker gives a container before it kills it. */
const DEFAULT_GRACE_SECONDS = 10

function namespacesOf(service: Dict, refuse: (key: string, text: string) => void): PodParts {
  const { network_mode: network, pid, ipc, userns_mode: users, uts } = service
  if (network !== undefined && network !== 'host' && network !== 'bridge')
    refuse('network_mode', `${String(network)}: pods have a network of their own, or the node's`)
  if (pid !== undefined && pid !== 'host') refuse('pid', `${String(pid)}: processes of another service are not shared`)
  if (ipc !== undefined && !['host', 'private', 'shareable'].includes(String(ipc)))
    refuse('ipc', `${String(ipc)} of another service is not shared`)
  if (users !== undefined && users !== 'host') refuse('userns_mode', `${String(users)}: only host`)
  if (uts !== undefined) refuse('uts', 'pods have host names of their own')
  return {
    ...(network === 'host' ? { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' } : {}),
    ...(pid === 'host' ? { hostPID: true } : {}),
    ...(ipc === 'host' ? { hostIPC: true } : {}),
  }
}

function hostnameOf(service: Dict, refuse: (key: string, text: string) => void): string | undefined {
  const hostname = textOf(service['hostname'])
  if (hostname === undefined || /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(hostname)) return hostname
  refuse('hostname', `${hostname}: small letters, digits and dashes only`)
  return undefined
}

function dnsOf(service: Dict): core.PodDNSConfig | undefined {
  const nameservers = textsOf(service['dns'])
  const searches = textsOf(service['dns_search'])
  const options = textsOf(service['dns_opt']).map((option) => {
    const [name = '', value] = option.split(':')
    return { name, ...(value === undefined ? {} : { value }) }
  })
  if (nameservers.length + searches.length + options.length === 0) return undefined
  return {
    ...(nameservers.length > 0 ? { nameservers: [...nameservers] } : {}),
    ...(searches.length > 0 ? { searches: [...searches] } : {}),
    ...(options.length > 0 ? { options } : {}),
  }
}

function hostAliases(lines: readonly string[], refuse: (text: string) => void): core.HostAlias[] {
  const byAddress = new Map<string, string[]>()
  for (const line of lines) {
    const at = line.indexOf('=')
    const [host, address] = [line.slice(0, at), line.slice(at + 1)]
    if (address === 'host-gateway') refuse(`${host}: there is no gateway of the host; use the address of a node`)
    else byAddress.set(address, [...(byAddress.get(address) ?? []), host])
  }
  return [...byAddress].map(([ip, hostnames]) => ({ ip, hostnames }))
}

export const isHostNetwork = (service: Dict): boolean => service['network_mode'] === 'host'
export const networksOf = (service: Dict): readonly string[] => (isDict(service['networks']) ? Object.keys(service['networks']) : [])
export const replicasOf = (service: Dict): number | undefined =>
  numberOf(service['scale']) ?? numberOf(childDict(service, 'deploy')['replicas'])
