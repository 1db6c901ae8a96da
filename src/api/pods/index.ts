import type { FieldErrors } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import type { PodTemplateSpec } from '../types/core-v1.gen.ts'
import { validateAnnotations } from '../validation/object-meta.ts'
import { validateLabels } from '../validation/label-selector.ts'

export { defaultPodSpec, defaultPodTemplate } from './defaults.ts'

/** What pods are made from: labels, annotations and a spec. */
export function validatePodTemplateSpec(template: PodTemplateSpec | undefined, path: Path, errors: FieldErrors): void {
  validateLabels(template?.metadata?.labels, path.child('labels'), errors)
  validateAnnotations(template?.metadata?.annotations, path.child('annotations'), errors)
}

/** `old` is there on updates. */
export function podTemplateWarnings(_template: PodTemplateSpec | undefined, _old: PodTemplateSpec | undefined, _path: Path): readonly string[] {
  return []
}
