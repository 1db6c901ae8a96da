import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { LabelSelectorObject } from '../../meta/selectors.ts'
import { validatePodTemplateSpec } from '../../pods/index.ts'
import type { PodTemplateSpec } from '../../types/core-v1.gen.ts'
import { shownSelector } from '../../validation/label-selector.ts'
import { isEmptySelector, isUsableSelector, validateRequiredSelector, validateTemplateLabels } from '../../workloads/selector.ts'
import { SELECTOR_PATH, TEMPLATE_PATH, validateEndlessTemplate } from '../../workloads/workload.ts'

interface Replicated {
  readonly selector?: LabelSelectorObject | undefined
  readonly template?: PodTemplateSpec | undefined
}

/** Selector and template of a ReplicaSet, and of a Deployment, which makes ReplicaSets of it. The template is not looked at below a broken selector. */
export function validateReplicatedTemplate(spec: Replicated | undefined, errors: FieldErrors): void {
  const { selector, template } = spec ?? {}
  validateRequiredSelector(selector, 'deployment', errors)
  if (!isUsableSelector(selector)) {
    errors.push(fieldError.invalid(SELECTOR_PATH, selector && shownSelector(selector), 'invalid label selector'))
    return
  }
  if (selector === undefined || !isEmptySelector(selector)) validateTemplateLabels(selector, template, errors)
  validatePodTemplateSpec(template, TEMPLATE_PATH, errors)
  validateEndlessTemplate(template, 'ReplicaSet', errors)
}
