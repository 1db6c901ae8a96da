import type { core } from '#api'
import { type Dict, childDict } from '#compose'
import { dictsOf, type Findings, numberOf, textOf, textsOf } from '../reader.ts'

const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'amd64', x86_64: 'amd64', arm64: 'arm64', aarch64: 'arm64' }

export interface Placement {
  readonly affinity?: core.Affinity
  readonly nodeSelector?: Record<string, string>
  readonly topologySpreadConstraints?: core.TopologySpreadConstraint[]
}

/** Where pods may run: `deploy.placement`, `platform`, and the constraints in `environment` of the old container service. */
export function placementOf(name: string, service: Dict, selector: Record<string, string>, findings: Findings): Placement {
  const placement = childDict(childDict(service, 'deploy'), 'placement')
  const refuse = (text: string): undefined => findings.refuse(['services', name, 'deploy'], text) as undefined
  const expressions = textsOf(placement['constraints']).flatMap(
    (constraint) => expressionOf(constraint) ?? refuse(`placement constraint ${constraint} has no meaning here`) ?? [],
  )
  const most = numberOf(placement['max_replicas_per_node'])
  if (most !== undefined && most > 1) refuse(`max_replicas_per_node: ${most} cannot be said in Kubernetes, only 1`)
  const spread = dictsOf(placement['preferences']).map((preference) => spreadOf(textOf(preference['spread']) ?? '', selector))
  const platform = textOf(service['platform'])
  const architecture = platform === undefined ? undefined : architectureOf(name, platform, findings)
  const affinity: core.Affinity = {
    ...(expressions.length === 0
      ? {}
      : { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: expressions }] } } }),
    ...(most === 1
      ? {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: selector } },
            ],
          },
        }
      : {}),
  }
  return {
    ...(Object.keys(affinity).length === 0 ? {} : { affinity }),
    ...(architecture === undefined ? {} : { nodeSelector: { 'kubernetes.io/arch': architecture } }),
    ...(spread.length === 0 ? {} : { topologySpreadConstraints: spread }),
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
