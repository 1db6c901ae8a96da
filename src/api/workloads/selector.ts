import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import { type LabelSelectorObject, labelSelectorOf } from '../meta/selectors.ts'
import type { PodTemplateSpec } from '../types/core-v1.gen.ts'
import { shownSelector, validateLabelSelector } from '../validation/label-selector.ts'
import { validateImmutable } from '../validation/values.ts'
import { SELECTOR_PATH, TEMPLATE_PATH } from './workload.ts'

type Selector = LabelSelectorObject | undefined

export const isEmptySelector = (selector: LabelSelectorObject): boolean =>
  Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0

/** Whether a selector that is there can be used to select. */
export function isUsableSelector(selector: Selector): boolean {
  const errors: FieldErrors = []
  validateLabelSelector(selector, SELECTOR_PATH, errors)
  return errors.length === 0
}

/** A selector must be there, be well formed and not select everything; `kind` stands in the last message. */
export function validateRequiredSelector(selector: Selector, kind: string, errors: FieldErrors): void {
  if (selector === undefined) {
    errors.push(fieldError.required(SELECTOR_PATH))
    return
  }
  validateLabelSelector(selector, SELECTOR_PATH, errors)
  if (isEmptySelector(selector))
    errors.push(fieldError.invalid(SELECTOR_PATH, shownSelector(selector), `empty selector is invalid for ${kind}`))
}

/** A selector stays what it was. */
export function validateSameSelector(selector: Selector, old: Selector, errors: FieldErrors): void {
  const [now, before] = [selector ?? null, old ?? null].map((one) => one && shownSelector(one))
  validateImmutable(now, before, SELECTOR_PATH, errors)
}

/** The pods that are made must be found again. An absent selector finds nothing. */
export function validateTemplateLabels(selector: Selector, template: PodTemplateSpec | undefined, errors: FieldErrors): void {
  const labels = template?.metadata?.labels
  if (labelSelectorOf(selector).matches(labels)) return
  errors.push(fieldError.invalidMap(TEMPLATE_PATH.child('metadata').child('labels'), labels, '`selector` does not match template `labels`'))
}
