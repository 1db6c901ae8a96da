import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { podTemplateWarnings } from '../../pods/index.ts'
import * as refs from '../../refs.gen.ts'
import { ageOf, humanDuration } from '../../schema/age.ts'
import type { Job } from '../../types/batch-v1.gen.ts'
import { dnsLabelErrors } from '../../validation/names.ts'
import {
  METADATA,
  SPEC,
  TEMPLATE_PATH,
  containerImages,
  containerNames,
  keepSpec,
  keepStatus,
  nameWarnings,
  selectorText,
  isNewlyWanted,
} from '../../workloads/workload.ts'
import { defaultJobLabels, generateSelector, validateGeneratedSelector } from './job-selector.ts'
import { defaultJobSpec, jobWarnings, validateJobSpec } from './job-spec.ts'
import { hasCondition, validateJobStatus } from './job-status.ts'
import { validateJobChange } from './job-update.ts'

export const jobs = defineResource(refs.jobs, {
  strategy: {
    generation: 'spec',
    defaults: (job) => {
      if (job.spec === undefined) return
      defaultJobSpec(job.spec)
      defaultJobLabels(job)
    },
    prepareForCreate: (job) => {
      generateSelector(job)
      job.status = {}
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (job, old, errors) => {
      validate(job, errors)
      if (job.spec === undefined) return
      validateJobSpec(job.spec, SPEC, errors)
      validateJobChange(job.spec, old, errors)
    },
    warnings: (job, old) => [
      ...nameWarnings(job, old),
      ...(isNewlyWanted(job, old) ? [...jobWarnings(job.spec), ...podTemplateWarnings(job.spec?.template, TEMPLATE_PATH)] : []),
    ],
    deletePropagation: 'orphan',
    deleteWarning:
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  },
  columns: {
    Status: statusText,
    Completions: completionsText,
    Duration: durationText,
    Containers: containerNames,
    Images: containerImages,
    Selector: selectorText,
  },
  selectable: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  subresources: { status: { type: 'status', prepareForUpdate: keepSpec, validateUpdate: validateJobStatus } },
})

function validate(job: Job, errors: FieldErrors): void {
  validateGeneratedSelector(job, errors)
  const { spec } = job
  if (spec === undefined) return
  validateJobSpec(spec, SPEC, errors)
  if (spec.completionMode !== 'Indexed' || spec.completions === undefined || spec.completions <= 0) return
  const name = job.metadata?.name ?? ''
  const lastHost = `${name}-${spec.completions - 1}`
  if (dnsLabelErrors(lastHost).length > 0)
    errors.push(fieldError.invalid(METADATA.child('name'), name, `will not able to create pod with invalid DNS label: ${lastHost}`))
}

function statusText(job: Job): string {
  if (hasCondition(job, 'Complete')) return 'Complete'
  if (hasCondition(job, 'Failed')) return 'Failed'
  if (job.metadata?.deletionTimestamp !== undefined) return 'Terminating'
  return (['Suspended', 'FailureTarget', 'SuccessCriteriaMet'] as const).find((type) => hasCondition(job, type)) ?? 'Running'
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`
  const parallelism = spec?.parallelism ?? 0
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function durationText({ status }: Job, now: number): string {
  if (status?.startTime === undefined) return ''
  if (status.completionTime === undefined) return ageOf(status.startTime, now)
  return humanDuration(Date.parse(status.completionTime) - Date.parse(status.startTime))
}
