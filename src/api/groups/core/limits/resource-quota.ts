import { defineResource } from '../../../define.ts'
import type { FieldErrors } from '../../../meta/field-error.ts'
import { Path } from '../../../meta/path.ts'
import { canonicalQuantity } from '../../../meta/quantity.ts'
import * as refs from '../../../refs.gen.ts'
import type { ResourceQuota } from '../../../types/core-v1.gen.ts'
import { validateQuotaResourceName, validateResourceQuantity } from '../../../validation/resources.ts'
import { validateImmutable } from '../../../validation/values.ts'
import { keepSpec, keepStatus } from '../../../workloads/workload.ts'
import { validateScopeSelector, validateScopes } from './quota-scopes.ts'

const SPEC = Path.of('spec')
const STATUS = Path.of('status')

export const resourceQuotas = defineResource(refs.resourcequotas, {
  strategy: {
    prepareForCreate: (quota) => {
      quota.status = {}
    },
    prepareForUpdate: keepStatus,
    validate: validateSpec,
    validateUpdate: (quota, old, errors) => {
      validateSpec(quota, errors)
      validateImmutable(sorted(quota.spec?.scopes), sorted(old.spec?.scopes), SPEC.child('scopes'), errors)
    },
  },
  columns: {
    Request: (quota) => usage(quota, (name) => !name.startsWith('limits.')),
    Limit: (quota) => usage(quota, (name) => name.startsWith('limits.')),
  },
  subresources: {
    status: {
      type: 'status',
      prepareForUpdate: keepSpec,
      validateUpdate: (quota, _old, errors) => {
        validateAmounts(quota.status?.hard, STATUS.child('hard'), errors)
        validateAmounts(quota.status?.used, STATUS.child('used'), errors)
      },
    },
  },
})

const sorted = (scopes: readonly string[] | undefined): readonly string[] | undefined =>
  scopes === undefined ? undefined : [...new Set(scopes)].sort()

function validateSpec({ spec }: ResourceQuota, errors: FieldErrors): void {
  if (spec === undefined) return
  validateAmounts(spec.hard, SPEC.child('hard'), errors)
  validateScopes(spec, SPEC.child('scopes'), errors)
  validateScopeSelector(spec, SPEC.child('scopeSelector'), errors)
}

function validateAmounts(amounts: Readonly<Record<string, string>> | undefined, path: Path, errors: FieldErrors): void {
  for (const [name, amount] of Object.entries(amounts ?? {})) {
    validateQuotaResourceName(name, path.key(name), errors)
    validateResourceQuantity(name, amount, path.key(name), errors)
  }
}

function usage({ status }: ResourceQuota, wanted: (name: string) => boolean): string {
  const { hard = {}, used = {} } = status ?? {}
  return Object.keys(hard)
    .filter(wanted)
    .sort()
    .map((name) => `${name}: ${canonicalQuantity(used[name] ?? '0')}/${canonicalQuantity(hard[name] ?? '0')}`)
    .join(', ')
}
