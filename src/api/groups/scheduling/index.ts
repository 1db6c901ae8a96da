import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { Resource } from '../../resource.ts'
import type { PriorityClass } from '../../types/scheduling-v1.gen.ts'
import { validateImmutable, validateRequiredEnum } from '../../validation/values.ts'

/** Above stands what the cluster itself needs. */
const USER_MAX = 1_000_000_000
const SYSTEM_PREFIX = 'system-'
const SYSTEM_VALUES: ReadonlyMap<string, number> = new Map([
  ['system-node-critical', 2_000_001_000],
  ['system-cluster-critical', 2_000_000_000],
])
const PREEMPTION_POLICY = Path.of('preemptionPolicy')

export const priorityClasses = defineResource(refs.priorityclasses, {
  strategy: {
    // It has one, which never rises.
    generation: () => false,
    defaults: (priorityClass) => {
      priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
    },
    validate,
    validateUpdate: (priorityClass, old, errors) => {
      if ((priorityClass.value ?? 0) !== (old.value ?? 0))
        errors.push(fieldError.forbidden(Path.of('value'), 'may not be changed in an update.'))
      validateImmutable(priorityClass.preemptionPolicy ?? null, old.preemptionPolicy ?? null, PREEMPTION_POLICY, errors)
    },
  },
  columns: {
    Value: ({ value }) => value ?? 0,
    'Global-Default': ({ globalDefault }) => globalDefault ?? false,
    PreemptionPolicy: ({ preemptionPolicy }) => preemptionPolicy ?? '',
  },
})

function validate(priorityClass: PriorityClass, errors: FieldErrors): void {
  const { value = 0, preemptionPolicy } = priorityClass
  const name = priorityClass.metadata?.name ?? ''
  if (name.startsWith(SYSTEM_PREFIX)) validateSystemClass(name, priorityClass, errors)
  else if (value > USER_MAX)
    errors.push(fieldError.forbidden(Path.of('value'), `maximum allowed value of a user defined priority is ${USER_MAX}`))
  if (preemptionPolicy !== undefined) validateRequiredEnum(preemptionPolicy, ['PreemptLowerPriority', 'Never'], PREEMPTION_POLICY, errors)
}

function validateSystemClass(name: string, { value = 0, globalDefault = false }: PriorityClass, errors: FieldErrors): void {
  const expected = SYSTEM_VALUES.get(name)
  let problem: string | undefined
  if (expected === undefined) problem = `${name} is not a known system priority class`
  else if (value !== expected) problem = `value of ${name} PriorityClass must be ${expected}`
  else if (globalDefault) problem = `globalDefault of ${name} PriorityClass must be false`
  if (problem === undefined) return
  const detail = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${problem}`
  errors.push(fieldError.forbidden(Path.of('metadata', 'name'), detail))
}

export const schedulingResources: readonly Resource[] = [priorityClasses]
