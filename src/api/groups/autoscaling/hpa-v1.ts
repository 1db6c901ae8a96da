import { defineResource } from '../../define.ts'
import { isJsonObject } from '../../meta/deep.ts'
import type { ObjectMeta } from '../../meta/object.ts'
import * as refs from '../../refs.gen.ts'
import type * as v1 from '../../types/autoscaling-v1.gen.ts'
import type * as v2 from '../../types/autoscaling-v2.gen.ts'
import { keepSpec, keepStatus } from '../../workloads/workload.ts'
import { validateAutoscaler, validateAutoscalerStatus } from './hpa.ts'
import { hpaColumns } from './hpa-columns.ts'
import { DEFAULT_CPU_UTILIZATION, cpuMetric, defaultAutoscaler } from './hpa-defaults.ts'
import { type OldMetric, metricOf, oldMetricOf, oldStatusOf, statusOf } from './old-metrics.ts'

/** What autoscaling/v1 has no field for stands in annotations while an autoscaler is looked at through it. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics'
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics'
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions'
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior'

export const horizontalPodAutoscalersV1 = defineResource(refs.horizontalpodautoscalersV1, {
  fieldAnnotations: [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR],
  strategy: {
    defaults: ({ spec, metadata }) => {
      if (spec === undefined) return
      spec.minReplicas ??= 1
      if (metadata?.annotations !== undefined) dropUnreadable(metadata, metadata.annotations)
      if (metadata?.annotations?.[METRICS] === undefined) spec.targetCPUUtilizationPercentage ??= DEFAULT_CPU_UTILIZATION
    },
    prepareForCreate: (autoscaler) => {
      autoscaler.status = { currentReplicas: 0, desiredReplicas: 0 }
    },
    prepareForUpdate: keepStatus,
    validate: (autoscaler, errors) => validateAutoscaler(toV2(autoscaler).spec, errors),
    validateUpdate: (autoscaler, _old, errors) => validateAutoscaler(toV2(autoscaler).spec, errors),
  },
  columns: Object.fromEntries(
    Object.entries(hpaColumns).map(([name, cell]) => [name, (autoscaler: v1.HorizontalPodAutoscaler) => cell(toV2(autoscaler))]),
  ),
  subresources: {
    status: {
      type: 'status',
      prepareForUpdate: keepSpec,
      validateUpdate: (autoscaler, old, errors) => validateAutoscalerStatus(toV2(autoscaler), toV2(old), errors),
    },
  },
  conversion: {
    toStored: (object) => toV2(object as v1.HorizontalPodAutoscaler),
    fromStored: (object) => toV1(object as v2.HorizontalPodAutoscaler),
  },
})

function toV2({ metadata, spec, status }: v1.HorizontalPodAutoscaler): v2.HorizontalPodAutoscaler {
  const { annotations, ...meta } = metadata ?? {}
  const {
    [METRICS]: metricsText,
    [CURRENT_METRICS]: currentText,
    [CONDITIONS]: conditionsText,
    [BEHAVIOR]: behaviorText,
    ...others
  } = annotations ?? {}
  const { targetCPUUtilizationPercentage: cpu, ...rest } = spec ?? {}
  const metrics = listOf(metricsText).map((metric) => metricOf(metric as OldMetric))
  if (cpu !== undefined) metrics.push(cpuMetric(cpu))
  const behavior = behaviorOf(behaviorText)
  const wanted = {
    ...rest,
    ...(metrics.length > 0 ? { metrics } : {}),
    ...(behavior === undefined ? {} : { behavior }),
  } as v2.HorizontalPodAutoscalerSpec
  defaultAutoscaler(wanted)
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { ...meta, ...(Object.keys(others).length > 0 ? { annotations: others } : {}) },
    spec: wanted,
    status: statusToV2(status, listOf(currentText), listOf(conditionsText)),
  }
}

function statusToV2(
  status: v1.HorizontalPodAutoscaler['status'],
  current: readonly unknown[],
  conditions: readonly unknown[],
): v2.HorizontalPodAutoscalerStatus {
  const { currentCPUUtilizationPercentage: cpu, currentReplicas, ...rest } = status ?? { currentReplicas: 0, desiredReplicas: 0 }
  const metrics: v2.MetricStatus[] = current.map((metric) => statusOf(metric as OldMetric))
  if (cpu !== undefined && !metrics.some(isCpuStatus))
    metrics.push({ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpu } } })
  return {
    ...rest,
    ...(currentReplicas === 0 ? {} : { currentReplicas }),
    currentMetrics: metrics.length > 0 ? metrics : null,
    ...(conditions.length > 0 ? { conditions: conditions as v2.HorizontalPodAutoscalerCondition[] } : {}),
  }
}

function toV1({ metadata, spec, status }: v2.HorizontalPodAutoscaler): v1.HorizontalPodAutoscaler {
  const { metrics = [], behavior, ...rest } = spec ?? ({} as v2.HorizontalPodAutoscalerSpec)
  const cpu = metrics.find(isCpuTarget)?.resource?.target.averageUtilization
  const others = metrics.filter((metric) => !isCpuTarget(metric))
  const { currentMetrics, conditions = [], currentReplicas = 0, desiredReplicas = 0, ...times } = status ?? { desiredReplicas: 0 }
  const currentCpu = currentMetrics?.find(isCpuStatus)?.resource?.current.averageUtilization
  const annotations: Record<string, string> = {
    ...metadata?.annotations,
    ...(others.length > 0 ? { [METRICS]: JSON.stringify(others.map(oldMetricOf)) } : {}),
    ...((currentMetrics ?? []).length > 0 ? { [CURRENT_METRICS]: JSON.stringify(currentMetrics?.map(oldStatusOf)) } : {}),
    ...(conditions.length > 0 ? { [CONDITIONS]: JSON.stringify(conditions) } : {}),
    ...(behavior === undefined ? {} : { [BEHAVIOR]: behaviorText(behavior) }),
  }
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { ...metadata, ...(Object.keys(annotations).length > 0 ? { annotations: sorted(annotations) } : {}) },
    spec: { ...rest, ...(cpu === undefined ? {} : { targetCPUUtilizationPercentage: cpu }) },
    status: {
      ...times,
      currentReplicas,
      desiredReplicas,
      ...(currentCpu === undefined ? {} : { currentCPUUtilizationPercentage: currentCpu }),
    },
  }
}

const isCpuTarget = ({ type, resource }: v2.MetricSpec): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined
const isCpuStatus = ({ type, resource }: v2.MetricStatus): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.current.averageUtilization !== undefined

/** What a client wrote into such an annotation may be anything; what cannot be read is dropped. */
function dropUnreadable(metadata: ObjectMeta, annotations: Record<string, string>): void {
  for (const name of [METRICS, CURRENT_METRICS, CONDITIONS])
    if (name in annotations && !Array.isArray(jsonOf(annotations[name]))) delete annotations[name]
  if (BEHAVIOR in annotations && !isJsonObject(jsonOf(annotations[BEHAVIOR]))) delete annotations[BEHAVIOR]
  if (Object.keys(annotations).length === 0) delete metadata.annotations
}

