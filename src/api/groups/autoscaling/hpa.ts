import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type {
  HPAScalingPolicy,
  HPAScalingRules,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
} from '../../types/autoscaling-v2.gen.ts'
import { validateNonnegativeQuantity } from '../../validation/resources.ts'
import { validateNonnegative } from '../../validation/values.ts'
import { SPEC, STATUS, keepSpec, keepStatus } from '../../workloads/workload.ts'
import { hpaColumns } from './hpa-columns.ts'
import { defaultAutoscaler } from './hpa-defaults.ts'
import { validateMetric } from './hpa-metrics.ts'
import { validateTarget } from './target.ts'

const WINDOW_MAX_SECONDS = 3600
const PERIOD_MAX_SECONDS = 1800
const SELECT_POLICIES = ['Disabled', 'Max', 'Min']
const POLICY_TYPES = ['Percent', 'Pods']

export const horizontalPodAutoscalers = defineResource(refs.horizontalpodautoscalers, {
  strategy: {
    defaults: ({ spec }) => {
      if (spec !== undefined) defaultAutoscaler(spec)
    },
    prepareForCreate: (autoscaler) => {
      autoscaler.status = { desiredReplicas: 0, currentMetrics: null }
    },
    prepareForUpdate: keepStatus,
    validate: ({ spec }, errors) => validateAutoscaler(spec, errors),
    validateUpdate: ({ spec }, _old, errors) => validateAutoscaler(spec, errors),
  },
  columns: hpaColumns,
  subresources: { status: { type: 'status', prepareForUpdate: keepSpec, validateUpdate: validateAutoscalerStatus } },
})

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler, _old: HorizontalPodAutoscaler, errors: FieldErrors): void {
  validateNonnegative(status?.currentReplicas, STATUS.child('currentReplicas'), errors)
  validateNonnegative(status?.desiredReplicas, STATUS.child('desiredReplicas'), errors)
}

export function validateAutoscaler(spec: HorizontalPodAutoscalerSpec | undefined, errors: FieldErrors): void {
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics, behavior } = spec ?? {}
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(fieldError.invalid(SPEC.child('minReplicas'), minReplicas, 'must be greater than or equal to 1'))
  const maxPath = SPEC.child('maxReplicas')
  if (maxReplicas === 0) errors.push(fieldError.required(maxPath, 'must be set and greater than 0'))
  else if (maxReplicas < 1) errors.push(fieldError.invalid(maxPath, maxReplicas, 'must be greater than or equal to 1'))
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(fieldError.invalid(maxPath, maxReplicas, 'must be greater than or equal to `minReplicas`'))
  validateTarget(scaleTargetRef, false, SPEC.child('scaleTargetRef'), errors)
  metrics?.forEach((metric, at) => validateMetric(metric, SPEC.child('metrics').index(at), errors))
  // Pods that are not there have no metrics of their own to come back for.
  if (minReplicas === 0 && metrics?.some(({ type }) => type === 'Object' || type === 'External') !== true)
    errors.push(
      fieldError.forbidden(
        SPEC.child('metrics'),
        'must specify at least one Object or External metric to support scaling to zero replicas',
      ),
    )
  if (behavior?.scaleUp !== undefined) validateRules(behavior.scaleUp, SPEC.child('behavior').child('scaleUp'), errors)
  if (behavior?.scaleDown !== undefined) validateRules(behavior.scaleDown, SPEC.child('behavior').child('scaleDown'), errors)
}

function validateRules(rules: HPAScalingRules, path: Path, errors: FieldErrors): void {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules
  const windowPath = path.child('stabilizationWindowSeconds')
  if (window !== undefined && window < 0) errors.push(fieldError.invalid(windowPath, window, 'must be greater than or equal to zero'))
  if (window !== undefined && window > WINDOW_MAX_SECONDS)
    errors.push(fieldError.invalid(windowPath, window, `must be less than or equal to ${WINDOW_MAX_SECONDS}`))
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy))
    errors.push(fieldError.notSupported(path.child('selectPolicy'), selectPolicy, SELECT_POLICIES))
  if (policies.length === 0) errors.push(fieldError.required(path.child('policies'), 'must specify at least one Policy'))
  policies.forEach((policy, at) => validatePolicy(policy, path.child('policies').index(at), errors))
  if (tolerance !== undefined) validateNonnegativeQuantity(tolerance, path.child('tolerance'), errors)
}

function validatePolicy({ type = '', value = 0, periodSeconds = 0 }: HPAScalingPolicy, path: Path, errors: FieldErrors): void {
  if (!POLICY_TYPES.includes(type)) errors.push(fieldError.notSupported(path.child('type'), type, POLICY_TYPES))
  if (value <= 0) errors.push(fieldError.invalid(path.child('value'), value, 'must be greater than zero'))
  const periodPath = path.child('periodSeconds')
  if (periodSeconds <= 0) errors.push(fieldError.invalid(periodPath, periodSeconds, 'must be greater than zero'))
  if (periodSeconds > PERIOD_MAX_SECONDS)
    errors.push(fieldError.invalid(periodPath, periodSeconds, `must be less than or equal to ${PERIOD_MAX_SECONDS}`))
}
