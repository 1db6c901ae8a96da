import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import { ageOf } from '../../schema/age.ts'
import type { Event } from '../../types/core-v1.gen.ts'
import { qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText, validateRequired } from '../../validation/values.ts'

const LONGEST_REASON = 128
const LONGEST_NOTE = 1024
const NAMESPACE = Path.of('involvedObject', 'namespace')

export const events = defineResource(refs.events, {
  strategy: {
    createOnUpdate: true,
    validate,
    validateUpdate: (event, _old, errors) => validateObject(event, errors),
  },
  columns: {
    'Last Seen': ({ lastTimestamp, series, eventTime, firstTimestamp }, now) => ageOf(series?.lastObservedTime ?? lastTimestamp ?? firstTimestamp ?? eventTime ?? undefined, now),
    Type: ({ type }) => type ?? '',
    Reason: ({ reason }) => reason ?? '',
    Object: ({ involvedObject }) => `${(involvedObject?.kind ?? '').toLowerCase()}${(involvedObject?.name ?? '') === '' ? '' : `/${involvedObject?.name}`}`,
    Subobject: ({ involvedObject }) => involvedObject?.fieldPath ?? '',
    Source: ({ source, reportingComponent, reportingInstance }) => sourceText((source?.component ?? '') || (reportingComponent ?? ''), (source?.host ?? '') || (reportingInstance ?? '')),
    Message: ({ message }) => (message ?? '').trim(),
    'First Seen': ({ firstTimestamp, eventTime }, now) => ageOf(firstTimestamp ?? eventTime ?? undefined, now),
    Count: ({ count, series }) => (series?.count ?? count) || 1,
  },
  selectable: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject?.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject?.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject?.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject?.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => (source?.component ?? '') || (reportingComponent ?? ''),
    type: ({ type }) => type ?? '',
  },
})

const sourceText = (component: string, host: string): string => [component, host].filter((part) => part !== '').join(', ')

function validate(event: Event, errors: FieldErrors): void {
  validateObject(event, errors)
  if ((event.eventTime ?? '') === '') return
  const component = Path.of('reportingComponent')
  const name = event.reportingComponent ?? ''
  validateRequired(name, component, errors)
  invalidText(name, qualifiedNameErrors(name), component, errors)
  validateLength(event.reportingInstance, 'reportingInstance', LONGEST_REASON, errors)
  validateLength(event.action, 'action', LONGEST_REASON, errors)
  validateLength(event.reason, 'reason', LONGEST_REASON, errors)
  if ((event.message ?? '').length > LONGEST_NOTE) errors.push(fieldError.invalid(Path.of('message'), '', `can have at most ${LONGEST_NOTE} characters`))
  if (!['Normal', 'Warning'].includes(event.type ?? '')) errors.push(fieldError.invalid(Path.of('type'), '', 'has invalid value: ' + (event.type ?? '')))
}

function validateLength(text: string | undefined, field: string, most: number, errors: FieldErrors): void {
  if (!validateRequired(text, Path.of(field), errors)) return
  if (text.length > most) errors.push(fieldError.invalid(Path.of(field), '', `can have at most ${most} characters`))
}

/** An Event lies beside the object that it is about; those of objects without a namespace lie in `default`. */
function validateObject({ metadata, involvedObject }: Event, errors: FieldErrors): void {
  const namespace = metadata?.namespace ?? ''
  const about = involvedObject?.namespace ?? ''
  if (about === '' ? namespace !== 'default' && namespace !== 'kube-system' : about !== namespace) errors.push(fieldError.invalid(NAMESPACE, about, 'does not match event.namespace'))
}
