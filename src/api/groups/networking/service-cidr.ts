import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import * as refs from '../../refs.gen.ts'
import type { ServiceCIDR } from '../../types/networking-v1.gen.ts'
import { newCidrErrors, parseCidr } from '../../validation/ip.ts'
import { invalidText, validateImmutable } from '../../validation/values.ts'
import { SPEC, keepSpec, keepStatus } from '../../workloads/workload.ts'

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
      if (cidrs.length < before.length) validateImmutable(cidrs, before, CIDRS, errors)
      else before.forEach((cidr, at) => validateImmutable(cidrs[at], cidr, CIDRS.index(at), errors))
      if (cidrs.length > before.length && before.length > 0) validate(serviceCidr, errors)
    },
  },
  columns: { CIDRs: ({ spec }) => (spec?.cidrs ?? []).join(',') },
  subresources: { status: { type: 'status', prepareForUpdate: keepSpec } },
})

function validate({ spec }: ServiceCIDR, errors: FieldErrors): void {
  const cidrs = spec?.cidrs ?? []
  if (cidrs.length === 0) {
    errors.push(fieldError.required(CIDRS, 'at least one CIDR required'))
    return
  }
  // Shown under the field names of the server that these words come from.
  const refuse = (why: string): unknown => errors.push(fieldError.invalid(CIDRS, { CIDRs: cidrs }, why))
  if (cidrs.length > 2) {
    refuse('may only hold up to 2 values')
    return
  }
  const families = cidrs.map((cidr) => parseCidr(cidr)?.ip.family)
  if (families.length === 2 && families[0] === families[1] && families[0] !== undefined)
    refuse('may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96')
  cidrs.forEach((cidr, at) => invalidText(cidr, newCidrErrors(cidr), CIDRS.index(at), errors))
}
