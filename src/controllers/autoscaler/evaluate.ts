import { type Scope, messageOf } from '#base'
import { type autoscaling, type meta, formatQuantity, quantityMilli } from '#api'
import type { MetricsSource } from './metrics-source.ts'
import {
  type Proposal,
  type Target,
  replicasForAverage,
  replicasForUtilization,
  replicasForValue,
  replicasForValuePerPod,
} from './replica-count.ts'

type Spec = autoscaling.MetricSpec

export interface Evaluated {
  readonly replicas: number
  /** As `SuccessfulRescale` names it. */
  readonly name: string
  readonly status: autoscaling.MetricStatus
}

/** A metric that gives no answer: the reason for the condition and the Event, and how it is told of among others. */
export class MetricFailure extends Error {
  readonly reason: string
  readonly detail: string
  constructor(reason: string, detail: string, message: string) {
    super(message)
    this.reason = reason
    this.detail = detail
  }
}

export interface Place {
  readonly namespace: string
  readonly selector: string
}

/** Asks one metric how many replicas there should be. Throws a MetricFailure when it cannot tell. */
export async function evaluate(scope: Scope, source: MetricsSource, spec: Spec, target: Target, place: Place): Promise<Evaluated> {
  switch (spec.type) {
    case 'Resource':
      return failing('FailedGetResourceMetric', `failed to get ${spec.resource?.name ?? ''} resource metric value`, async () => {
        const { name = '', target: wanted } = spec.resource ?? {}
        const { proposal, current, what } = await resource(scope, source, name, '', wanted, target, place)
        return { replicas: proposal.replicas, name: `${name} ${what('')}`, status: { type: spec.type, resource: { name, current } } }
      })
    case 'ContainerResource':
      return failing(
        'FailedGetContainerResourceMetric',
        `failed to get ${spec.containerResource?.container ?? ''} container metric value`,
        async () => {
          const { name = '', container = '', target: wanted } = spec.containerResource ?? {}
          const { proposal, current, what } = await resource(scope, source, name, container, wanted, target, place)
          const status = { type: spec.type, containerResource: { name, container, current } }
          return { replicas: proposal.replicas, name: `${name} ${what('container ')}`, status }
        },
      )
    case 'Pods':
      return failing('FailedGetPodsMetric', 'failed to get pods metric value', async () => {
        const metric = spec.pods?.metric ?? { name: '' }
        const samples = await getting(`unable to get metric ${metric.name}`, () =>
          source.pods(scope, metric, place.namespace, place.selector),
        )
        const proposal = replicasForAverage(target, samples, false, quantityMilli(spec.pods?.target.averageValue ?? '0'))
        const status = { type: spec.type, pods: { metric, current: { averageValue: quantityOf(proposal.milli) } } }
        return { replicas: proposal.replicas, name: `pods metric ${metric.name}`, status }
      })
    case 'Object':
      return failing('FailedGetObjectMetric', 'failed to get object metric value', () => objectMetric(scope, source, spec, target, place))
    case 'External':
      return failing('FailedGetExternalMetric', `failed to get ${spec.external?.metric.name ?? ''} external metric value`, () =>
        externalMetric(scope, source, spec, target, place),
      )
    default: {
      const message = `unknown metric source type ${JSON.stringify(spec.type)}`
      throw new MetricFailure('InvalidMetricSourceType', message, message)
    }
  }
}

async function failing<T>(reason: string, prefix: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const detail = error instanceof Told ? error.detail : messageOf(error)
    throw new MetricFailure(reason, detail, `${prefix}: ${messageOf(error)}`)
  }
}

/** Words that stand among those about all metrics, not in what is said of this one. */
class Told extends Error {
  readonly detail: string
  constructor(prefix: string, detail: string) {
    super(`${prefix}: ${detail}`)
    this.detail = detail
  }
}

async function amid<T>(prefix: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw new Told(prefix, messageOf(error))
  }
}

async function getting<T>(prefix: string, ask: () => Promise<T> | T): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw new Error(`${prefix}: ${messageOf(error)}`, { cause: error })
  }
}

const quantityOf = (milli: number, isBinary = false): string =>
  formatQuantity({ mantissa: BigInt(Math.trunc(milli)), scale: -3, format: isBinary ? 'BinarySI' : 'DecimalSI' })

interface ResourceAnswer {
  readonly proposal: Proposal
  readonly current: autoscaling.MetricValueStatus
  readonly what: (of: string) => string
}

