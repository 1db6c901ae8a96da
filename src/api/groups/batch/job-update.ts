import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Job, JobSpec } from '../../types/batch-v1.gen.ts'
import type { Affinity, PodTemplateSpec } from '../../types/core-v1.gen.ts'
import { IMMUTABLE, validateImmutable } from '../../validation/values.ts'
import { validateSameSelector } from '../../workloads/selector.ts'
import { SPEC, TEMPLATE_PATH } from '../../workloads/workload.ts'

const FIXED = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const

/** What of a Job may not change once it is there. */
export function validateJobChange(spec: JobSpec, old: Job, errors: FieldErrors): void {
  const before = old.spec
  if (before === undefined) return
  validateCompletions(spec, before, errors)
  validateSameSelector(spec.selector, before.selector, errors)
  validateTemplateChange(spec.template, before.template, isWaiting(old), errors)
  for (const name of FIXED) validateImmutable(spec[name] ?? null, before[name] ?? null, SPEC.child(name), errors)
}

/** The size of an Indexed Job may change, together with how many of its pods run at a time. */
function validateCompletions(spec: JobSpec, old: JobSpec, errors: FieldErrors): void {
  const path = SPEC.child('completions')
  const { completions } = spec
  if (spec.completionMode !== 'Indexed') validateImmutable(completions ?? null, old.completions ?? null, path, errors)
  else if (completions !== undefined && completions !== old.completions && completions !== spec.parallelism)
    errors.push(fieldError.invalid(path, completions, 'can only be modified in tandem with spec.parallelism'))
}

/** Whether no pod of the Job runs, because it is suspended. */
function isWaiting({ spec, status }: Job): boolean {
  if (spec?.suspend !== true) return false
  const suspended = status?.conditions?.some((condition) => condition.type === 'Suspended' && condition.status === 'True') === true
  return status?.startTime === undefined || (suspended && (status.active ?? 0) === 0)
}

/** Before its first pod a queueing system may still say where a Job's pods run and what they ask for. */
function validateTemplateChange(
  template: PodTemplateSpec | undefined,
  old: PodTemplateSpec | undefined,
  isMutable: boolean,
  errors: FieldErrors,
): void {
  if (!isMutable) {
    if (!deepEqual(template, old)) errors.push(fieldError.invalid(TEMPLATE_PATH, template, IMMUTABLE))
    return
  }
  if (!deepEqual(fixedSpec(template), fixedSpec(old)))
    errors.push(fieldError.invalid(TEMPLATE_PATH.child('spec'), template?.spec, IMMUTABLE))
}

function fixedSpec(template: PodTemplateSpec | undefined): unknown {
  const {
    nodeSelector: _nodes,
    tolerations: _taints,
    schedulingGates: _gates,
    affinity,
    containers,
    initContainers,
    ...rest
  } = template?.spec ?? {}
  return {
    ...rest,
    affinity: fixedAffinity(affinity),
    containers: containers?.map(withoutResources),
    initContainers: initContainers?.map(withoutResources),
  }
}

function fixedAffinity(affinity: Affinity | undefined): Partial<Affinity> {
  const { nodeAffinity: _nodes, ...rest } = affinity ?? {}
  return rest
}

function withoutResources<T extends { resources?: unknown }>(container: T): Omit<T, 'resources'> {
  const { resources: _resources, ...rest } = container
  return rest
}
