import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { validateLabels } from '../../validation/label-selector.ts'
import { validateAnnotations } from '../../validation/object-meta.ts'
import { validatePodAnnotations } from './annotations.ts'
import type { PodValidationOptions } from './options.ts'
import { validatePodSpec } from './pod-spec.ts'
import { validateProfileAnnotations } from './profile-annotations.ts'

/** What the pods of a workload are made from. `path` is that of the template. */
export function validatePodTemplateSpec(
  template: core.PodTemplateSpec | undefined,
  path: Path,
  errors: FieldErrors,
  options: PodValidationOptions = {},
): void {
  const { metadata, spec } = template ?? {}
  validateLabels(metadata?.labels, path.child('labels'), errors)
  validateAnnotations(metadata?.annotations, path.child('annotations'), errors)
  validatePodAnnotations(metadata?.annotations, spec, path.child('annotations'), errors)
  if (spec === undefined) {
    errors.push(fieldError.required(path.child('spec').child('containers')))
    return
  }
  validatePodSpec(spec, undefined, path.child('spec'), errors, options)
  validateProfileAnnotations(metadata?.annotations, spec, path.child('spec'), errors)
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.push(fieldError.forbidden(path.child('spec').child('ephemeralContainers'), 'ephemeral containers not allowed in pod template'))
  }
}
