import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { Resource } from '../../resource.ts'
import type { Lease } from '../../types/coordination-v1.gen.ts'
import { qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText, validateNonnegative, validatePositive } from '../../validation/values.ts'

const SPEC = Path.of('spec')

export const leases = defineResource(refs.leases, {
  strategy: {
    createOnUpdate: true,
    unconditionalUpdate: false,
    anyFinalizer: true,
    // Coordinated leader election is off.
    prepareForCreate: ({ spec }) => {
      delete spec?.strategy
      delete spec?.preferredHolder
    },
    prepareForUpdate: ({ spec }, old) => {
      if (old.spec?.strategy === undefined) delete spec?.strategy
      if (old.spec?.preferredHolder === undefined) delete spec?.preferredHolder
    },
    validate,
    validateUpdate: (lease, _old, errors) => validate(lease, errors),
  },
  columns: { Holder: (lease) => lease.spec?.holderIdentity ?? '' },
})

function validate({ spec }: Lease, errors: FieldErrors): void {
  if (spec === undefined) return
  validatePositive(spec.leaseDurationSeconds, SPEC.child('leaseDurationSeconds'), errors)
  validateNonnegative(spec.leaseTransitions, SPEC.child('leaseTransitions'), errors)
  const { strategy, preferredHolder } = spec
  if (strategy !== undefined) invalidText(strategy, strategy === '' ? [] : qualifiedNameErrors(strategy), SPEC.child('strategy'), errors)
  if ((preferredHolder ?? '') !== '' && (strategy ?? '') === '')
    errors.push(fieldError.forbidden(SPEC.child('preferredHolder'), 'may only be specified if `strategy` is defined'))
}

export const coordinationResources = [leases] as unknown as readonly Resource[]
