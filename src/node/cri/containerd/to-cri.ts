import type {
  ContainerSecurity,
  ContainerSpec,
  LinuxResources,
  Mount,
  NamespaceModes,
  SandboxSpec,
  SecurityProfile,
  UserMapping,
} from '../runtime.ts'
import { MountPropagation, NamespaceMode, Protocol, SecurityProfileProfileType, SupplementalGroupsPolicy } from './cri.gen.ts'

const MODES = { pod: NamespaceMode.POD, container: NamespaceMode.CONTAINER, node: NamespaceMode.NODE, target: NamespaceMode.TARGET }
const PROFILES = {
  RuntimeDefault: SecurityProfileProfileType.RuntimeDefault,
  Unconfined: SecurityProfileProfileType.Unconfined,
  Localhost: SecurityProfileProfileType.Localhost,
}
const PROPAGATIONS = {
  private: MountPropagation.PROPAGATION_PRIVATE,
  'host-to-container': MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
  bidirectional: MountPropagation.PROPAGATION_BIDIRECTIONAL,
}

const namespaces = (modes: NamespaceModes): object => ({
  network: MODES[modes.network],
  pid: MODES[modes.pid],
  ipc: MODES[modes.ipc],
  targetId: modes.targetId ?? '',
  ...(modes.users && { usernsOptions: { mode: NamespaceMode.POD, uids: idMappings(modes.users), gids: idMappings(modes.users) } }),
})
const idMappings = ({ hostId, length }: UserMapping): object[] => [{ hostId, containerId: 0, length }]
const profile = (value: SecurityProfile | undefined): object | undefined =>
  value && { profileType: PROFILES[value.type], localhostRef: value.type === 'Localhost' ? value.ref : '' }
const wrapped = (value: number | undefined): object | undefined => (value === undefined ? undefined : { value: BigInt(value) })

export function sandboxConfig(spec: SandboxSpec): object {
  return {
    metadata: { name: spec.name, namespace: spec.namespace, uid: spec.uid, attempt: spec.attempt },
    hostname: spec.hostname,
    logDirectory: spec.logDirectory,
    dnsConfig: spec.dns,
    portMappings: spec.portMappings.map((mapping) => ({
      protocol: Protocol[mapping.protocol],
      containerPort: mapping.containerPort,
      hostPort: mapping.hostPort,
      hostIp: mapping.hostIp,
    })),
    labels: spec.labels,
    annotations: spec.annotations,
    linux: {
      cgroupParent: spec.cgroupParent,
      sysctls: spec.sysctls,
      securityContext: {
        namespaceOptions: namespaces(spec.namespaces),
        privileged: spec.privileged,
        seccomp: profile(spec.seccomp),
        selinuxOptions: spec.selinux,
        runAsUser: wrapped(spec.runAsUser),
        runAsGroup: wrapped(spec.runAsGroup),
        supplementalGroups: spec.supplementalGroups.map(BigInt),
        supplementalGroupsPolicy: SupplementalGroupsPolicy[spec.groupsPolicy],
      },
    },
  }
}

export function linuxResources(resources: LinuxResources): object {
  return {
    cpuPeriod: BigInt(resources.cpuPeriodUs),
    cpuQuota: BigInt(resources.cpuQuotaUs),
    cpuShares: BigInt(resources.cpuShares),
    memoryLimitInBytes: BigInt(resources.memoryLimitBytes),
    ...(resources.memoryAndSwapLimitBytes === undefined ? {} : { memorySwapLimitInBytes: BigInt(resources.memoryAndSwapLimitBytes) }),
    oomScoreAdj: BigInt(resources.oomScoreAdj),
    hugepageLimits: (resources.hugePages ?? []).map(({ pageSize, limitBytes }) => ({ pageSize, limit: BigInt(limitBytes) })),
    cpusetCpus: resources.cpus ?? '',
    cpusetMems: resources.memoryNodes ?? '',
    unified: resources.unified,
  }
}

/** In a user namespace files keep their owners as the pod sees them: each mount maps what is on the disk. */
const mount = (value: Mount, users: UserMapping | undefined): object => ({
  containerPath: value.containerPath,
  hostPath: value.hostPath,
  readonly: value.readOnly,
  recursiveReadOnly: value.recursiveReadOnly,
  propagation: PROPAGATIONS[value.propagation],
  ...(value.image && { image: { image: value.image.id }, imageSubPath: value.image.subPath }),
  ...(users && { uidMappings: idMappings(users), gidMappings: idMappings(users) }),
})

const security = (value: ContainerSecurity): object => ({
  privileged: value.privileged,
  capabilities: { addCapabilities: [...value.addCapabilities], dropCapabilities: [...value.dropCapabilities] },
  namespaceOptions: namespaces(value.namespaces),
  selinuxOptions: value.selinux,
  runAsUser: wrapped(value.runAsUser),
  runAsUsername: value.runAsUsername,
  runAsGroup: wrapped(value.runAsGroup),
  readonlyRootfs: value.readonlyRootfs,
  supplementalGroups: value.supplementalGroups.map(BigInt),
  supplementalGroupsPolicy: SupplementalGroupsPolicy[value.groupsPolicy],
  noNewPrivs: value.noNewPrivileges,
  maskedPaths: [...value.maskedPaths],
  readonlyPaths: [...value.readonlyPaths],
  seccomp: profile(value.seccomp),
  apparmor: profile(value.apparmor),
})

export function containerConfig(spec: ContainerSpec): object {
  return {
    metadata: { name: spec.name, attempt: spec.attempt },
    image: { image: spec.image, userSpecifiedImage: spec.userImage },
    command: [...spec.command],
    args: [...spec.args],
    workingDir: spec.workingDir,
    envs: spec.env.map(({ name, value }) => ({ key: name, value: Buffer.from(value) })),
    mounts: spec.mounts.map((one) => mount(one, spec.security.namespaces.users)),
    devices: spec.devices.map((device) => ({ ...device })),
    CDIDevices: spec.cdiDevices.map((name) => ({ name })),
    labels: spec.labels,
    annotations: spec.annotations,
    logPath: spec.logPath,
    stdin: spec.stdin,
    stdinOnce: spec.stdinOnce,
    tty: spec.tty,
    linux: { resources: linuxResources(spec.resources), securityContext: security(spec.security) },
  }
}
