import { UserError, readFileIfThere, readYaml } from '#base'
import type { core } from '#api'
import { type ExtenderConfig, readExtenders } from '../extenders/extender-config.ts'
import { Fields } from './fields.ts'
import {
  type FitArgs,
  type Profile,
  type SchedulerConfig,
  type ScoringStrategy,
  type WeightedResource,
  defaultConfig,
  defaultProfile,
} from './profile.ts'
import { type ChosenPlugins, FIXED, type Point, type PluginSet, type WeightedPlugin, choosePlugins, has, isPlugin } from './plugin-sets.ts'

const API_VERSION = 'kubescheduler.config.k8s.io/v1'
const KIND = 'KubeSchedulerConfiguration'

const JSON_TYPE = 'application/json'
export interface SchedulerFile {
  readonly config: SchedulerConfig
  readonly kubeconfig?: string
  /** Requests a second, and how many more at once; absent: as many as there are. */
  readonly limit?: RequestLimit
  readonly leaderElect?: boolean
  readonly lease: Lease
}
export interface RequestLimit {
  readonly perSecond: number
  readonly burst: number
}
/** The Lease that schedulers stand for election with. What is left out is the usual. */
export interface Lease {
  readonly namespace?: string
  readonly name?: string
  readonly leaseDurationMs?: number
  readonly renewDeadlineMs?: number
  readonly retryMs?: number
}

/** Reads a KubeSchedulerConfiguration (YAML or JSON). What it says and cannot be done is refused by name: a `UserError`. */
export function readSchedulerConfig(text: string, file: string): SchedulerFile {
  const root = new Fields(readYaml(Buffer.from(text)).value, '', file)
  const apiVersion = root.text('apiVersion')
  const kind = root.text('kind')
  if (apiVersion !== API_VERSION || kind !== KIND)
    throw new UserError(`${file} is a ${String(kind)} of ${String(apiVersion)}`, `a scheduler reads a ${KIND} of ${API_VERSION}`)
  const defaults = defaultConfig()
  const percentage = root.number('percentageOfNodesToScore', 0, 100)
  const profiles = root.list('profiles').map((fields) => readProfile(fields, percentage))
  const names = profiles.map(({ schedulerName }) => schedulerName)
  const repeated = firstRepeated(names)
  if (repeated !== undefined) throw root.wrong('profiles', `two have the name ${repeated}`)
  const extenders = readExtenders(root, readFileIfThere)
  const connection = root.object('clientConnection')
  const election = root.object('leaderElection')
  const kubeconfig = connection?.text('kubeconfig')
  const limit = connection === undefined ? undefined : readLimit(connection)
  const leaderElect = election?.flag('leaderElect')
  const lease = election === undefined ? {} : readLease(election)
  const first = root.number('podInitialBackoffSeconds', 1)
  const longest = root.number('podMaxBackoffSeconds', 1)
  // Decisions are made by one thread, one after the other, whatever is asked for.
  root.number('parallelism', 1)
  for (const fields of [connection, election, root]) fields?.end()
  const firstBackOffMs = first === undefined ? defaults.firstBackOffMs : first * 1000
  const longestBackOffMs = longest === undefined ? Math.max(defaults.longestBackOffMs, firstBackOffMs) : longest * 1000
  if (longestBackOffMs < firstBackOffMs) throw root.wrong('podMaxBackoffSeconds', 'is less than podInitialBackoffSeconds')
  const plain = percentage === undefined ? defaultProfile() : { ...defaultProfile(), percentageOfNodesToScore: percentage }
  const all = withoutIgnored(profiles.length === 0 ? [plain] : profiles, extenders)
  return {
    config: { profiles: all, firstBackOffMs, longestBackOffMs, ...(extenders.length === 0 ? {} : { extenders }) },
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(limit === undefined ? {} : { limit }),
    ...(leaderElect === undefined ? {} : { leaderElect }),
    lease,
  }
}

/** Requests and answers are JSON; without limits, as many requests go out as there are. */
function readLimit(connection: Fields): RequestLimit | undefined {
  for (const name of ['contentType', 'acceptContentTypes']) {
    const value = connection.text(name) ?? ''
    if (value !== '' && value !== JSON_TYPE) throw connection.wrong(name, `can only be ${JSON_TYPE} here`)
  }
  const qps = connection.raw('qps') ?? 0
  if (typeof qps !== 'number') throw connection.wrong('qps', 'is not a number')
  const burst = connection.number('burst', 0) ?? 0
  return qps <= 0 ? undefined : { perSecond: qps, burst: Math.max(1, burst) }
}

