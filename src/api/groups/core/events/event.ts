import { type Cell, defineResource } from '../../../define.ts'
import * as refs from '../../../refs.gen.ts'
import { ageOf } from '../../../schema/age.ts'
import type { Event } from '../../../types/core-v1.gen.ts'
import { nameIsPathSegment } from '../../../validation/names.ts'
import { validateEvent } from './event-validation.ts'

export const eventColumns: Readonly<Record<string, (event: Event, now: number) => Cell>> = {
  'Last Seen': ({ lastTimestamp, series, eventTime, firstTimestamp }, now) =>
    ageOf((series === undefined ? (lastTimestamp ?? firstTimestamp ?? eventTime) : series.lastObservedTime) ?? undefined, now),
  Type: ({ type }) => type ?? '',
  Reason: ({ reason }) => reason ?? '',
  Object: ({ involvedObject }) =>
    `${(involvedObject?.kind ?? '').toLowerCase()}${(involvedObject?.name ?? '') === '' ? '' : `/${involvedObject?.name}`}`,
  Subobject: ({ involvedObject }) => involvedObject?.fieldPath ?? '',
  Source: ({ source, reportingComponent, reportingInstance }) =>
    sourceText((source?.component ?? '') || (reportingComponent ?? ''), (source?.host ?? '') || (reportingInstance ?? '')),
  Message: ({ message }) => (message ?? '').trim(),
  'First Seen': ({ firstTimestamp, eventTime }, now) => ageOf(firstTimestamp ?? eventTime ?? undefined, now),
  Count: ({ count, series }) => (series === undefined ? count || 1 : (series.count ?? 0)),
}

export const eventFields: Readonly<Record<string, (event: Event) => string>> = {
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
}

export const events = defineResource(refs.events, {
  strategy: {
    validateName: nameIsPathSegment,
    anyFinalizer: true,
    metadataLast: true,
    createOnUpdate: true,
    validate: (event, errors) => validateEvent(event, 'reportingComponent', errors),
    validateUpdate: (event, _old, errors) => validateEvent(event, 'reportingComponent', errors),
  },
  columns: eventColumns,
  selectable: eventFields,
})

const sourceText = (component: string, host: string): string => [component, host].filter((part) => part !== '').join(', ')
