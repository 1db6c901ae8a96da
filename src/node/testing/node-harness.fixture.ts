import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '#base'
import type { core } from '#api'
import { nodeCgroups } from '../cgroups/node-cgroups.ts'
import { podCgroups } from '../cgroups/pod-cgroups.ts'
import type { ContainerRuntime } from '../cri/runtime.ts'
import { joinResources } from '../devices/container-extras.ts'
import type { HostLayout } from '../host/layout.ts'
import type { Machine } from '../host/machine/machine.ts'
import { podImages } from '../images/pod-images.ts'
import type { ObjectSource } from '../objects.ts'
import { kubeletPaths } from '../plugins/kubelet-paths.ts'
import { uidOf } from '../pods/pod-facts.ts'
import { PodManager } from '../pods/pod-manager.ts'
import { StartTally } from '../server/start-tally.ts'
import type { PodCgroups, PodEvents } from '../pods/services.ts'
import { podHooks } from '../probes/pod-hooks.ts'
import { ProbeTally } from '../probes/probe-tally.ts'
import { podProbes } from '../probes/pod-probes.ts'
import type { NodeSettings } from '../settings.ts'
import { DriverVolumes } from '../volumes/csi/driver-volumes.ts'
import type { NodeDrivers } from '../volumes/csi/node-driver.ts'
import { podVolumes } from '../volumes/pod-volumes.ts'

/** A node without an API: pods are handed in, what would be told is kept. */
export interface NodeHarness {
  readonly manager: PodManager
  readonly settings: NodeSettings
  readonly configMaps: Map<string, Record<string, string>>
  readonly secrets: Map<string, Record<string, string>>
  readonly claims: Map<string, core.PersistentVolumeClaim>
  readonly volumes: Map<string, core.PersistentVolume>
  /** The last one is what service accounts have now; an empty one cannot be had. */
  readonly tokens: string[]
  /** By pod name: every status in order. */
  readonly told: Map<string, core.PodStatus[]>
  readonly events: string[]
  /** Names of pods whose deletion was confirmed. */
  readonly confirmed: string[]
  status(name: string): core.PodStatus | undefined
  objectChanged(uid: string): void
  /** What the node says to a pod that asks for other resources. */
  refuseResize: (pod: core.Pod) => { readonly reason: string; readonly message: string } | undefined
  until(what: string, holds: () => boolean): Promise<void>
}

const NO_CGROUPS: PodCgroups = { ensure: () => '/none', widen: () => undefined, remove: async () => undefined }
const NO_FEATURES = { recursiveReadOnlyMounts: false, userNamespaces: false }
const WAIT_MS = 60_000