function readLease(election: Fields): Lease {
  const [durationMs, deadlineMs, retryMs] = ['leaseDuration', 'renewDeadline', 'retryPeriod'].map((name) => election.durationMs(name, 1))
  if (durationMs !== undefined && durationMs % 1000 !== 0) throw election.wrong('leaseDuration', 'is not in whole seconds')
  if ((durationMs ?? 15_000) <= (deadlineMs ?? 10_000)) throw election.wrong('leaseDuration', 'must be greater than renewDeadline')
  if ((deadlineMs ?? 10_000) <= 1.2 * (retryMs ?? 2_000))
    throw election.wrong('renewDeadline', 'must be greater than retryPeriod*JitterFactor')
  election.choice('resourceLock', ['leases'])
  const [namespace, name] = [election.text('resourceNamespace'), election.text('resourceName')]
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(durationMs === undefined ? {} : { leaseDurationMs: durationMs }),
    ...(deadlineMs === undefined ? {} : { renewDeadlineMs: deadlineMs }),
    ...(retryMs === undefined ? {} : { retryMs }),
  }
}

/** What extenders see to alone is not asked of nodes, whatever a profile says is ignored. */
function withoutIgnored(profiles: readonly Profile[], extenders: readonly ExtenderConfig[]): readonly Profile[] {
  const ignored = extenders.flatMap(({ managedResources }) => managedResources.filter((one) => one.ignoredByScheduler))
  if (ignored.length === 0) return profiles
  const ignoredResources = new Set(ignored.map(({ name }) => name))
  return profiles.map((profile) => ({ ...profile, fit: { ...profile.fit, ignoredResources } }))
}

function readProfile(fields: Fields, general: number | undefined): Profile {
  const base = defaultProfile(fields.text('schedulerName'))
  const percentage = fields.number('percentageOfNodesToScore', 0, 100) ?? general
  const plugins = readPlugins(fields.object('plugins'))
  let profile: Profile = { ...base, plugins, ...(percentage === undefined ? {} : { percentageOfNodesToScore: percentage }) }
  const seen = new Set<string>()
  for (const one of fields.list('pluginConfig')) {
    const name = one.text('name') ?? ''
    if (seen.has(name)) throw one.wrong('name', `${JSON.stringify(name)} has arguments already`)
    seen.add(name)
    const read = ARGS[name]
    const args = one.object('args')
    if (read === undefined) throw one.wrong('name', `${JSON.stringify(name)} takes no arguments here`)
    if (args !== undefined) {
      // The kind is that of the plugin, or left out.
      args.text('apiVersion')
      args.text('kind')
      profile = { ...profile, ...read(args, profile) }
      args.end()
    }
    one.end()
  }
  fields.end()
  return profile
}

function readPlugins(fields: Fields | undefined): ChosenPlugins {
  const read = (point: Point | 'multiPoint'): PluginSet => {
    const given = fields?.object(point)
    const disabled = (given?.list('disabled') ?? []).map((one) => {
      const { name } = readPlugin(one)
      const isFixed = point === 'multiPoint' && FIXED.includes(name)
      if (isFixed || (name !== '*' && !isPlugin(name))) throw one.wrong('name', `${JSON.stringify(name)} cannot be disabled here`)
      return name
    })
    const enabled = (given?.list('enabled') ?? []).map((one) => {
      const plugin = readPlugin(one)
      if (!isPlugin(plugin.name)) throw one.wrong('name', `there is no plugin ${JSON.stringify(plugin.name)} here`)
      if (point !== 'multiPoint' && !has(plugin.name, point))
        throw one.wrong('name', `${JSON.stringify(plugin.name)} has no say at this point`)
      return plugin
    })
    const twice = firstRepeated(enabled.map(({ name }) => name))
    if (given !== undefined && twice !== undefined) throw given.wrong('enabled', `has ${twice} twice`)
    const lost =
      point === 'multiPoint' && disabled.includes('*') ? FIXED.find((name) => !enabled.some((one) => one.name === name)) : undefined
    if (given !== undefined && lost !== undefined) throw given.wrong('disabled', `leaves out ${lost}, which every profile has`)
    given?.end()
    return { enabled, disabled }
  }
  const said = { multiPoint: read('multiPoint'), filter: read('filter'), score: read('score'), postFilter: read('postFilter') }
  fields?.end()
  return choosePlugins(said)
}

function readPlugin(fields: Fields): WeightedPlugin {
  const read = { name: fields.text('name') ?? '', weight: fields.number('weight', 0) ?? 0 }
  fields.end()
  return read
}

const firstRepeated = (names: readonly string[]): string | undefined => names.find((name, at) => names.indexOf(name) !== at)

