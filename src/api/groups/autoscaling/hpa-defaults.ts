import type { HPAScalingRules, HorizontalPodAutoscalerSpec, MetricSpec } from '../../types/autoscaling-v2.gen.ts'

export const DEFAULT_CPU_UTILIZATION = 80

export function cpuMetric(averageUtilization: number): MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }
}

export function defaultAutoscaler(spec: HorizontalPodAutoscalerSpec): void {
  spec.minReplicas ??= 1
  if ((spec.metrics ?? []).length === 0) spec.metrics = [cpuMetric(DEFAULT_CPU_UTILIZATION)]
  const { behavior } = spec
  if (behavior === undefined) return
  behavior.scaleUp = completeRules(behavior.scaleUp, {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  })
  behavior.scaleDown = completeRules(behavior.scaleDown, {
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
  })
}

function completeRules(given: HPAScalingRules | undefined, usual: HPAScalingRules): HPAScalingRules {
  const rules: HPAScalingRules = { ...usual }
  if (given?.stabilizationWindowSeconds !== undefined) rules.stabilizationWindowSeconds = given.stabilizationWindowSeconds
  if (given?.selectPolicy !== undefined) rules.selectPolicy = given.selectPolicy
  if (given?.policies !== undefined) rules.policies = given.policies
  if (given?.tolerance !== undefined) rules.tolerance = given.tolerance
  return rules
}
