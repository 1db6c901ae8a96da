import { chmod, mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { type Scope, messageOf } from '#base'
import { type core, isNotFound, keyOf, quantityMilli, quantityValue, refs } from '#api'
import type { Client } from '#client'
import { createEvents, createInformers } from '#reconcile'
import { NOTHING_ALIGNED, nodeAlignment } from './alignment/node-alignment.ts'
import { apiObjects } from './api/object-source.ts'
import { podApi } from './api/pod-api.ts'
import { nodeCgroups } from './cgroups/node-cgroups.ts'
import { podCgroups } from './cgroups/pod-cgroups.ts'
import { ResourceDrivers } from './claims/drivers.ts'
import { DeviceHealth } from './claims/device-health.ts'
import { PodClaims } from './claims/pod-claims.ts'
import { limitedRuntime } from './cri/limited-runtime.ts'
import type { ContainerRuntime, Image, RuntimeFeatures, RuntimeHandler } from './cri/runtime.ts'
import { Evictor } from './eviction/evictor.ts'
import { refusedUnder } from './eviction/plan-eviction.ts'
import { DEFAULT_HARD, parseThresholds } from './eviction/thresholds.ts'
import { joinResources } from './devices/container-extras.ts'
import { DevicePlugins } from './devices/device-plugins.ts'
import { servePodResources } from './devices/pod-resources-server.ts'
import type { Host } from './host/host.ts'
import { OrphanSweep } from './host/orphans.ts'
import { ImageCollector } from './images/image-collector.ts'
import { podImages } from './images/pod-images.ts'
import { PulledImages } from './images/pulled-images.ts'
import { LogRotation } from './logs/log-rotation.ts'
import { KnownRequests, admitPod, isSelected, lacking } from './node-object/admission.ts'
import { machineFacts, mostPids } from './node-object/facts.ts'
import { NOTHING_RESERVED, type NodeResources, keptFree, nodeResources } from './node-object/node-resources.ts'
import { nodeStatus } from './node-object/node-status.ts'
import { awaitingAddresses } from './node-object/pod-addresses.ts'
import { followPodNetwork } from './node-object/pod-network.ts'
import { NODE_REMOVED, NodeRegistrar } from './node-object/registrar.ts'
import type { NodeAgentOptions } from './node-agent-options.ts'
import { kubeletPaths } from './plugins/kubelet-paths.ts'
import { type PluginHandlers, PluginRegistry } from './plugins/plugin-registry.ts'
import { isMirror, uidOf } from './pods/pod-facts.ts'
import { PodManager } from './pods/pod-manager.ts'
import type { PodEvents, PodNetwork } from './pods/services.ts'
import { SavedFile } from './saved-file.ts'
import { StartTally } from './server/start-tally.ts'
import { podHooks } from './probes/pod-hooks.ts'
import { podProbes } from './probes/pod-probes.ts'
import { ProbeTally } from './probes/probe-tally.ts'
import { PodRejected, StartRefused } from './refusal.ts'
import { findLogind, followLogind } from './shutdown/logind.ts'
import { NodeShutdown } from './shutdown/node-shutdown.ts'
import { UserNamespaces, usersForPods } from './sandbox/user-namespaces.ts'
import { verifyAllowedSysctls } from './sandbox/sysctls.ts'
import type { NodeSettings } from './settings.ts'
import { StaticPods } from './static/static-pods.ts'
import { mountPoints, mountTmpfs } from './volumes/mounts.ts'
import { type NodeVolumes, nodeVolumes } from './volumes/node-volumes.ts'
import { podVolumes } from './volumes/pod-volumes.ts'

/** A running agent. It ends with the scope that it was started in; containers live on. */
export interface NodeAgent {
  readonly pods: PodManager
  readonly runtime: ContainerRuntime
  readonly settings: NodeSettings
  readonly shutdown: NodeShutdown
  readonly volumes: NodeVolumes
  readonly probes: ProbeTally
  readonly starts: StartTally
  /** The Node as last seen or written. */
  readonly node: () => core.Node | undefined
}

/** A pod's start or end is mostly over by then, and its Events take nothing from it. */
const EVENTS_DELAY_MS = 300
const IMAGES_EVERY_MS = 60_000

/** Starts the agent of one node on a prepared host. Resolves when the Node is registered, what ran is adopted and pods are followed. */
export async function startNodeAgent(scope: Scope, client: Client, host: Host, options: NodeAgentOptions): Promise<NodeAgent> {
  verifyAllowedSysctls(options.allowedUnsafeSysctls ?? [])
  const { layout, machine } = host
  const addresses = Promise.withResolvers<void>()
  if (options.podCidrs !== undefined) addresses.resolve()
  const runtime = awaitingAddresses(limitedRuntime(scope, host.runtime, Math.max(availableParallelism() * 2, 4)), addresses.promise)
  const facts = machineFacts(layout.rootDir)
  const maxPods = options.maxPods ?? 110
  const devices = new DevicePlugins({
    dir: layout.devicePluginsDir,
    changed: () => void registrar.writeStatus(scope).catch(() => undefined),
    healthChanged: (uids) => uids.forEach((uid) => manager.byUid(uid)?.wake()),
  })
  const present = (): ReadonlySet<string> => new Set(manager.workers.map(({ pod }) => uidOf(pod)))
  const health = new DeviceHealth(scope.clock, (driver) => claims.podsOf(driver).forEach((uid) => manager.byUid(uid)?.wake()))
  const drivers = new ResourceDrivers({
    health,
    client,
    nodeName: options.nodeName,
    came: () => {
      if (isStarted) void claims.keepOnly(scope, present())
    },
  })
  const claims = new PodClaims({
    path: layout.claimsFile,
    drivers,
    health,
    claim: (own, namespace, name) => client.resource(refs.resourceclaims).get(own, { namespace, name }),
  })
  const users = new UserNamespaces(layout.usersFile, await usersForPods(maxPods), layout.cgroupRoot)
  let isStarted = false
  const reserved = options.reserved ?? NOTHING_RESERVED
  const eviction = options.eviction ?? { thresholds: parseThresholds(DEFAULT_HARD), mostGraceSeconds: 0, transitionMs: 300_000 }
  const resources = (): NodeResources =>
    nodeResources({ machine: facts, maxPods, reserved, thresholds: eviction.thresholds, devices: devices.counts })
  const { allocatable } = resources()
  const settings: NodeSettings & { readonly memoryDir: string } = {
    nodeName: options.nodeName,
    nodeIps: options.nodeIps,
    clusterDns: options.clusterDns,
    clusterDomain: options.clusterDomain,
    podsDir: layout.podsDir,
    logsDir: layout.logsDir,
    memoryDir: layout.memoryDir,
    seccompDir: layout.seccompDir,
    pauseSeccomp: layout.pauseSeccomp,
    isOwnChain: host.isOwnChain,
    cgroupRoot: layout.cgroupRoot,
    machine,
    allowedSysctls: options.allowedUnsafeSysctls ?? [],
    memoryBytes: facts.memoryBytes,
    hugePages: facts.hugePages,
    allocatable: {
      cpuMilli: quantityMilli(allocatable.cpu ?? '0'),
      memoryBytes: quantityValue(allocatable.memory ?? '0'),
      ephemeralStorageBytes: quantityValue(allocatable['ephemeral-storage'] ?? '0'),
    },
    logMaxBytes: options.logMaxBytes ?? 10 * 1024 * 1024,
    logMaxFiles: options.logMaxFiles ?? 5,
    kubelet: kubeletPaths(layout.rootDir),
  }
  await ensureMemoryDir(scope, settings.memoryDir)

  const alignment = await nodeAlignment({
    options: options.alignment ?? NOTHING_ALIGNED,
    cpusFile: layout.cpusFile,
    memoryFile: layout.memoryFile,
    reservedCpuMilli: reserved.cpuMilli,
    reservedMemoryBytes: reserved.memoryBytes + keptFree('memory.available', facts.memoryBytes, eviction.thresholds),
    devices,
    runtime,
    live: () => manager.live,
  })
  const ofAllPods = nodeCgroups(machine.cgroups, layout.cgroupRoot)
  ofAllPods.limit({
    cpuMilli: Math.max(facts.cpus * 1000 - reserved.cpuMilli, 0),
    memoryBytes: facts.memoryBytes - reserved.memoryBytes,
    pids: reserved.pids === 0 ? 0 : Math.max(mostPids() - reserved.pids, 1),
  })

  const informers = createInformers(client)
  const pods = informers.informer(refs.pods, { fieldSelector: `spec.nodeName=${options.nodeName}` })
  const services = informers.informer(refs.services)
  const ownNode =
    options.podCidrs === undefined ? informers.informer(refs.nodes, { fieldSelector: `metadata.name=${options.nodeName}` }) : undefined
  let isRemoved = false
  ownNode?.onChange(({ now }) => {
    if (now === undefined && isRemoved) options.onRemoved?.()
    else isRemoved = now?.metadata?.annotations?.[NODE_REMOVED] !== undefined
  })
  const recorder = createEvents(scope, client, { host: options.nodeName, delayMs: EVENTS_DELAY_MS })('kubelet')
  const events: PodEvents = {
    record: (pod, type, reason, message, container) =>
      recorder.event(
        { apiVersion: 'v1', kind: 'Pod', metadata: pod.metadata },
        type,
        reason,
        message,
        container === undefined ? {} : { fieldPath: fieldPathOf(pod, container) },
      ),
  }
  const objects = apiObjects(scope, client, services)
  const volumes = nodeVolumes(scope, client, objects, {
    nodeName: options.nodeName,
    rootDir: layout.rootDir,
    podsDir: layout.podsDir,
    storageDir: layout.storageDir,
    paths: settings.kubelet,
    reportInUse: (own) => registrar.writeStatus(own),
    record: events.record,
  })
  await volumes.recover(scope)
  const pluginHandlers: PluginHandlers = { CSIPlugin: volumes.csiPlugins, DevicePlugin: devices.handler, DRAPlugin: drivers.handler(scope) }
  const { name: runtimeName, version: runtimeVersion } = await runtime.version(scope)
  let listed: { readonly images: Promise<readonly Image[]>; readonly atMs: number } | undefined
  /** Asked for seldom: a list of images is the dearest part of a report. */
  const imagesLately = (): Promise<readonly Image[]> => {
    if (listed === undefined || scope.clock.monotonic() - listed.atMs >= IMAGES_EVERY_MS)
      listed = { images: runtime.listImages(scope).catch(() => []), atMs: scope.clock.monotonic() }
    return listed.images
  }
  let handlers: readonly RuntimeHandler[] = []
  let features: RuntimeFeatures | undefined
  const registrar: NodeRegistrar = new NodeRegistrar(client, {
    name: options.nodeName,
    labels: {
      'kubernetes.io/hostname': options.nodeName,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': facts.info.architecture,
      'beta.kubernetes.io/os': 'linux',
      'beta.kubernetes.io/arch': facts.info.architecture,
      ...options.labels,
    },
    taints: options.taints ?? [],
    podCidrs: options.podCidrs,
    leaseSeconds: options.leaseSeconds ?? 40,
    beatMs: options.beatMs ?? 10_000,
    isRemoved: () => isRemoved,
    status: async (before) => {
      const [state, images] = await Promise.all([
        runtime
          .status(scope)
          .catch((error: unknown) => ({ ready: false, networkReady: false, message: messageOf(error), handlers, features })),
        imagesLately(),
      ])
      handlers = state.handlers
      features = state.features
      const notReady = !state.ready
        ? `container runtime is down: ${state.message}`
        : !state.networkReady
          ? `container runtime network not ready: ${state.message}`
          : shutdown.isUnderWay
            ? 'node is shutting down'
            : ''
      return nodeStatus({
        facts,
        name: options.nodeName,
        ips: options.nodeIps,
        resources: resources(),
        handlers,
        features,
        port: options.port,
        version: options.version,
        runtimeVersion: `${runtimeName}://${runtimeVersion}`,
        images,
        volumesInUse: volumes.driven.inUse,
        notReady,
        pressures: evictor.pressures(scope.clock.now()),
        now: scope.clock.now(),
        before,
      })
    },
  })

  const staticPods =
    options.staticPodsDir === undefined
      ? undefined
      : new StaticPods(client, {
          dir: options.staticPodsDir,
          nodeName: options.nodeName,
          nodeUid: () => registrar.node?.metadata?.uid ?? '',
        })
  /** With what they were granted, whatever they ask for. */
  const othersThan = (pod: core.Pod): core.Pod[] =>
    manager.workers.filter((worker) => worker.holdsPlace && uidOf(worker.pod) !== uidOf(pod)).map((worker) => worker.pod)
  const requests = new KnownRequests().of
  const probes = new ProbeTally()
  const starts = new StartTally()
  const manager: PodManager = new PodManager(scope, {
    settings,
    runtime,
    objects,
    events,
    images: podImages(runtime, objects, events, new PulledImages(new SavedFile(layout.pullsFile))),
    volumes: podVolumes(settings, objects, runtime, volumes.driven),
    cgroups: podCgroups(machine.cgroups, layout.cgroupRoot, options.podPidsLimit ?? 0, ofAllPods, alignment.hasOwnCpus),
    probes: podProbes(scope, runtime, events, probes),
    hooks: podHooks(runtime),
    resources: joinResources([users, claims, alignment.resources]),
    placementOf: alignment.placementOf,
    usersOf: (pod) => users.of(pod),
    api: staticPods?.told(podApi(scope, client)) ?? podApi(scope, client),
    network: options.network ?? NO_NETWORK,
    starts,
    admit(pod) {
      shutdown.admit()
      if (registrar.node !== undefined) admitPod(pod, othersThan(pod), registrar.node, { elsewhere: devices.handles, requests })
      const refusal = refusedUnder(evictor.pressures(scope.clock.now()), pod)
      if (refusal !== undefined) throw new PodRejected('Evicted', `Pod was rejected: ${refusal}`)
    },
    refuseResize: (pod, granted) =>
      alignment.refuseResize(pod, granted) ??
      (registrar.node && lacking(pod, othersThan(pod), registrar.node, { resources: ['cpu', 'memory'], requests })),
    takesCdiDevices: runtimeName !== 'containerd' || Number.parseFloat(runtimeVersion.replace(/^v/, '')) >= 1.7,
    featuresOf: (handler) => handlers.find(({ name }) => name === handler) ?? NO_FEATURES,
    handlerOf: (own, pod) => handlerOf(own, client, pod),
  })
  pods.onChange(({ old, now }) => {
    if (staticPods?.noteMirror(scope, old, now) === true || isMirror(now ?? old)) return
    // A pod that was replaced under its name is two changes for the node.
    if (old !== undefined && uidOf(old) !== (now === undefined ? '' : uidOf(now))) manager.remove(uidOf(old))
    if (now === undefined) return
    if (registrar.node === undefined || isSelected(now, registrar.node)) return manager.set(now)
    // The scheduler may know labels of the node that this agent has not seen yet: it looks before it refuses.
    void registrar.refresh(scope).then(() => {
      const latest = pods.get(keyOf(now))
      if (latest !== undefined && uidOf(latest) === uidOf(now)) manager.set(latest)
    })
  })

  const shutdown: NodeShutdown = new NodeShutdown({
    groups: options.shutdownGroups ?? [],
    pods: manager,
    changed: () => void registrar.writeStatus(scope).catch(() => undefined),
  })
  const imageCollector = new ImageCollector(runtime, manager, layout.rootDir, recorder, options.nodeName)
  const evictor: Evictor = new Evictor({
    runtime,
    pods: manager,
    events,
    settings,
    options: eviction,
    freeDisk: (own) => imageCollector.removeUnused(own),
    changed: () => void registrar.writeStatus(scope).catch(() => undefined),
  })

  await Promise.all([devices.start(scope), claims.start(scope), users.start()])
  await Promise.all([informers.start(scope), registrar.register(scope)])
  const sweep = new OrphanSweep(host, runtime, { isStarting: () => manager.isStarting, has: (uid) => manager.byUid(uid) !== undefined })
  manager.onReturn(() => sweep.begin(scope))
  await staticPods?.read(scope)
  await manager.start([...pods.list().filter((pod) => !isMirror(pod)), ...(staticPods?.pods ?? [])])
  isStarted = true
  drivers.start(scope)
  await Promise.all([alignment.keepOnly(present()), users.keepOnly(present())])
  await servePodResources(scope, {
    dir: layout.podResourcesDir,
    pods: () => manager.workers.map((worker) => worker.snapshot().pod),
    devices,
    claims: (pod, container) => claims.uses(pod, container),
    places: alignment,
  })
  void alignment.run(scope)
  void staticPods?.run(scope, manager)
  void registrar.run(scope)
  void volumes.run(scope)
  void evictor.run(scope)
  void imageCollector.run(scope)
  if (ownNode !== undefined)
    void followPodNetwork(scope, {
      nodes: ownNode,
      runtime,
      givePods: host.givePods,
      report: (own) => registrar.writeStatus(own),
      given: addresses.resolve,
    })
  void new PluginRegistry(layout.pluginRegistryDir, settings.kubelet, pluginHandlers)
    .run(scope)
    .catch((error: unknown) => scope.log.error('plugins of the node are not followed', { error: messageOf(error) }))
  void new LogRotation(settings, runtime, manager).run(scope)
  scope.log.info('the node is ready', {
    node: options.nodeName,
    runtime: `${runtimeName} ${runtimeVersion}`,
    adopted: manager.workers.length,
  })
  const logind = shutdown.totalSeconds === 0 ? undefined : findLogind()
  if (logind !== undefined) void followLogind(scope, logind, shutdown)
  return { pods: manager, probes, starts, shutdown, runtime, settings, volumes, node: () => registrar.node }
}

const NO_FEATURES = { recursiveReadOnlyMounts: false, userNamespaces: false }
const NO_NETWORK: PodNetwork = { protect: async () => undefined, drain: async () => undefined }

function fieldPathOf(pod: core.Pod, container: string): string {
  const field =
    pod.spec?.initContainers?.some(({ name }) => name === container) === true
      ? 'initContainers'
      : pod.spec?.ephemeralContainers?.some(({ name }) => name === container) === true
        ? 'ephemeralContainers'
        : 'containers'
  return `spec.${field}{${container}}`
}

/** Where Secrets and tokens lie: memory, so that they never reach a disk. */
async function ensureMemoryDir(scope: Scope, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o711 })
  if (!(await mountPoints(dir)).includes(dir)) await mountTmpfs(scope, dir, undefined)
  await chmod(dir, 0o711)
}

async function handlerOf(scope: Scope, client: Client, pod: core.Pod): Promise<string> {
  const name = pod.spec?.runtimeClassName
  if (name === undefined || name === '') return ''
  try {
    return (await client.resource(refs.runtimeclasses).get(scope, { name })).handler
  } catch (error) {
    if (!isNotFound(error)) throw error
    throw new StartRefused('FailedCreatePodSandBox', `failed to get sandbox runtime: RuntimeClass "${name}" not found`)
  }
}
