import type { KubeObject, ResourceRef } from '../meta/object.ts'
import { addQuantities } from '../meta/quantity.ts'
import type { Column, Resource } from '../resource.ts'
import type { JsonSchema } from '../structural/json-schema.ts'
import { schemaOfCustomObjects } from '../structural/to-schema.ts'

const METRICS_GROUP = 'metrics.k8s.io'

/** Amounts by resource name: `cpu`, `memory`. */
type Usage = Readonly<Record<string, string>>

export interface NodeMetrics extends KubeObject {
  readonly timestamp: string
  readonly window: string
  readonly usage: Usage
}
export interface PodMetrics extends KubeObject {
  readonly timestamp: string
  readonly window: string
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[]
}

export const nodeMetricsRef: ResourceRef<NodeMetrics> = {
  group: METRICS_GROUP,
  version: 'v1beta1',
  kind: 'NodeMetrics',
  plural: 'nodes',
  namespaced: false,
}
export const podMetricsRef: ResourceRef<PodMetrics> = {
  group: METRICS_GROUP,
  version: 'v1beta1',
  kind: 'PodMetrics',
  plural: 'pods',
  namespaced: true,
}

const usage: JsonSchema = {
  type: 'object',
  description: 'The amounts that were used, by resource.',
  additionalProperties: { 'x-kubernetes-int-or-string': true },
}
const sampled: Record<string, JsonSchema> = {
  timestamp: { type: 'string', format: 'date-time', description: 'When the window ended.' },
  window: { type: 'string', description: 'How long the window was.' },
}

/**
 * What nodes and pods use now. The API server answers them from the nodes themselves, nothing is stored: they can be read and listed, not
 * watched or written. They are in no OpenAPI document of Kubernetes, so their schemas stand here.
 */
export function metricsResources(): readonly Resource[] {
  return [
    resource<NodeMetrics>(nodeMetricsRef, { ...sampled, usage }, (object) => object.usage),
    resource<PodMetrics>(
      podMetricsRef,
      {
        ...sampled,
        containers: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' }, usage } } },
      },
      totalUsage,
    ),
  ]
}

function totalUsage({ containers }: PodMetrics): Usage {
  const total: Record<string, string> = {}
  for (const one of containers)
    for (const [name, amount] of Object.entries(one.usage))
      total[name] = total[name] === undefined ? amount : addQuantities(total[name], amount)
  return total
}

function resource<T extends KubeObject & { readonly window: string }>(
  ref: ResourceRef<T>,
  properties: Record<string, JsonSchema>,
  usageOf: (object: T) => Usage,
): Resource {
  const column = (name: string, format: string, cell: (object: T) => string): Column<T> => ({
    name,
    type: 'string',
    format,
    description: name === 'Name' ? 'Name of the resource' : '',
    priority: 0,
    cell,
  })
  const made: Resource<T> = {
    ...ref,
    singular: '',
    listKind: `${ref.kind}List`,
    shortNames: [],
    categories: [],
    schema: schemaOfCustomObjects({ type: 'object', properties: { metadata: { type: 'object' }, ...properties } }, ref.kind),
    verbs: new Set(['get', 'list']),
    typedItems: true,
    strategy: {},
    columns: [
      column('Name', 'name', (object) => object.metadata?.name ?? ''),
      ...['cpu', 'memory'].map((name) => column(name, 'quantity', (object) => usageOf(object)[name] ?? '0')),
      column('Window', 'duration', (object) => object.window),
    ],
    selectable: {},
    subresources: {},
  }
  return made
}