/** The arguments of each plugin that has some, as a change of the profile. */
const ARGS: Readonly<Record<string, (args: Fields, profile: Profile) => Partial<Profile>>> = {
  NodeResourcesFit: (args, { fit }) => ({ fit: readFit(args, fit) }),
  NodeResourcesBalancedAllocation: (args, { balanced }) => {
    const resources = readResources(args) ?? balanced
    const repeated = firstRepeated(resources.map(({ name }) => name))
    if (repeated !== undefined) throw args.wrong('resources', `has ${repeated} twice`)
    if (resources.some(({ weight }) => weight !== 1)) throw args.wrong('resources', 'has a weight other than 1')
    return { balanced: resources }
  },
  InterPodAffinity: (args, { podAffinity }) => ({
    podAffinity: {
      hardWeight: args.number('hardPodAffinityWeight', 0, 100) ?? podAffinity.hardWeight,
      ignorePreferredOfExisting: args.flag('ignorePreferredTermsOfExistingPods') ?? podAffinity.ignorePreferredOfExisting,
    },
  }),
  PodTopologySpread: (args) => {
    const type = args.choice('defaultingType', ['System', 'List']) ?? 'System'
    const listed = args.raw('defaultConstraints') as core.TopologySpreadConstraint[] | undefined
    if (type === 'System' && (listed ?? []).length > 0) throw args.wrong('defaultConstraints', 'needs defaultingType List')
    checkDefaultConstraints(args)
    return { spread: { defaults: type === 'System' ? 'system' : (listed ?? []) } }
  },
  NodeAffinity: (args) => {
    const addedAffinity = args.raw('addedAffinity') as core.NodeAffinity | undefined
    return addedAffinity === undefined ? {} : { addedAffinity }
  },
  VolumeBinding: (args, { volumes }) => {
    // Preferring nodes by the sizes of their volumes is off by default in Kubernetes, which refuses the field then, too.
    if (args.isSet('shape')) throw args.wrong('shape', 'needs the feature StorageCapacityScoring, which is not there')
    const seconds = args.number('bindTimeoutSeconds', 0)
    return { volumes: { bindTimeoutMs: seconds === undefined ? volumes.bindTimeoutMs : seconds * 1000 } }
  },
  DynamicResources: (args, { devices }) => ({
    devices: {
      filterTimeoutMs: args.durationMs('filterTimeout') ?? devices.filterTimeoutMs,
      bindTimeoutMs: args.durationMs('bindingTimeout', 1000) ?? devices.bindTimeoutMs,
    },
  }),
  DefaultPreemption: (args, { preemption }) => ({
    preemption: {
      minCandidatePercent: args.number('minCandidateNodesPercentage', 0, 100) ?? preemption.minCandidatePercent,
      minCandidates: args.number('minCandidateNodesAbsolute', 0) ?? preemption.minCandidates,
    },
  }),
}

/** As those of pods, without selectors: a pod's siblings are found for it. */
function checkDefaultConstraints(args: Fields): void {
  const seen = new Set<string>()
  for (const one of args.list('defaultConstraints')) {
    one.number('maxSkew', 1)
    const key = one.text('topologyKey') ?? ''
    if (key === '') throw one.wrong('topologyKey', 'can not be empty')
    const when = one.choice('whenUnsatisfiable', ['DoNotSchedule', 'ScheduleAnyway'])
    if (when === undefined) throw one.wrong('whenUnsatisfiable', 'can not be empty')
    if (one.raw('labelSelector') !== undefined) throw one.wrong('labelSelector', 'must not be there: pods are spread among their siblings')
    if (seen.has(`${key} ${when}`)) throw one.wrong('topologyKey', `is there with ${when} already`)
    seen.add(`${key} ${when}`)
  }
}

function readFit(args: Fields, before: FitArgs): FitArgs {
  const grouped = args.texts('ignoredResourceGroups').find((group) => group.includes('/'))
  if (grouped !== undefined) throw args.wrong('ignoredResourceGroups', `has ${JSON.stringify(grouped)}, and a group has no '/'`)
  const given = args.object('scoringStrategy')
  const strategy = given === undefined ? before.strategy : readStrategy(given)
  given?.end()
  return {
    ignoredResources: new Set(args.texts('ignoredResources')),
    ignoredGroups: new Set(args.texts('ignoredResourceGroups')),
    strategy,
  }
}

function readStrategy(fields: Fields): ScoringStrategy {
  const { strategy } = defaultProfile().fit
  const type = fields.choice('type', ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']) ?? 'LeastAllocated'
  const resources = readResources(fields) ?? strategy.resources
  const ratio = fields.object('requestedToCapacityRatio')
  const shape = (ratio?.list('shape') ?? []).map((point) => {
    const read = { utilization: point.number('utilization', 0, 100) ?? 0, score: point.number('score', 0, 10) ?? 0 }
    point.end()
    return read
  })
  ratio?.end()
  if (type === 'RequestedToCapacityRatio' && shape.length === 0) throw fields.wrong('requestedToCapacityRatio', 'needs a shape')
  if (type !== 'RequestedToCapacityRatio' && ratio !== undefined)
    throw fields.wrong('requestedToCapacityRatio', 'must not be there when the type is another')
  const rises = shape.every(({ utilization }, at) => at === 0 || utilization > (shape[at - 1]?.utilization ?? 0))
  if (!rises) throw fields.wrong('requestedToCapacityRatio', 'has a shape whose utilization does not rise')
  return { type, resources, shape }
}

function readResources(fields: Fields): readonly WeightedResource[] | undefined {
  const listed = fields.list('resources').map((one) => {
    const read = { name: one.text('name') ?? '', weight: one.number('weight', 0, 100) ?? 0 }
    one.end()
    return { ...read, weight: read.weight === 0 ? 1 : read.weight }
  })
  return listed.length === 0 ? undefined : listed
}
