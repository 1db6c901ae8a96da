import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { type GoStruct, shownStruct } from '../../meta/go-struct.ts'
import type { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { Resource } from '../../resource.ts'
import type { PodDisruptionBudget } from '../../types/policy-v1.gen.ts'
import { validateConditions } from '../../validation/conditions.ts'
import { shownSelector, validateLabelSelector } from '../../validation/label-selector.ts'
import { nameIsPathSegment } from '../../validation/names.ts'
import { SELECTOR_PATH, SPEC, STATUS, keepSpec, keepStatus, validateCounts } from '../../workloads/workload.ts'
import { validateAtMostAll, validateShare } from '../../workloads/share.ts'

const EVICTION_POLICIES = ['AlwaysAllow', 'IfHealthyBudget']

export const podDisruptionBudgets = defineResource(refs.poddisruptionbudgets, {
  strategy: {
    validateName: nameIsPathSegment,
    metadataLast: true,
    anyFinalizer: true,
    generation: 'spec',
    unconditionalUpdate: false,
    prepareForCreate: (budget) => {
      budget.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 }
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (budget, _old, errors) => validate(budget, errors),
  },
  columns: {
    'Min Available': ({ spec }) => String(spec?.minAvailable ?? 'N/A'),
    'Max Unavailable': ({ spec }) => String(spec?.maxUnavailable ?? 'N/A'),
    'Allowed Disruptions': ({ status }) => status?.disruptionsAllowed ?? 0,
  },
  subresources: {
    status: {
      type: 'status',
      prepareForUpdate: keepSpec,
      validateUpdate: ({ status }, _old, errors) => {
        validateConditions(status?.conditions ?? [], STATUS.child('conditions'), errors)
        validateCounts({ ...status }, ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'], STATUS, errors)
      },
    },
  },
})

const SHOWN_SPEC: GoStruct = [
  ['MinAvailable', 'minAvailable'],
  ['Selector', 'selector'],
  ['MaxUnavailable', 'maxUnavailable'],
  ['UnhealthyPodEvictionPolicy', 'unhealthyPodEvictionPolicy'],
]

function validate({ spec = {} }: PodDisruptionBudget, errors: FieldErrors): void {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy: policy } = spec
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    errors.push(
      fieldError.invalid(
        SPEC,
        shownStruct(SHOWN_SPEC, { ...spec, selector: spec.selector && shownSelector(spec.selector) }),
        'minAvailable and maxUnavailable cannot be both set',
      ),
    )
  if (minAvailable !== undefined) validatePodShare(minAvailable, SPEC.child('minAvailable'), errors)
  if (maxUnavailable !== undefined) validatePodShare(maxUnavailable, SPEC.child('maxUnavailable'), errors)
  validateLabelSelector(spec.selector, SELECTOR_PATH, errors)
  if (policy !== undefined && !EVICTION_POLICIES.includes(policy))
    errors.push(fieldError.notSupported(SPEC.child('unhealthyPodEvictionPolicy'), policy, EVICTION_POLICIES))
}

function validatePodShare(value: number | string, path: Path, errors: FieldErrors): void {
  validateShare(value, path, errors)
  validateAtMostAll(value, path, errors)
}

export const policyResources: readonly Resource[] = [podDisruptionBudgets]
