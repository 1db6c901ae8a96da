import { join } from 'node:path'
import type { core } from '#api'
import { groupsPolicyOf, namespacesOf, selinuxOf } from '../containers/security.ts'
import { HOST_PORTS_HANDLER, SHAPED_HANDLER } from '../host/containerd-config.ts'
import type { PortMapping, SandboxSpec, UserMapping } from '../cri/runtime.ts'
import { LABELS, allContainersOf, initContainersOf, isSidecar, mainContainersOf, nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'
import type { NodeSettings } from '../settings.ts'
import { type DnsSettings, dnsOf } from './dns.ts'
import { hostnameOf } from './hosts-file.ts'
import { sysctlsOf } from './sysctls.ts'

export const logDirectoryOf = (settings: NodeSettings, pod: core.Pod): string =>
  join(settings.logsDir, `${namespaceOf(pod)}_${nameOf(pod)}_${uidOf(pod)}`)

/** The sandbox of a pod. Throws `PodRejected` for what the node will never allow. */
export function sandboxSpec(
  pod: core.Pod,
  attempt: number,
  settings: NodeSettings,
  cgroupParent: string,
  nodeDns: DnsSettings,
  handler: string,
  users: UserMapping | undefined,
): SandboxSpec {
  const { hostname, domain } = hostnameOf(pod, settings.clusterDomain)
  const shared = pod.spec?.securityContext
  const onNode = pod.spec?.hostNetwork === true
  const portMappings = onNode ? [] : portMappingsOf(pod)
  return {
    name: nameOf(pod),
    namespace: namespaceOf(pod),
    uid: uidOf(pod),
    attempt,
    hostname: onNode ? '' : pod.spec?.setHostnameAsFQDN === true && domain !== '' ? `${hostname}.${domain}` : hostname,
    logDirectory: logDirectoryOf(settings, pod),
    dns: dnsOf(pod, { servers: settings.clusterDns, domain: settings.clusterDomain }, nodeDns),
    portMappings,
    handler: handler === '' ? networkHandler(pod, portMappings.length > 0) : handler,
    cgroupParent,
    sysctls: sysctlsOf(pod, settings.allowedSysctls),
    namespaces: namespacesOf(pod, users),
    privileged: allContainersOf(pod).some((container) => container.securityContext?.privileged === true),
    seccomp: settings.pauseSeccomp === undefined ? { type: 'RuntimeDefault' } : { type: 'Localhost', ref: settings.pauseSeccomp },
    selinux: selinuxOf(shared?.seLinuxOptions),
    runAsUser: shared?.runAsUser,
    runAsGroup: shared?.runAsGroup,
    supplementalGroups: [...(shared?.supplementalGroups ?? []), ...(shared?.fsGroup === undefined ? [] : [shared.fsGroup])],
    groupsPolicy: groupsPolicyOf(pod),
    labels: {
      ...pod.metadata?.labels,
      [LABELS.podName]: nameOf(pod),
      [LABELS.podNamespace]: namespaceOf(pod),
      [LABELS.podUid]: uidOf(pod),
    },
    annotations: { ...pod.metadata?.annotations },
  }
}

const LIMITS = ['kubernetes.io/ingress-bandwidth', 'kubernetes.io/egress-bandwidth']

/** The plugins of a pod's network go with the handler of its sandbox. */
function networkHandler({ metadata, spec }: core.Pod, hasHostPorts: boolean): string {
  const isShaped = spec?.hostNetwork !== true && LIMITS.some((name) => metadata?.annotations?.[name] !== undefined)
  return isShaped ? SHAPED_HANDLER : hasHostPorts ? HOST_PORTS_HANDLER : ''
}

function portMappingsOf(pod: core.Pod): PortMapping[] {
  const lasting = [...mainContainersOf(pod), ...initContainersOf(pod).filter((container) => isSidecar(pod, container))]
  return lasting.flatMap(({ ports = [] }) =>
    ports.flatMap(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }): PortMapping[] =>
      hostPort === 0
        ? []
        : [{ protocol: protocol === 'UDP' || protocol === 'SCTP' ? protocol : 'TCP', containerPort, hostPort, hostIp: hostIP }],
    ),
  )
}
