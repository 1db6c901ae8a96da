import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import { Path } from '../../../meta/path.ts'
import type { Event } from '../../../types/core-v1.gen.ts'
import { qualifiedNameErrors } from '../../../validation/names.ts'
import { invalidText, validateImmutable, validateRequired } from '../../../validation/values.ts'

const LONGEST_REASON = 128
const LONGEST_NOTE = 1024
const OBJECT = Path.of('involvedObject')
const SERIES = Path.of('series')
/** Namespaces in which Events about objects without a namespace lie. */
const CLUSTER_NAMESPACES = ['default', 'kube-system']

/** What every Event must be. Those of the new style, with an `eventTime`, are looked at closely. */
export function validateEvent(event: Event, controllerField: 'reportingComponent' | 'reportingController', errors: FieldErrors): void {
  const namespace = event.metadata?.namespace ?? ''
  const about = event.involvedObject?.namespace ?? ''
  const isNew = hasTime(event.eventTime)
  const fits = about === '' ? (isNew ? CLUSTER_NAMESPACES : ['', 'default']).includes(namespace) : isNew || about === namespace
  if (!fits) errors.push(fieldError.invalid(OBJECT.child('namespace'), about, 'does not match event.namespace'))
  if (isNew) validateNewStyle(event, controllerField, errors)
}

const hasTime = (time: string | null | undefined): boolean => time !== undefined && time !== null && time !== ''

function validateNewStyle(event: Event, controllerField: string, errors: FieldErrors): void {
  const controller = event.reportingComponent ?? ''
  validateRequired(controller, Path.of(controllerField), errors)
  invalidText(controller, qualifiedNameErrors(controller), Path.of(controllerField), errors)
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    if (validateRequired(event[field], Path.of(field), errors)) validateLength(event[field] ?? '', field, LONGEST_REASON, errors)
  }
  validateLength(event.message ?? '', 'message', LONGEST_NOTE, errors)
}

function validateLength(text: string, field: string, most: number, errors: FieldErrors): void {
  if (text.length > most) errors.push(fieldError.invalid(Path.of(field), '', `can have at most ${most} characters`))
}

/**
 * What a new Event of events.k8s.io must be beside what every one must, in the form in which it is stored: errors are told with the stored
 * fields' names.
 */
export function validateNewEvent(event: Event, errors: FieldErrors): void {
  const { eventTime, type = '', firstTimestamp, lastTimestamp, count, source } = event
  validateSeries(event, errors)
  if (!hasTime(eventTime)) errors.push(fieldError.required(Path.of('eventTime')))
  if (type !== 'Normal' && type !== 'Warning') errors.push(fieldError.invalid(Path.of('type'), '', `has invalid value: ${type}`))
  const unset = (field: string): unknown => errors.push(fieldError.invalid(Path.of(field), '', 'needs to be unset'))
  if (hasTime(firstTimestamp)) unset('firstTimestamp')
  if (hasTime(lastTimestamp)) unset('lastTimestamp')
  if ((count ?? 0) !== 0) unset('count')
  if ((source?.component ?? '') !== '' || (source?.host ?? '') !== '') unset('source')
}

function validateSeries({ series }: Event, errors: FieldErrors): void {
  if (series === undefined) return
  if ((series.count ?? 0) < 2) errors.push(fieldError.invalid(SERIES.child('count'), '', 'should be at least 2'))
  if (!hasTime(series.lastObservedTime)) errors.push(fieldError.required(SERIES.child('lastObservedTime')))
}

/** In this order, and the reason twice: as Kubernetes does it. */
const FIXED_TEXTS = [
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
] as const

/** Only the series of an Event of events.k8s.io may change. */
export function validateNewEventUpdate(event: Event, old: Event, errors: FieldErrors): void {
  validateEvent(event, 'reportingController', errors)
  validateSeries(event, errors)
  validateImmutable(event.involvedObject, old.involvedObject, OBJECT, errors)
  for (const field of FIXED_TEXTS) validateImmutable(shown(event, field), shown(old, field), Path.of(field), errors)
  validateImmutable(event.reportingComponent ?? '', old.reportingComponent ?? '', Path.of('reportingController'), errors)
  validateImmutable(event.reportingInstance ?? '', old.reportingInstance ?? '', Path.of('reportingInstance'), errors)
}

function shown(event: Event, field: (typeof FIXED_TEXTS)[number]): unknown {
  if (field === 'reason' || field === 'message' || field === 'type' || field === 'action') return event[field] ?? ''
  return field === 'count' ? (event.count ?? 0) : (event[field] ?? null)
}
