import { rfc3339 } from '#base'
import {
  type KubeObject,
  type NodeMetrics,
  type PodMetrics,
  type core,
  formatQuantity,
  nodeMetricsRef,
  parseFieldSelector,
  parseLabelSelector,
  podMetricsRef,
  refs,
  statusError,
} from '#api'
import type { ObjectReader } from '../contract.ts'
import type { RequestContext } from '../registry/context.ts'
import { methodNotAllowed } from '../registry/routing-errors.ts'
import { answerList, answerObject } from '../registry/special/answered.ts'
import type { SpecialHandler } from '../registry/special-handler.ts'
import { Backends } from '../stream/backend.ts'
import type { StreamOptions } from '../stream/stream-specials.ts'
import { NodeSamples } from './node-samples.ts'
import type { NodeUsed, Used } from './node-usage.ts'

export interface MetricsOptions extends StreamOptions {
  readonly reader: ObjectReader
}

/** `metrics.k8s.io`: what nodes and pods use, asked of the nodes at the moment of the request. */
export function metricsSpecials({ credentials, isAllowed, reader }: MetricsOptions): Readonly<Record<string, SpecialHandler>> {
  const samples = new NodeSamples({ backends: new Backends(credentials), ...(isAllowed && { isAllowed }) })

  const nodes: SpecialHandler = async (context, { resource, name }) => {
    mustRead(context)
    const all = reader.list(refs.nodes)
    samples.keepOnly(new Set(all.map(({ metadata }) => metadata?.name ?? '')))
    const chosen = name === '' ? selected(context, all) : all.filter(({ metadata }) => metadata?.name === name)
    const used = await samples.of(context.core.scope, chosen)
    const answers = chosen.flatMap((node) => nodeMetricsOf(node, used.get(node.metadata?.name ?? '')))
    if (name === '') return answerList(context, resource, answers)
    const [found] = answers
    if (found === undefined) throw statusError.notFound({ group: nodeMetricsRef.group, plural: 'nodemetrics' }, name)
    return answerObject(context, resource, found)
  }

  const pods: SpecialHandler = async (context, { resource, namespace, name }) => {
    mustRead(context)
    const one = name === '' ? undefined : reader.get(refs.pods, namespace, name)
    const all = name === '' ? reader.list(refs.pods, namespace === '' ? undefined : namespace) : one === undefined ? [] : [one]
    const running = all.filter((pod) => pod.status?.phase === 'Running' && pod.spec?.nodeName)
    const chosen = name === '' ? selected(context, running) : running
    const homes = [...new Set(chosen.map((pod) => pod.spec?.nodeName ?? ''))]
    const used = await samples.of(
      context.core.scope,
      homes.map((home) => reader.get(refs.nodes, '', home)).filter((node) => node !== undefined),
    )
    const answers = chosen.flatMap((pod) => podMetricsOf(pod, used.get(pod.spec?.nodeName ?? '')))
    if (name === '') return answerList(context, resource, answers)
    const [found] = answers
    if (found === undefined) throw statusError.notFound({ group: podMetricsRef.group, plural: 'podmetrics' }, `${namespace}/${name}`)
    return answerObject(context, resource, found)
  }
  return { [`nodes.${nodeMetricsRef.group}`]: nodes, [`pods.${podMetricsRef.group}`]: pods }
}

function mustRead({ request, info }: RequestContext): void {
  if ((request.method !== 'GET' && request.method !== 'HEAD') || info.verb === 'watch' || info.watchPath) throw methodNotAllowed()
}

/** By labels, and by the fields that every object has. */
function selected<T extends KubeObject>({ info }: RequestContext, objects: readonly T[]): readonly T[] {
  const labels = parseLabelSelector(info.query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(info.query.get('fieldSelector') ?? '')
  const unknown = fields.find(({ path }) => path !== 'metadata.name' && path !== 'metadata.namespace')
  if (unknown !== undefined) throw statusError.badRequest(`field label not supported: ${unknown.path}`)
  return objects.filter(
    ({ metadata }) =>
      labels.matches(metadata?.labels) &&
      fields.every(
        ({ path, operator, value }) =>
          ((path === 'metadata.name' ? metadata?.name : metadata?.namespace) === value) === (operator !== '!='),
      ),
  )
}

function nodeMetricsOf(node: core.Node, used: NodeUsed | undefined): NodeMetrics[] {
  if (used?.node === undefined) return []
  const { name, labels } = node.metadata ?? {}
  return [{ ...framed(nodeMetricsRef.kind, { name, labels }, used.node), usage: usageOf(used.node) }]
}

/** A pod counts once all its containers have been measured. */
function podMetricsOf(pod: core.Pod, node: NodeUsed | undefined): PodMetrics[] {
  const { name = '', namespace = '', labels } = pod.metadata ?? {}
  const measured = node?.pods.get(`${namespace}/${name}`)
  const [first] = measured?.values() ?? []
  if (measured === undefined || first === undefined) return []
  const running = (pod.status?.containerStatuses ?? []).filter(({ state }) => state?.running !== undefined)
  if (running.some((container) => !measured.has(container.name))) return []
  return [
    {
      ...framed(podMetricsRef.kind, { name, namespace, labels }, first),
      containers: [...measured].map(([container, used]) => ({ name: container, usage: usageOf(used) })),
    },
  ]
}

function framed(
  kind: string,
  metadata: NonNullable<KubeObject['metadata']>,
  { atMs, windowMs }: Used,
): KubeObject & { readonly timestamp: string; readonly window: string } {
  return {
    kind,
    apiVersion: `${nodeMetricsRef.group}/${nodeMetricsRef.version}`,
    metadata: { ...metadata, creationTimestamp: rfc3339(atMs) },
    timestamp: rfc3339(atMs),
    window: `${windowMs / 1000}s`,
  }
}

const usageOf = ({ nanocores, memoryBytes }: Used): Record<string, string> => ({
  cpu: nanocores === 0 ? '0' : `${nanocores}n`,
  memory: formatQuantity({ mantissa: BigInt(Math.ceil(memoryBytes / 1024) * 1024), scale: 0, format: 'BinarySI' }),
})
