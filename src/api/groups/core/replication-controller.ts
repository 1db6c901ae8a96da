import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { defaultPodTemplate, podTemplateWarnings, validatePodTemplateSpec } from '../../pods/index.ts'
import * as refs from '../../refs.gen.ts'
import type { ReplicationController } from '../../types/core-v1.gen.ts'
import { longNameErrors } from '../../validation/names.ts'
import { validateNonnegative } from '../../validation/values.ts'
import {
  SELECTOR_PATH,
  SPEC,
  STATUS,
  TEMPLATE_PATH,
  keepSpec,
  keepStatus,
  nameWarnings,
  templateImages,
  templateNames,
  validateAtMost,
  validateCounts,
  validateEndlessTemplate,
  isNewlyWanted,
} from '../../workloads/workload.ts'
import { labelsText } from './labels-text.ts'

const COUNTS = ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration']

export const replicationControllers = defineResource(refs.replicationcontrollers, {
  strategy: {
    // Only the name itself is looked at, once it has been made.
    validateName: (name, isPrefix) => (isPrefix ? [] : longNameErrors(name)),
    generation: 'spec',
    defaults,
    prepareForCreate: (controller) => {
      controller.status = { replicas: 0 }
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (controller, _old, errors) => validate(controller, errors),
    warnings: (controller, old) => [
      ...nameWarnings(controller, old),
      // On updates Kubernetes looks at the template that was.
      ...(isNewlyWanted(controller, old) ? podTemplateWarnings((old ?? controller).spec?.template, TEMPLATE_PATH) : []),
    ],
    deletePropagation: 'orphan',
  },
  columns: {
    Desired: ({ spec }) => spec?.replicas ?? 0,
    Current: ({ status }) => status?.replicas ?? 0,
    Ready: ({ status }) => status?.readyReplicas ?? 0,
    Containers: ({ spec }) => templateNames(spec?.template),
    Images: ({ spec }) => templateImages(spec?.template),
    Selector: ({ spec }) => labelsText(spec?.selector) || '<none>',
  },
  selectable: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  subresources: {
    status: { type: 'status', prepareForUpdate: keepSpec, validateUpdate: validateStatus },
    scale: {
      type: 'scale',
      replicas: ({ spec }) => spec?.replicas ?? 0,
      statusReplicas: ({ status }) => status?.replicas ?? 0,
      selector: ({ spec }) => labelsText(spec?.selector),
      setReplicas: (draft, replicas) => {
        if (draft.spec !== undefined) draft.spec.replicas = replicas
      },
    },
  },
})

/** Selector and labels come from the template where there are none. */
function defaults(controller: ReplicationController): void {
  const spec = (controller.spec ??= {})
  const labels = spec.template?.metadata?.labels ?? {}
  if (Object.keys(labels).length > 0) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
    if (Object.keys(controller.metadata?.labels ?? {}).length === 0) controller.metadata = { ...controller.metadata, labels: { ...labels } }
  }
  spec.replicas ??= 1
  // The schema's default, which is not stored: both must look the same when changes are counted.
  if (spec.minReadySeconds === 0) delete spec.minReadySeconds
  defaultPodTemplate(spec.template)
}

function validate({ spec }: ReplicationController, errors: FieldErrors): void {
  const { selector = {}, template } = spec ?? {}
  validateNonnegative(spec?.minReadySeconds, SPEC.child('minReadySeconds'), errors)
  if (Object.keys(selector).length === 0) errors.push(fieldError.required(SELECTOR_PATH))
  validateNonnegative(spec?.replicas, SPEC.child('replicas'), errors)
  if (template === undefined) {
    errors.push(fieldError.required(TEMPLATE_PATH))
    return
  }
  const labels = template.metadata?.labels
  if (Object.entries(selector).some(([key, value]) => labels?.[key] !== value)) {
    errors.push(
      fieldError.invalidMap(TEMPLATE_PATH.child('metadata').child('labels'), labels, '`selector` does not match template `labels`'),
    )
  }
  validatePodTemplateSpec(template, TEMPLATE_PATH, errors)
  validateEndlessTemplate(template, 'ReplicationController', errors)
}

function validateStatus({ status }: ReplicationController, _old: ReplicationController, errors: FieldErrors): void {
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
