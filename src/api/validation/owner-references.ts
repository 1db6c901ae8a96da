import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { OwnerReference } from '../meta/object.ts'
import type { Path } from '../meta/path.ts'

/** The errors stand at the list, not at its items. */
export function validateOwnerReferences(references: readonly OwnerReference[] | undefined, path: Path, errors: FieldErrors): void {
  let controller: string | undefined
  for (const reference of references ?? []) {
    validateOwnerReference(reference, path, errors)
    if (!reference.controller) continue
    const name = `${reference.kind}/${reference.name}`
    if (controller === undefined) controller = name
    else {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`
      errors.push(fieldError.invalid(path, references?.map(inWireOrder), detail))
    }
  }
}

function validateOwnerReference(reference: OwnerReference, path: Path, errors: FieldErrors): void {
  const { apiVersion = '', kind = '', name = '', uid = '' } = reference
  const parts = apiVersion.split('/')
  // What has more than one slash is no version at all.
  const [group = '', version = ''] = parts.length === 1 ? ['', apiVersion] : parts.length === 2 ? parts : []
  if (version === '') errors.push(fieldError.invalid(path.child('apiVersion'), apiVersion, 'version must not be empty'))
  for (const [field, value] of Object.entries({ kind, name, uid })) {
    if (value === '') errors.push(fieldError.invalid(path.child(field), value, 'must not be empty'))
  }
  if (group === '' && version === 'v1' && kind === 'Event') {
    errors.push(fieldError.invalid(path, inWireOrder(reference), '/v1, Kind=Event is disallowed from being an owner'))
  }
}

function inWireOrder({ apiVersion = '', kind = '', name = '', uid = '', controller, blockOwnerDeletion }: OwnerReference): OwnerReference {
  return {
    apiVersion,
    kind,
    name,
    uid,
    ...(controller === undefined ? {} : { controller }),
    ...(blockOwnerDeletion === undefined ? {} : { blockOwnerDeletion }),
  }
}
