import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import * as refs from '../../refs.gen.ts'
import type { ServiceCIDR } from '../../types/networking-v1.gen.ts'
import { parseCidr, strictCidrErrors } from '../../validation/ip.ts'
import { IMMUTABLE, invalidText, validateImmutable } from '../../validation/values.ts'
import { SPEC, keepSpecAndMetadata, keepStatus } from '../../workloads/workload.ts'

const CIDRS = SPEC.child('cidrs')

export const serviceCidrs = defineResource(refs.servicecidrs, {
  strategy: {
    prepareForCreate: (serviceCidr) => {
      serviceCidr.status = {}
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (serviceCidr, old, errors) => {
      // A range of the second family may be added; what is there stays.
      const cidrs = serviceCidr.spec?.cidrs ?? []
      const before = old.spec?.cidrs ?? []
      const isGrown = cidrs.length === 2 && before.length === 1
      if (cidrs.length !== before.length && !isGrown) {
        errors.push(fieldError.invalid(CIDRS, serviceCidr.spec?.cidrs ?? null, IMMUTABLE))
        return
      }
      before.forEach((cidr, at) => validateImmutable(cidrs[at], cidr, CIDRS.index(at), errors))
      if (isGrown) validate(serviceCidr, errors)
    },
  },
  columns: { CIDRs: ({ spec }) => (spec?.cidrs ?? []).join(',') },
  subresources: { status: { type: 'status', keepsMetadata: true, prepareForUpdate: keepSpecAndMetadata } },
})

function validate({ spec }: ServiceCIDR, errors: FieldErrors): void {
  const cidrs = spec?.cidrs ?? []
  if (cidrs.length === 0) {
    errors.push(fieldError.required(CIDRS, 'at least one CIDR required'))
    return
  }
  if (cidrs.length > 2) {
    // Shown under the field names of the server that these words come from.
    errors.push(fieldError.invalid(CIDRS, { CIDRs: cidrs }, 'may only hold up to 2 values'))
    return
  }
  cidrs.forEach((cidr, at) => invalidText(cidr, strictCidrErrors(cidr), CIDRS.index(at), errors))
  const families = cidrs.map((cidr) => parseCidr(cidr)?.network.family)
  if (families.length === 2 && families[0] === families[1] && families[0] !== undefined)
    errors.push(
      fieldError.invalid(CIDRS, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'),
    )
}