export function nodeHarness(
  scope: Scope,
  runtime: ContainerRuntime,
  rootDir: string,
  real?: { readonly machine: Machine; readonly layout: HostLayout },
): NodeHarness {
  const machine: Machine = real?.machine ?? {
    binaries: { containerd: '', runc: '', nft: '', nsenter: '' },
    path: '',
    cniBinDir: '',
    mayLowerOomScore: true,
    cgroups: { version: 2, mount: '/none' },
    apparmor: false,
    countsHugePages: false,
    countsSwap: true,
  }
  const settings: NodeSettings & { readonly memoryDir: string } = {
    nodeName: 'node',
    nodeIps: ['192.0.2.1'],
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    podsDir: join(rootDir, 'pods'),
    logsDir: join(rootDir, 'logs'),
    memoryDir: join(rootDir, 'memory'),
    seccompDir: join(rootDir, 'seccomp'),
    cgroupRoot: real?.layout.cgroupRoot ?? '',
    ...(real && { pauseSeccomp: real.layout.pauseSeccomp }),
    isOwnChain: false,
    machine,
    allowedSysctls: [],
    memoryBytes: 8 * 2 ** 30,
    hugePages: [],
    allocatable: { cpuMilli: 2000, memoryBytes: 8 * 2 ** 30, ephemeralStorageBytes: 2 ** 30 },
    logMaxBytes: 2 ** 20,
    logMaxFiles: 3,
    kubelet: kubeletPaths(rootDir),
  }
  for (const dir of [settings.podsDir, settings.logsDir, settings.memoryDir]) mkdirSync(dir, { recursive: true })
  const configMaps = new Map<string, Record<string, string>>()
  const secrets = new Map<string, Record<string, string>>()
  const claims = new Map<string, core.PersistentVolumeClaim>()
  const volumes = new Map<string, core.PersistentVolume>()
  const listeners = new Map<string, () => void>()
  const told = new Map<string, core.PodStatus[]>()
  const events: string[] = []
  const confirmed: string[] = []
  const tokens = ['token']
  const objects: ObjectSource = {
    configMap: async (_, __, name) => (configMaps.has(name) ? { data: configMaps.get(name) } : undefined),
    secret: async (_, __, name) =>
      secrets.has(name)
        ? {
            data: Object.fromEntries(
              Object.entries(secrets.get(name) ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
            ),
          }
        : undefined,
    claim: async (_, __, name) => claims.get(name),
    volume: async (_, name) => volumes.get(name),
    serviceAccountToken: async () => {
      const token = tokens.at(-1) ?? ''
      if (token === '') throw new Error('the API is away')
      return { token, renewAtMs: scope.clock.now() + 3_600_000, expiresAtMs: scope.clock.now() + 4_500_000 }
    },
    services: async () => ({ own: [], kubernetes: undefined }),
    onChange: (uid, changed) => void listeners.set(uid, changed),
    release: (uid) => void listeners.delete(uid),
  }
  const recorder: PodEvents = {
    record: (pod, type, reason, message) => void events.push(`${pod.metadata?.name ?? ''} ${type} ${reason}: ${message}`),
  }
  const drivers: NodeDrivers = {
    tellAgain: async () => undefined,
    get(name) {
      throw new Error(`driver name ${name} not found in the list of registered CSI drivers`)
    },
  }
  const driven = new DriverVolumes({
    nodeName: settings.nodeName,
    rootDir,
    podsDir: settings.podsDir,
    drivers,
    objects: {
      driver: async () => undefined,
      attachment: async () => undefined,
      secret: async () => undefined,
      token: async () => ({ token: 'token', renewAtMs: 0, expirationTimestamp: '' }),
      bound: async () => undefined,
      resized: async () => undefined,
    },
    reportInUse: async () => undefined,
    record: recorder.record,
  })
  const manager: PodManager = new PodManager(scope, {
    settings,
    runtime,
    objects,
    events: recorder,
    images: podImages(runtime, objects, recorder),
    volumes: podVolumes(settings, objects, runtime, driven),
    cgroups:
      real === undefined
        ? NO_CGROUPS
        : podCgroups(
            real.machine.cgroups,
            real.layout.cgroupRoot,
            0,
            nodeCgroups(real.machine.cgroups, real.layout.cgroupRoot),
            () => false,
          ),
    probes: podProbes(scope, runtime, recorder, new ProbeTally()),
    hooks: podHooks(runtime),
    resources: joinResources([]),
    api: {
      report(pod, status) {
        const name = pod.metadata?.name ?? ''
        told.set(name, [...(told.get(name) ?? []), status])
      },
      async confirmDeletion(_, pod) {
        confirmed.push(pod.metadata?.name ?? '')
        manager.remove(uidOf(pod))
      },
      forget: () => undefined,
    },
    admit: () => undefined,
    refuseResize: (pod) => harness.refuseResize(pod),
    network: { protect: async () => undefined, drain: async () => undefined },
    featuresOf: () => NO_FEATURES,
    takesCdiDevices: true,
    starts: new StartTally(),
    usersOf: () => undefined,
    placementOf: () => ({}),
    handlerOf: async () => '',
  })
  const harness: NodeHarness = {
    manager,
    refuseResize: () => undefined,
    settings,
    configMaps,
    secrets,
    claims,
    volumes,
    told,
    events,
    tokens,
    confirmed,
    status: (name) => told.get(name)?.at(-1),
    objectChanged: (uid) => listeners.get(uid)?.(),
    async until(what, holds) {
      const deadline = performance.now() + WAIT_MS
      while (!holds()) {
        if (performance.now() > deadline)
          throw new Error(
            `did not happen: ${what}; last told: ${JSON.stringify([...told].map(([name, all]) => [name, all.at(-1)]))}; events: ${events.join(' | ')}`,
          )
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
  return harness
}

export function testPod(name: string, spec: Partial<core.PodSpec> & Pick<core.PodSpec, 'containers'>): core.Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, generation: 1, labels: { app: name } },
    spec,
  }
}
export const deleted = (pod: core.Pod, grace = 30): core.Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: grace },
})
