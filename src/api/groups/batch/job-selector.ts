import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { labelSelectorOf } from '../../meta/selectors.ts'
import type { Job } from '../../types/batch-v1.gen.ts'
import { labelValueErrors } from '../../validation/names.ts'
import { shownSelector } from '../../validation/label-selector.ts'
import { METADATA, SELECTOR_PATH, TEMPLATE_PATH } from '../../workloads/workload.ts'
import { isUsableSelector } from '../../workloads/selector.ts'

const UID_LABEL = 'batch.kubernetes.io/controller-uid'
const NAME_LABEL = 'batch.kubernetes.io/job-name'
const LEGACY_UID_LABEL = 'controller-uid'
const LEGACY_NAME_LABEL = 'job-name'

/** Labels and a selector that make a Job's pods its own. What the user wrote stays, and is refused later where it is in the way. */
export function generateSelector(job: Job): void {
  const { spec, metadata } = job
  if (spec === undefined || spec.manualSelector === true) return
  const { name = '', uid = '' } = metadata ?? {}
  spec.template ??= {}
  spec.template.metadata ??= {}
  const given = spec.template.metadata.labels
  const generated = { [LEGACY_NAME_LABEL]: name, [NAME_LABEL]: name, [LEGACY_UID_LABEL]: uid, [UID_LABEL]: uid, ...given }
  spec.template.metadata.labels = generated
  spec.selector ??= {}
  spec.selector.matchLabels = { [UID_LABEL]: uid, ...spec.selector.matchLabels }
  // A Job without labels of its own has those of its template. A name that is no label value is refused there already.
  if (metadata === undefined || (given === undefined && labelValueErrors(name).length > 0)) return
  if (metadata.labels === given || Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...generated }
}

/** Until the selector is generated, both are one object: what is generated for the template then stands at the Job too. */
export function defaultJobLabels({ metadata, spec }: Job): void {
  const labels = spec?.template?.metadata?.labels
  if (metadata !== undefined && labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = labels
}

export function validateGeneratedSelector({ metadata, spec }: Job, errors: FieldErrors): void {
  if (spec === undefined || spec.manualSelector === true || spec.selector === undefined) return
  const { name = '', uid = '' } = metadata ?? {}
  if (uid === '') errors.push(fieldError.required(METADATA.child('uid')))
  const labels = spec.template?.metadata?.labels
  const expected = { [LEGACY_UID_LABEL]: uid, [LEGACY_NAME_LABEL]: name, [UID_LABEL]: uid, [NAME_LABEL]: name }
  const path = TEMPLATE_PATH.child('metadata').child('labels')
  for (const [label, value] of Object.entries(expected)) {
    const actual = labels?.[label]
    if (actual === undefined) errors.push(fieldError.required(path.key(label), `must be '${value}'`))
    else if (actual !== value) errors.push(fieldError.invalidMap(path.key(label), labels, `must be '${value}'`))
  }
  if (isUsableSelector(spec.selector) && !labelSelectorOf(spec.selector).matches(expected))
    errors.push(fieldError.invalid(SELECTOR_PATH, spec.selector && shownSelector(spec.selector), '`selector` not auto-generated'))
}
