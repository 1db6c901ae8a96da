import { messageOf } from '#base/pure'
import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { podTemplateWarnings } from '../../pods/index.ts'
import * as refs from '../../refs.gen.ts'
import { ageOf } from '../../schema/age.ts'
import { parseCronSchedule } from '../../schedules/cron.ts'
import { isTimeZoneName } from '../../schedules/time-zone.ts'
import type { CronJob, CronJobSpec, JobSpec } from '../../types/batch-v1.gen.ts'
import { shownSelector } from '../../validation/label-selector.ts'
import { validateNonnegative, validateRequiredEnum } from '../../validation/values.ts'
import {
  METADATA,
  SPEC,
  keepSpec,
  keepStatus,
  nameWarnings,
  selectorCell,
  templateImages,
  templateNames,
  isNewlyWanted,
} from '../../workloads/workload.ts'
import { defaultJobTemplate, validateJobTemplate } from './job-spec.ts'

/** Room for the time that is appended to make the names of Jobs. */
const NAME_MAX = 52
const JOB_SPEC = SPEC.child('jobTemplate').child('spec')

export const cronJobs = defineResource(refs.cronjobs, {
  strategy: {
    generation: 'spec',
    defaults,
    prepareForCreate: (cronJob) => {
      cronJob.status = {}
    },
    prepareForUpdate: keepStatus,
    validate: (cronJob, errors) => {
      validateSpec(cronJob.spec, false, errors)
      const name = cronJob.metadata?.name ?? ''
      if (name.length > NAME_MAX)
        errors.push(fieldError.invalid(METADATA.child('name'), name, `must be no more than ${NAME_MAX} characters`))
    },
    validateUpdate: (cronJob, old, errors) => validateSpec(cronJob.spec, old.spec.schedule.includes('TZ'), errors),
    warnings: (cronJob, old) => [
      ...nameWarnings(cronJob, old),
      ...(isNewlyWanted(cronJob, old) ? podTemplateWarnings(cronJob.spec.jobTemplate?.spec?.template, JOB_SPEC.child('template')) : []),
      ...zoneWarnings(cronJob.spec),
    ],
  },
  columns: {
    Schedule: ({ spec }) => spec.schedule,
    Timezone: ({ spec }) => spec.timeZone ?? '<none>',
    Suspend: ({ spec }) => (spec.suspend ? 'True' : 'False'),
    Active: ({ status }) => (status?.active ?? []).length,
    'Last Schedule': ({ status }, now) => (status?.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, now)),
    Containers: ({ spec }) => templateNames(spec.jobTemplate?.spec?.template),
    Images: ({ spec }) => templateImages(spec.jobTemplate?.spec?.template),
    Selector: ({ spec }) => selectorCell(spec.jobTemplate?.spec?.selector),
  },
  subresources: { status: { type: 'status', prepareForUpdate: keepSpec } },
})

function defaults({ spec }: CronJob): void {
  spec.concurrencyPolicy ||= 'Allow'
  spec.suspend ??= false
  spec.successfulJobsHistoryLimit ??= 3
  spec.failedJobsHistoryLimit ??= 1
  // The rest is filled in for the Jobs that are made.
  if (spec.jobTemplate?.spec !== undefined) defaultJobTemplate(spec.jobTemplate.spec)
}

function zoneWarnings({ schedule = '' }: CronJobSpec): readonly string[] {
  return schedule.includes('TZ') ? ['cannot use TZ or CRON_TZ in schedule, use timeZone field instead'] : []
}

function validateSpec(spec: CronJobSpec, zoneInSchedule: boolean, errors: FieldErrors): void {
  validateSchedule(spec, zoneInSchedule, errors)
  validateNonnegative(spec.startingDeadlineSeconds, SPEC.child('startingDeadlineSeconds'), errors)
  if (spec.timeZone !== undefined) validateTimeZone(spec.timeZone, errors)
  validateRequiredEnum(spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], SPEC.child('concurrencyPolicy'), errors)
  validateNonnegative(spec.successfulJobsHistoryLimit, SPEC.child('successfulJobsHistoryLimit'), errors)
  validateNonnegative(spec.failedJobsHistoryLimit, SPEC.child('failedJobsHistoryLimit'), errors)
  validateTemplate(spec.jobTemplate?.spec, errors)
}

function validateSchedule({ schedule = '', timeZone }: CronJobSpec, zoneAllowed: boolean, errors: FieldErrors): void {
  const path = SPEC.child('schedule')
  if (schedule === '') {
    errors.push(fieldError.required(path))
    return
  }
  try {
    parseCronSchedule(schedule)
  } catch (error) {
    errors.push(fieldError.invalid(path, schedule, messageOf(error)))
  }
  if (!schedule.includes('TZ')) return
  if (!zoneAllowed) errors.push(fieldError.invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
  else if (timeZone !== undefined)
    errors.push(fieldError.invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
}

function validateTimeZone(timeZone: string, errors: FieldErrors): void {
  const path = SPEC.child('timeZone')
  if (timeZone === '') {
    errors.push(fieldError.invalid(path, timeZone, 'timeZone must be nil or non-empty string'))
    return
  }
  if (timeZone.toLowerCase() === 'local')
    errors.push(fieldError.invalid(path, timeZone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'))
  if (timeZone !== 'Local' && !isTimeZoneName(timeZone)) errors.push(fieldError.invalid(path, timeZone, `unknown time zone ${timeZone}`))
}

function validateTemplate(spec: JobSpec | undefined, errors: FieldErrors): void {
  const { selector, manualSelector } = spec ?? {}
  if (selector !== undefined)
    errors.push(fieldError.invalid(JOB_SPEC.child('selector'), shownSelector(selector), '`selector` will be auto-generated'))
  if (manualSelector === true) errors.push(fieldError.notSupported(JOB_SPEC.child('manualSelector'), manualSelector, ['nil', 'false']))
  if (spec !== undefined) validateJobTemplate(spec, JOB_SPEC, errors)
}
