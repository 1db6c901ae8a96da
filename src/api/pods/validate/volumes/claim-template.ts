import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { validateClaimSpec } from '../../../validation/claim-spec.ts'
import { validateLabels } from '../../../validation/label-selector.ts'
import { validateAnnotations } from '../../../validation/object-meta.ts'

/** Fields of a template's metadata that would mean nothing, by their names in Kubernetes' messages, in their order. */
const FORBIDDEN_METADATA = {
  name: 'name',
  generateName: 'generateName',
  namespace: 'namespace',
  selfLink: 'selfLink',
  uid: 'uID',
  resourceVersion: 'resourceVersion',
  generation: 'generation',
  creationTimestamp: 'creationTimestamp',
  deletionTimestamp: 'deletionTimestamp',
  deletionGracePeriodSeconds: 'deletionGracePeriodSeconds',
  ownerReferences: 'ownerReferences',
  finalizers: 'finalizers',
  managedFields: 'managedFields',
} as const

/** The claim that is made for an ephemeral volume. */
export function validateEphemeralVolume(
  { volumeClaimTemplate: template }: core.EphemeralVolumeSource,
  path: Path,
  errors: FieldErrors,
): void {
  const at = path.child('volumeClaimTemplate')
  if (template === undefined) {
    errors.push(fieldError.required(at))
    return
  }
  validateTemplateMetadata(template.metadata, at.child('metadata'), errors)
  validateClaimSpec(template.spec, at.child('spec'), errors)
}

/** Only labels and annotations go over to what is made from a template. */
export function validateTemplateMetadata(metadata: core.PersistentVolumeClaimTemplate['metadata'], path: Path, errors: FieldErrors): void {
  if (metadata === undefined) return
  validateAnnotations(metadata.annotations, path.child('annotations'), errors)
  validateLabels(metadata.labels, path.child('labels'), errors)
  const given: Readonly<Record<string, unknown>> = { ...metadata }
  for (const [field, shown] of Object.entries(FORBIDDEN_METADATA)) {
    const value = given[field]
    if (value !== undefined && value !== null && value !== '' && value !== 0)
      errors.push(fieldError.forbidden(path.child(shown), 'cannot be set'))
  }
}
