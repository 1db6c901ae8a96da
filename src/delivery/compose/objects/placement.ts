import type { core } from '#api'
import { type Dict, childDict } from '#compose'
import type { NeighbourFilter, PlacementFilters } from '../aliyun/filters.ts'
import { dictsOf, type Findings, given, numberOf, objectName, textOf, textsOf } from '../reader.ts'
import { PROJECT_LABEL, SERVICE_LABEL, selectorOf } from './services.ts'

const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'amd64', x86_64: 'amd64', arm64: 'arm64', aarch64: 'arm64' }

export interface Placement {
  readonly affinity?: core.Affinity
  readonly nodeSelector?: Record<string, string>
  readonly tolerations?: core.Toleration[]
  readonly topologySpreadConstraints?: core.TopologySpreadConstraint[]
}

export interface Placing {
  readonly project: string
  readonly name: string
  readonly service: Dict
  readonly filters: PlacementFilters
}

/** Where pods may run: `deploy.placement`, `platform`, and the filters in `environment` of the old container service. */
export function placementOf({ project, name, service, filters }: Placing, findings: Findings): Placement {
  const selector = selectorOf(project, objectName(name) ?? name)
  const placement = childDict(childDict(service, 'deploy'), 'placement')
  const refuse = (text: string): undefined => findings.refuse(['services', name, 'deploy'], text) as undefined
  const expressions = textsOf(placement['constraints']).flatMap(
    (constraint) => expressionOf(constraint) ?? refuse(`placement constraint ${constraint} has no meaning here`) ?? [],
  )
  expressions.push(...filters.nodes.filter(({ isWish }) => !isWish).map(({ requirement }) => requirement))
  const wishes = filters.nodes.filter(({ isWish }) => isWish).map(({ requirement }) => requirement)
  const most = numberOf(placement['max_replicas_per_node'])
  if (most !== undefined && most > 1) refuse(`max_replicas_per_node: ${most} cannot be said in Kubernetes, only 1`)
  const spread = dictsOf(placement['preferences']).map((preference) => spreadOf(textOf(preference['spread']) ?? '', selector))
  const platform = textOf(service['platform'])
  const architecture = platform === undefined ? undefined : architectureOf(name, platform, findings)
  const affinity: core.Affinity = {
    ...given('nodeAffinity', nodeAffinity(expressions, wishes)),
    ...given(
      'podAffinity',
      podAffinity(
        filters.neighbours.filter(({ isApart }) => !isApart),
        project,
        [],
      ),
    ),
    ...given(
      'podAntiAffinity',
      podAffinity(
        filters.neighbours.filter(({ isApart }) => isApart),
        project,
        most === 1 ? [{ topologyKey: HOST, labelSelector: { matchLabels: selector } }] : [],
      ),
    ),
  }
  return {
    ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
    ...(architecture === undefined ? {} : { nodeSelector: { 'kubernetes.io/arch': architecture } }),
    ...(spread.length === 0 ? {} : { topologySpreadConstraints: spread }),
    ...(filters.staysOnNode ? { tolerations: STAYS } : {}),
  }
}

const HOST = 'kubernetes.io/hostname'
/** The largest there is: it comes before what Kubernetes would like. */
const WISH_WEIGHT = 100
/** Whose node is away is not sent elsewhere, however long that lasts. */
const STAYS: core.Toleration[] = ['not-ready', 'unreachable'].map((what) => ({
  key: `node.kubernetes.io/${what}`,
  operator: 'Exists',
  effect: 'NoExecute',
}))

function nodeAffinity(
  must: core.NodeSelectorRequirement[],
  wishes: readonly core.NodeSelectorRequirement[],
): core.NodeAffinity | undefined {
  if (must.length + wishes.length === 0) return undefined
  return {
    ...(must.length === 0 ? {} : { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: must }] } }),
    ...(wishes.length === 0
      ? {}
      : {
          preferredDuringSchedulingIgnoredDuringExecution: wishes.map((wish) => ({
            weight: WISH_WEIGHT,
            preference: { matchExpressions: [wish] },
          })),
        }),
  }
}

function podAffinity(
  neighbours: readonly NeighbourFilter[],
  project: string,
  more: readonly core.PodAffinityTerm[],
): core.PodAffinity | undefined {
  const termOf = ({ services }: NeighbourFilter): core.PodAffinityTerm => ({
    topologyKey: HOST,
    labelSelector: {
      matchLabels: { [PROJECT_LABEL]: project },
      matchExpressions: [{ key: SERVICE_LABEL, operator: 'In', values: [...services] }],
    },
  })
  const must = [...more, ...neighbours.filter(({ isWish }) => !isWish).map(termOf)]
  const wishes = neighbours.filter(({ isWish }) => isWish).map((one) => ({ weight: WISH_WEIGHT, podAffinityTerm: termOf(one) }))
  if (must.length + wishes.length === 0) return undefined
  return {
    ...(must.length === 0 ? {} : { requiredDuringSchedulingIgnoredDuringExecution: must }),
    ...(wishes.length === 0 ? {} : { preferredDuringSchedulingIgnoredDuringExecution: wishes }),
  }
}

function expressionOf(constraint: string): core.NodeSelectorRequirement | undefined {
  const match = /^\s*([\w./-]+)\s*(==|!=)\s*(.+?)\s*$/.exec(constraint)
  const [, key = '', sign, value = ''] = match ?? []
  const operator = sign === '!=' ? 'NotIn' : 'In'
  const label = /^(?:node|engine)\.labels\.(.+)$/.exec(key)?.[1]
  if (label !== undefined) return { key: label, operator, values: [value] }
  if (key === 'node.hostname') return { key: 'kubernetes.io/hostname', operator, values: [value] }
  if (key === 'node.platform.arch') return { key: 'kubernetes.io/arch', operator, values: [ARCHITECTURES[value] ?? value] }
  if (key === 'node.platform.os') return { key: 'kubernetes.io/os', operator, values: [value] }
  if (key === 'node.role' && (value === 'manager' || value === 'worker')) {
    const isControlPlane = (value === 'manager') === (sign === '==')
    return { key: 'node-role.kubernetes.io/control-plane', operator: isControlPlane ? 'Exists' : 'DoesNotExist' }
  }
  return undefined
}

function spreadOf(over: string, selector: Record<string, string>): core.TopologySpreadConstraint {
  const topologyKey = over.replace(/^(?:node|engine)\.labels\./, '')
  return { maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: selector } }
}

function architectureOf(name: string, platform: string, findings: Findings): string | undefined {
  const [system = '', architecture = ''] = platform.split('/')
  const known = ARCHITECTURES[architecture]
  if (system !== 'linux' || known === undefined)
    findings.refuse(['services', name, 'platform'], `${platform}: nodes are linux/amd64 or linux/arm64`)
  return known
}
