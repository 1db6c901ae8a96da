import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { type GoStruct, shownStruct } from '../../meta/go-struct.ts'
import type { ObjectMeta } from '../../meta/object.ts'
import type { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { dnsLabelErrors, dnsSubdomainErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'

const SHOWN_CLAIM: GoStruct = [
  ['Name', 'name', ''],
  ['ResourceClaimName', 'resourceClaimName'],
  ['ResourceClaimTemplateName', 'resourceClaimTemplateName'],
]

/** Devices that the pod's containers may ask for by name. */
export function validatePodResourceClaims(
  claims: readonly core.PodResourceClaim[],
  meta: ObjectMeta | undefined,
  path: Path,
  errors: FieldErrors,
): void {
  const names = new Set<string>()
  claims.forEach((claim, i) => {
    const at = path.index(i)
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim
    if (name === '') errors.push(fieldError.required(at.child('name')))
    else if (names.has(name)) errors.push(fieldError.duplicate(at.child('name'), name))
    else {
      const messages = dnsLabelErrors(name)
      invalidText(name, messages, at.child('name'), errors)
      if (messages.length === 0 && meta !== undefined && resourceClaimTemplateName !== undefined) {
        const made = `${meta.name ?? ''}-${name}`
        invalidText(
          made,
          dnsSubdomainErrors(made).map((why) => `final ResourceClaim name: ${why}`),
          at.child('name'),
          errors,
        )
      }
      names.add(name)
    }
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      errors.push(
        fieldError.invalid(
          at,
          shownStruct(SHOWN_CLAIM, claim),
          'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified',
        ),
      )
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(
        fieldError.invalid(at, shownStruct(SHOWN_CLAIM, claim), 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'),
      )
    }
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const value = claim[field]
      if (value !== undefined) invalidText(value, dnsSubdomainErrors(value), at.child(field), errors)
    }
  })
}
