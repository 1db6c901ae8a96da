import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../types/autoscaling-v2.gen.ts'

const SHOWN_METRICS = 2
const UNKNOWN = '<unknown>'

export const hpaColumns = {
  Reference: ({ spec }: HorizontalPodAutoscaler): string => `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}`,
  Targets: targetsText,
  MinPods: ({ spec }: HorizontalPodAutoscaler): string => (spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas)),
  MaxPods: ({ spec }: HorizontalPodAutoscaler): number => spec?.maxReplicas ?? 0,
  Replicas: ({ status }: HorizontalPodAutoscaler): number => status?.currentReplicas ?? 0,
}

/** What is measured, and where it should be: metric by metric, the first two of them. */
function targetsText({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec?.metrics ?? []
  if (metrics.length === 0) return '<none>'
  const statuses = status?.currentMetrics ?? []
  const texts = metrics.slice(0, SHOWN_METRICS).map((metric, at) => metricText(metric, statuses[at]))
  return metrics.length > SHOWN_METRICS ? `${texts.join(', ')} + ${metrics.length - SHOWN_METRICS} more...` : texts.join(', ')
}

function metricText(metric: MetricSpec, status: MetricStatus | undefined): string {
  switch (metric.type) {
    case 'External':
      return metric.external?.target.averageValue === undefined
        ? `${status?.external?.current.value ?? UNKNOWN}/${metric.external?.target.value ?? ''}`
        : `${status?.external?.current.averageValue ?? UNKNOWN}/${metric.external.target.averageValue} (avg)`
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? UNKNOWN}/${metric.pods?.target.averageValue ?? ''}`
    case 'Object':
      return metric.object?.target.averageValue === undefined
        ? `${status?.object?.current.value ?? UNKNOWN}/${metric.object?.target.value ?? ''}`
        : `${status?.object?.current.averageValue ?? UNKNOWN}/${metric.object.target.averageValue} (avg)`
    case 'Resource':
      return `${metric.resource?.name ?? ''}: ${resourceText(metric.resource?.target, status?.resource?.current)}`
    case 'ContainerResource':
      return `${metric.containerResource?.name ?? ''}: ${resourceText(metric.containerResource?.target, status?.containerResource?.current)}`
    default:
      return '<unknown type>'
  }
}

function resourceText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue}`
  const utilization = current?.averageUtilization
  const wanted = target?.averageUtilization
  return `${utilization === undefined ? UNKNOWN : `${utilization}%`}/${wanted === undefined ? '<auto>' : `${wanted}%`}`
}
