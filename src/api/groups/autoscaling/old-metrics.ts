import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../types/autoscaling-v2.gen.ts'

/** A metric of autoscaling/v2 as an annotation of autoscaling/v1 has it. The fields stand in the order of the wire. */
export interface OldMetric {
  readonly type: string
  readonly [source: string]: unknown
}

/** Names of the measured and of the wanted value: `targetAverageValue`, `currentAverageValue`. */
type Prefix = 'target' | 'current'
type Values = MetricTarget | MetricValueStatus

export const oldMetricOf = (metric: MetricSpec): OldMetric => toOld(metric.type, { ...metric }, 'target')
export const oldStatusOf = (metric: MetricStatus): OldMetric => toOld(metric.type, { ...metric }, 'current')

const SOURCES = ['object', 'pods', 'resource', 'containerResource', 'external'] as const

function toOld(type: string, metric: Readonly<Record<string, unknown>>, prefix: Prefix): OldMetric {
  const old: Record<string, unknown> = { type }
  for (const source of SOURCES) if (metric[source] !== undefined) old[source] = toOldSource(source, metric[source] as Source, prefix)
  return { ...old, type }
}

interface Source {
  readonly name?: string
  readonly container?: string
  readonly describedObject?: { readonly kind: string; readonly name: string; readonly apiVersion?: string | undefined }
  readonly metric?: { readonly name: string; readonly selector?: unknown }
  readonly target?: Values
  readonly current?: Values
}

function toOldSource(name: (typeof SOURCES)[number], source: Source, prefix: Prefix): unknown {
  const { value, averageValue, averageUtilization } = source[prefix] ?? {}
  const { metric } = source
  switch (name) {
    case 'object': {
      const { kind, name: objectName, apiVersion } = source.describedObject ?? { kind: '', name: '' }
      const target = { kind, name: objectName, apiVersion }
      return { target, metricName: metric?.name, [`${prefix}Value`]: value ?? '0', selector: metric?.selector, averageValue }
    }
    case 'pods':
      return { metricName: metric?.name, [`${prefix}AverageValue`]: averageValue ?? '0', selector: metric?.selector }
    case 'external':
      return {
        metricName: metric?.name,
        metricSelector: metric?.selector,
        [`${prefix}Value`]: prefix === 'current' ? (value ?? '0') : value,
        [`${prefix}AverageValue`]: averageValue,
      }
    default:
      return {
        name: source.name,
        [`${prefix}AverageUtilization`]: averageUtilization,
        [`${prefix}AverageValue`]: prefix === 'current' ? (averageValue ?? '0') : averageValue,
        container: source.container,
      }
  }
}

export const metricOf = (old: OldMetric): MetricSpec => fromOld(old, 'target') as unknown as MetricSpec
export const statusOf = (old: OldMetric): MetricStatus => fromOld(old, 'current') as unknown as MetricStatus

function fromOld(old: OldMetric, prefix: Prefix): Record<string, unknown> {
  const metric: Record<string, unknown> = { type: old.type }
  for (const name of SOURCES) {
    const source = old[name]
    if (typeof source === 'object' && source !== null) metric[name] = fromOldSource(name, source as Record<string, unknown>, prefix)
  }
  return metric
}

function fromOldSource(name: (typeof SOURCES)[number], old: Readonly<Record<string, unknown>>, prefix: Prefix): unknown {
  const isEmptyObjectValue = name === 'object' && old['averageValue'] !== undefined
  const value = isEmptyObjectValue ? undefined : old[`${prefix}Value`]
  const averageValue = old[`${prefix}AverageValue`] ?? (name === 'object' ? old['averageValue'] : undefined)
  const averageUtilization = old[`${prefix}AverageUtilization`]
  const type = averageUtilization !== undefined ? 'Utilization' : value !== undefined ? 'Value' : 'AverageValue'
  const values = present({ ...(prefix === 'target' ? { type } : {}), value, averageValue, averageUtilization })
  const metric = present({ name: old['metricName'], selector: old['selector'] ?? old['metricSelector'] })
  if (name === 'resource' || name === 'containerResource')
    return present({ name: old['name'], container: old['container'], [prefix]: values })
  return present({ describedObject: name === 'object' ? old['target'] : undefined, metric, [prefix]: values })
}

function present(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
