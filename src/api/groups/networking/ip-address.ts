import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { ageOf } from '../../schema/age.ts'
import * as refs from '../../refs.gen.ts'
import type { IPAddress, ParentReference } from '../../types/networking-v1.gen.ts'
import { canonicalIpErrors } from '../../validation/ip.ts'
import { dnsSubdomainErrors, pathSegmentErrors } from '../../validation/names.ts'
import { validateSegment } from '../../validation/segment.ts'
import { invalidText, validateImmutable } from '../../validation/values.ts'
import { SPEC } from '../../workloads/workload.ts'

const PARENT = SPEC.child('parentRef')

/** An address of a Service, named after itself: two Services cannot have one. */
export const ipAddresses = defineResource(refs.ipaddresses, {
  strategy: {
    validateName: (name) => canonicalIpErrors(name),
    prefixIsName: true,
    validate,
    validateUpdate: (address, old, errors) => {
      validate(address, errors)
      validateImmutable(address.spec?.parentRef ?? null, old.spec?.parentRef ?? null, PARENT, errors)
    },
  },
  columns: { ParentRef: ({ spec }) => parentText(spec?.parentRef) },
  trailingCell: ({ metadata }, now) => ageOf(metadata?.creationTimestamp, now),
})

function parentText(parent: ParentReference | undefined): string {
  if (parent === undefined) return '<none>'
  const { group = '', resource, namespace = '', name } = parent
  return [group === '' ? resource : `${resource}.${group}`, ...(namespace === '' ? [] : [namespace]), name].join('/')
}

function validate({ spec }: IPAddress, errors: FieldErrors): void {
  const parent = spec?.parentRef
  if (parent === undefined) {
    errors.push(fieldError.required(PARENT))
    return
  }
  const { group = '', namespace = '' } = parent
  if (group !== '') invalidText(group, dnsSubdomainErrors(group), PARENT.child('group'), errors)
  validateSegment(parent.resource, PARENT.child('resource'), errors)
  validateSegment(parent.name, PARENT.child('name'), errors)
  if (namespace !== '') invalidText(namespace, pathSegmentErrors(namespace), PARENT.child('namespace'), errors)
}
