import { defineResource } from '../../define.ts'
import type { FieldErrors } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { validateTemplateMetadata } from '../../pods/validate/volumes/claim-template.ts'
import * as refs from '../../refs.gen.ts'
import type { ResourceClaim, ResourceClaimTemplate } from '../../types/resource-v1.gen.ts'
import { validateImmutable } from '../../validation/values.ts'
import { SPEC, keepSpecAndMetadata, keepStatus } from '../../workloads/workload.ts'
import { defaultDeviceClaim, validateDeviceClaim } from './claim-devices.ts'
import { dropDeallocatedDevices, validateClaimStatus } from './claim-status.ts'

const TEMPLATE = Path.of('spec', 'metadata')

export const resourceClaims = defineResource(refs.resourceclaims, {
  strategy: {
    defaults: (claim) => {
      claim.spec ??= {}
      defaultDeviceClaim(claim.spec.devices)
    },
    prepareForCreate: (claim) => {
      claim.status = {}
    },
    prepareForUpdate: keepStatus,
    validate: ({ spec }, errors) => validateDeviceClaim(spec.devices ?? {}, SPEC.child('devices'), errors),
    validateUpdate: (claim, old, errors) => validateImmutable(claim.spec, old.spec, SPEC, errors),
  },
  columns: { State: stateText },
  subresources: {
    status: {
      type: 'status',
      keepsMetadata: true,
      prepareForUpdate: (claim, old) => {
        keepSpecAndMetadata(claim, old)
        dropDeallocatedDevices(claim, old)
      },
      validateUpdate: validateClaimStatus,
    },
  },
})

function stateText({ metadata, status }: ResourceClaim): string {
  const isDeleted = metadata?.deletionTimestamp !== undefined
  const isReserved = (status?.reservedFor ?? []).length > 0
  const state = status?.allocation === undefined ? (isDeleted ? [] : ['pending']) : isReserved ? ['allocated', 'reserved'] : ['allocated']
  return [...(isDeleted ? ['deleted'] : []), ...state].join(',')
}

export const resourceClaimTemplates = defineResource(refs.resourceclaimtemplates, {
  strategy: {
    defaults: (template) => {
      template.spec ??= { spec: {} }
      template.spec.spec ??= {}
      defaultDeviceClaim(template.spec.spec.devices)
    },
    validate: validateTemplate,
    validateUpdate: (template, old, errors) => {
      validateTemplate(template, errors)
      validateImmutable(template.spec, old.spec, SPEC, errors)
    },
  },
})

function validateTemplate({ spec }: ResourceClaimTemplate, errors: FieldErrors): void {
  validateTemplateMetadata(spec.metadata, TEMPLATE, errors)
  validateDeviceClaim(spec.spec.devices ?? {}, SPEC.child('spec').child('devices'), errors)
}
