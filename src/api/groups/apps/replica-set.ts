import { defineResource } from '../../define.ts'
import type { FieldErrors } from '../../meta/field-error.ts'
import { defaultPodTemplate, podTemplateWarnings } from '../../pods/index.ts'
import * as refs from '../../refs.gen.ts'
import type { ReplicaSet } from '../../types/apps-v1.gen.ts'
import { validateNonnegative } from '../../validation/values.ts'
import {
  SPEC,
  STATUS,
  TEMPLATE_PATH,
  containerImages,
  containerNames,
  keepSpec,
  keepStatus,
  nameWarnings,
  scaleSelector,
  selectorText,
  validateAtMost,
  validateCounts,
  isNewlyWanted,
} from '../../workloads/workload.ts'
import { validateSameSelector } from '../../workloads/selector.ts'
import { validateReplicatedTemplate } from './replicated-template.ts'

const COUNTS = ['replicas', 'observedGeneration', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'terminatingReplicas']

export const replicaSets = defineResource(refs.replicasets, {
  strategy: {
    generation: 'spec',
    defaults: ({ spec }: ReplicaSet) => {
      if (spec === undefined) return
      spec.replicas ??= 1
      defaultPodTemplate(spec.template)
    },
    prepareForCreate: (replicaSet) => {
      replicaSet.status = { replicas: 0 }
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (replicaSet, old, errors) => {
      validate(replicaSet, errors)
      validateSameSelector(replicaSet.spec?.selector, old.spec?.selector, errors)
    },
    warnings: (replicaSet, old) => [
      ...nameWarnings(replicaSet, old),
      ...(isNewlyWanted(replicaSet, old) ? podTemplateWarnings(replicaSet.spec?.template, TEMPLATE_PATH) : []),
    ],
  },
  columns: {
    Desired: ({ spec }) => spec?.replicas ?? 0,
    Current: ({ status }) => status?.replicas ?? 0,
    Ready: ({ status }) => status?.readyReplicas ?? 0,
    Containers: containerNames,
    Images: containerImages,
    Selector: selectorText,
  },
  subresources: {
    status: { type: 'status', prepareForUpdate: keepSpec, validateUpdate: validateStatus },
    scale: {
      type: 'scale',
      replicas: ({ spec }) => spec?.replicas ?? 0,
      statusReplicas: ({ status }) => status?.replicas ?? 0,
      selector: scaleSelector,
      setReplicas: (draft, replicas) => {
        if (draft.spec !== undefined) draft.spec.replicas = replicas
      },
    },
  },
})

function validate({ spec }: ReplicaSet, errors: FieldErrors): void {
  validateNonnegative(spec?.replicas, SPEC.child('replicas'), errors)
  validateNonnegative(spec?.minReadySeconds, SPEC.child('minReadySeconds'), errors)
  validateReplicatedTemplate(spec, errors)
}

function validateStatus({ status }: ReplicaSet, _old: ReplicaSet, errors: FieldErrors): void {
  const counts = { ...status }
  validateCounts(counts, COUNTS, STATUS, errors)
  validateAtMost(
    counts,
    [
      ['fullyLabeledReplicas', 'replicas'],
      ['readyReplicas', 'replicas'],
      ['availableReplicas', 'replicas'],
      ['availableReplicas', 'readyReplicas', 'readyReplicas'],
    ],
    errors,
  )
}
