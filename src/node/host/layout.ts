import { join } from 'node:path'

/** What makes one node of Sampan on a machine. Names and paths of everything made are derived from `instance`. */
export interface HostOptions {
  /** Lower case letters, digits, dashes and dots; at most 24. */
  readonly instance: string
  /** Lasting data: images, container writable layers, logs, volumes. */
  readonly rootDir: string
  /** Gone with a reboot: sockets, mounts, process ids. Default `/run/sampan/<instance>`. */
  readonly runDir?: string
  /** Addresses of this node's pods, for example 10.244.0.0/24, one range of each family. Absent: the Node's `spec.podCIDRs` will say; until then the node has no pod network. */
  readonly podCidrs?: readonly string[]
  /** Addresses that keep their source when pods talk to them (all pods, services and nodes). Their families are those of the cluster, the first one first. */
  readonly clusterCidrs: readonly string[]
  /** The pause image; it must have been imported, or be pullable. */
  readonly sandboxImage: string
  /** A network namespace (`/run/netns/…`) that stands for the machine; without it the machine's own. */
  readonly netns?: string
  readonly mtu?: number
  /** The pods of the node are on one switch, instead of a link of its own for each. */
  readonly bridge?: boolean
  /** A folder with another containerd than the machine's, its shim and `ctr`, and a runc where that is to be another one too. */
  readonly containerdDir?: string
  /** A file with a chain of CNI plugins for the pods' network, instead of ours. It is read when the node gets its addresses. */
  readonly cniConfig?: string
  /** Where CNI plugins lie. Default: the first of the usual places that has them. */
  readonly cniBinDir?: string
  /** Registry mirrors and plain-HTTP registries, in containerd's `hosts.toml` layout. Default: the node's own folder, then the machine's. */
  readonly registryConfigDir?: string
}

/** Every path and name that a node has. A pure function of its options. */
export interface HostLayout {
  readonly containerd: {
    readonly config: string
    readonly root: string
    readonly state: string
    readonly opt: string
    readonly socket: string
    readonly pidFile: string
    readonly log: string
  }
  readonly cni: {
    readonly confDir: string
    readonly hostPortConfDir: string
    readonly shapedConfDir: string
    readonly dataDir: string
    /** What links the pods that are there were made with. */
    readonly linksFile: string
    /** Plugins, where some of them are our own. */
    readonly binDir: string
    readonly networkName: string
  }
  /** The system calls of the sandboxes' own process. */
  readonly pauseSeccomp: string
  readonly runDir: string
  readonly rootDir: string
  /** What was found before anything was changed, so that it can be put back. */
  readonly memoFile: string
  readonly podsDir: string
  /** The node's own volumes and their snapshots. */
  readonly storageDir: string
  /** Where drivers keep their sockets, and volumes of drivers are staged. */
  readonly pluginsDir: string
  /** Where the node's plugins (CSI, devices, dynamic resources) register. */
  readonly pluginRegistryDir: string
  /** Which claims their drivers hold ready, and for which pods. */
  readonly claimsFile: string
  /** Which users of the node the pods with a user namespace are. */
  readonly usersFile: string
  /** Who may use which images without pulling them. */
  readonly pullsFile: string
  /** Which processors and which memory are whose; the names are the kubelet's. */
  readonly cpusFile: string
  readonly memoryFile: string
  /** Where device plugins register in their own way, and lie. */
  readonly devicePluginsDir: string
  /** Where who watches devices asks whose they are. */
  readonly podResourcesDir: string
  /** A tmpfs: Secrets and tokens of pods. */
  readonly memoryDir: string
  /** Localhost seccomp profiles; a person's, never removed. */
  readonly seccompDir: string
  /** A person's, never removed: `<registry>/hosts.toml`. */
  readonly registriesDir: string
  readonly logsDir: string
  readonly nftTable: string
  /** As in `cgroup_parent`: below the root of every hierarchy. */
  readonly cgroupRoot: string
}

export function layoutOf(options: HostOptions): HostLayout {
  const { instance, rootDir } = options
  const runDir = options.runDir ?? `/run/sampan/${instance}`
  return {
    pauseSeccomp: join(runDir, 'pause-seccomp.json'),
    runDir,
    rootDir,
    containerd: {
      config: join(runDir, 'containerd.toml'),
      root: join(rootDir, 'containerd'),
      state: join(runDir, 'containerd'),
      opt: join(rootDir, 'containerd-opt'),
      socket: join(runDir, 'containerd.sock'),
      pidFile: join(runDir, 'containerd.pid'),
      log: join(rootDir, 'containerd.log'),
    },
    cni: {
      confDir: join(runDir, 'cni'),
      hostPortConfDir: join(runDir, 'cni-host-ports'),
      shapedConfDir: join(runDir, 'cni-shaped'),
      dataDir: join(rootDir, 'cni'),
      linksFile: join(runDir, 'cni-links.json'),
      binDir: join(rootDir, 'cni-bin'),
      networkName: `sampan-${instance}`,
    },
    memoFile: join(rootDir, 'before.json'),
    podsDir: join(rootDir, 'pods'),
    storageDir: join(rootDir, 'storage'),
    pluginsDir: join(rootDir, 'plugins'),
    pluginRegistryDir: join(rootDir, 'plugins_registry'),
    claimsFile: join(rootDir, 'claims.json'),
    usersFile: join(rootDir, 'user-namespaces.json'),
    pullsFile: join(rootDir, 'pulled-images.json'),
    cpusFile: join(rootDir, 'cpu_manager_state'),
    memoryFile: join(rootDir, 'memory_manager_state'),
    devicePluginsDir: join(rootDir, 'device-plugins'),
    podResourcesDir: join(rootDir, 'pod-resources'),
    memoryDir: join(rootDir, 'memory'),
    seccompDir: join(rootDir, 'seccomp'),
    registriesDir: join(rootDir, 'registries'),
    logsDir: join(rootDir, 'logs'),
    nftTable: `sampan_${instance.replaceAll(/[-.]/g, '_')}_egress`,
    cgroupRoot: `/sampan-${instance}`,
  }
}