async function resource(
  scope: Scope,
  source: MetricsSource,
  name: string,
  container: string,
  wanted: autoscaling.MetricTarget | undefined,
  target: Target,
  { namespace, selector }: Place,
): Promise<ResourceAnswer> {
  const samples = (): ReturnType<MetricsSource['resource']> =>
    getting(`unable to get metrics for resource ${name}`, () => source.resource(scope, name, namespace, selector, container))
  const isMemory = name === 'memory'
  if (wanted?.averageValue !== undefined) {
    const wantedMilli = quantityMilli(wanted.averageValue)
    const proposal = await getting(`failed to get ${name} usage`, async () =>
      replicasForAverage(target, await samples(), name === 'cpu', wantedMilli),
    )
    return { proposal, current: { averageValue: quantityOf(proposal.milli, isMemory) }, what: () => 'resource' }
  }
  const percent = wanted?.averageUtilization
  if (percent === undefined)
    throw new Error('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set')
  const proposal = await getting(`failed to get ${name} utilization`, async () =>
    replicasForUtilization(target, await samples(), name, container, percent),
  )
  return {
    proposal,
    current: { averageUtilization: proposal.utilization, averageValue: quantityOf(proposal.milli, isMemory) },
    what: (of) => `${of}resource utilization (percentage of request)`,
  }
}

async function objectMetric(scope: Scope, source: MetricsSource, spec: Spec, target: Target, { namespace }: Place): Promise<Evaluated> {
  const { object } = spec
  const { type = '', value, averageValue } = object?.target ?? {}
  const isValue = type === 'Value' && value !== undefined
  if (object === undefined || (!isValue && (type !== 'AverageValue' || averageValue === undefined)))
    throw new Error('invalid object metric source: neither a value target nor an average value target was set')
  const { metric, describedObject } = object
  const ask = async (): Promise<number> => {
    try {
      return await source.object(scope, metric, namespace, describedObject)
    } catch (error) {
      // Word for word: kube-controller-manager puts its words in this order.
      const why = `${describedObject.kind} on ${namespace} ${describedObject.name}/${messageOf(error)}`
      throw new Error(`unable to get metric ${metric.name}: ${why}`, { cause: error })
    }
  }
  if (isValue) {
    const proposal = replicasForValue(target, await ask(), quantityMilli(value))
    const status = { type: spec.type, object: { metric, describedObject, current: { value: quantityOf(proposal.milli) } } }
    return { replicas: proposal.replicas, name: `${describedObject.kind} metric ${metric.name}`, status }
  }
  const milli = await amid(`failed to get ${metric.name} object metric`, ask)
  const proposal = replicasForValuePerPod(target, milli, quantityMilli(averageValue ?? '0'))
  const status = { type: spec.type, object: { metric, describedObject, current: { averageValue: quantityOf(proposal.milli) } } }
  return { replicas: proposal.replicas, name: `external metric ${metric.name}(${selectorText(metric.selector)})`, status }
}

async function externalMetric(scope: Scope, source: MetricsSource, spec: Spec, target: Target, { namespace }: Place): Promise<Evaluated> {
  const { external } = spec
  const { value, averageValue } = external?.target ?? {}
  if (external === undefined || (value === undefined && averageValue === undefined))
    throw new Error('invalid external metric source: neither a value target nor an average value target was set')
  const { metric } = external
  const text = selectorText(metric.selector)
  const ask = (): Promise<number> =>
    getting(`unable to get external metric ${namespace}/${metric.name}/${text}`, () => source.external(scope, metric, namespace))
  const name = `external metric ${metric.name}(${text})`
  if (averageValue !== undefined) {
    const milli = await amid(`failed to get ${metric.name} external metric`, ask)
    const proposal = replicasForValuePerPod(target, milli, quantityMilli(averageValue))
    return {
      replicas: proposal.replicas,
      name,
      status: { type: spec.type, external: { metric, current: { averageValue: quantityOf(proposal.milli) } } },
    }
  }
  const proposal = await amid(`failed to get external metric ${metric.name}`, async () =>
    replicasForValue(target, await ask(), quantityMilli(value ?? '0')),
  )
  return {
    replicas: proposal.replicas,
    name,
    status: { type: spec.type, external: { metric, current: { value: quantityOf(proposal.milli) } } },
  }
}

/** A selector as Kubernetes' messages have it. */
export function selectorText(selector: meta.LabelSelector | undefined): string {
  if (selector === undefined) return 'nil'
  const labels = Object.entries(selector.matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`)
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
}
