import { familiesOf } from '#api'
import type { HostLayout, HostOptions } from './layout.ts'

/**
 * The runtime handler of pods with host ports. The plugin that forwards ports calls iptables several times when a sandbox goes, whether it has
 * ports or not: other pods are spared that.
 */
export const HOST_PORTS_HANDLER = 'host-ports'

/** That of pods whose traffic is limited by annotations; they may have host ports, too. */
export const SHAPED_HANDLER = 'shaped'

/** Where people put what every containerd of a machine is to know of registries. */
const MACHINE_REGISTRIES = '/etc/containerd/certs.d'

const text = (value: string): string => JSON.stringify(value)

/** What the machine offers and forbids, as far as containerd's configuration depends on it. */
export interface ContainerdFacts {
  readonly cniBinDir: string
  /** Without CAP_SYS_RESOURCE a process cannot lower its oom_score_adj, and every sandbox would fail. */
  readonly mayLowerOomScore: boolean
}

/** Version 2 configuration: understood by containerd 1.5 to 2.x. */
export function containerdConfig(options: HostOptions, layout: HostLayout, facts: ContainerdFacts): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return [
    'version = 2',
    `root = ${text(layout.containerd.root)}`,
    `state = ${text(layout.containerd.state)}`,
    'disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]',
    '[grpc]',
    `address = ${text(layout.containerd.socket)}`,
    '[plugins."io.containerd.internal.v1.opt"]',
    `path = ${text(layout.containerd.opt)}`,
    `[${cri}]`,
    `sandbox_image = ${text(options.sandboxImage)}`,
    `restrict_oom_score_adj = ${!facts.mayLowerOomScore}`,
    'netns_mounts_under_state_dir = true',
    'stream_server_address = "127.0.0.1"',
    'stream_server_port = "0"',
    'enable_unprivileged_ports = true',
    'enable_unprivileged_icmp = true',
    'device_ownership_from_security_context = true',
    // Unknown before 1.7, and then without effect.
    'enable_cdi = true',
    `[${cri}.cni]`,
    // The first address of a pod is one of the family that the cluster names first; containerd would prefer IPv4.
    ...(familiesOf(options.clusterCidrs)[0] === 'IPv6' ? ['ip_pref = "cni"'] : []),
    `bin_dir = ${text(facts.cniBinDir)}`,
    `conf_dir = ${text(layout.cni.confDir)}`,
    `[${cri}.containerd]`,
    'default_runtime_name = "runc"',
    `[${cri}.containerd.runtimes.runc]`,
    'runtime_type = "io.containerd.runc.v2"',
    `[${cri}.containerd.runtimes.${HOST_PORTS_HANDLER}]`,
    'runtime_type = "io.containerd.runc.v2"',
    `cni_conf_dir = ${text(layout.cni.hostPortConfDir)}`,
    `[${cri}.containerd.runtimes.${SHAPED_HANDLER}]`,
    'runtime_type = "io.containerd.runc.v2"',
    `cni_conf_dir = ${text(layout.cni.shapedConfDir)}`,
    `[${cri}.registry]`,
    `config_path = ${text(options.registryConfigDir ?? `${layout.registriesDir}:${MACHINE_REGISTRIES}`)}`,
    // What pulls by default from 2.1 on takes the two folders for one.
    '[plugins."io.containerd.cri.v1.images"]',
    'use_local_image_pull = true',
    '',
  ].join('\n')
}