function listOf(text: string | undefined): readonly unknown[] {
  const value = jsonOf(text)
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

function jsonOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The annotation has the field names of the server that it comes from. */
const RULES = {
  stabilizationWindowSeconds: 'StabilizationWindowSeconds',
  selectPolicy: 'SelectPolicy',
  policies: 'Policies',
  tolerance: 'Tolerance',
} as const
const POLICY = { type: 'Type', value: 'Value', periodSeconds: 'PeriodSeconds' } as const

function behaviorText({ scaleUp, scaleDown }: v2.HorizontalPodAutoscalerBehavior): string {
  return JSON.stringify({ ScaleUp: rulesOut(scaleUp), ScaleDown: rulesOut(scaleDown) })
}

function rulesOut(rules: v2.HPAScalingRules | undefined): KeyedObject | null {
  if (rules === undefined) return null
  const { policies, ...rest } = rules
  return renamed({ ...rest, policies: policies?.map((policy) => renamed({ ...policy }, POLICY)) }, RULES)
}

type KeyedObject = Record<string, unknown>

function renamed(object: KeyedObject, names: Readonly<Record<string, string>>): KeyedObject {
  return Object.fromEntries(Object.entries(names).map(([name, shown]) => [shown, object[name] ?? null]))
}

function behaviorOf(text: string | undefined): v2.HorizontalPodAutoscalerBehavior | undefined {
  const value = jsonOf(text)
  if (!isJsonObject(value)) return undefined
  const scaleUp = rulesIn(value['ScaleUp'])
  const scaleDown = rulesIn(value['ScaleDown'])
  return { ...(scaleUp === undefined ? {} : { scaleUp }), ...(scaleDown === undefined ? {} : { scaleDown }) }
}

function rulesIn(value: unknown): v2.HPAScalingRules | undefined {
  if (!isJsonObject(value)) return undefined
  const rules = read(value, RULES)
  const { policies } = rules
  if (Array.isArray(policies)) rules['policies'] = policies.filter(isJsonObject).map((policy) => read(policy, POLICY))
  return rules
}

function read(value: Readonly<Record<string, unknown>>, names: Readonly<Record<string, string>>): KeyedObject {
  return Object.fromEntries(
    Object.entries(names)
      .map(([name, shown]) => [name, value[shown]] as const)
      .filter(([, member]) => member !== undefined && member !== null),
  )
}

/** As maps are written. */
function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)))
}
