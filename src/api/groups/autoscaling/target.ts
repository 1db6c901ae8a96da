import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { CrossVersionObjectReference } from '../../types/autoscaling-v2.gen.ts'
import { validateSegment } from '../../validation/segment.ts'

/** What is scaled, or measured. Only what is measured may be of the core group, but for ReplicationControllers. */
export function validateTarget(target: CrossVersionObjectReference | undefined, anyGroup: boolean, path: Path, errors: FieldErrors): void {
  const { kind, name, apiVersion = '' } = target ?? {}
  validateSegment(kind, path.child('kind'), errors)
  validateSegment(name, path.child('name'), errors)
  const parts = apiVersion.split('/')
  const refuse = (why: string): unknown => errors.push(fieldError.invalid(path.child('apiVersion'), apiVersion, why))
  if (parts.length > 2) refuse(`unexpected GroupVersion string: ${apiVersion}`)
  else if (!anyGroup && (parts.length === 1 || parts[0] === '') && !(kind === 'ReplicationController' && apiVersion === 'v1'))
    refuse('apiVersion must specify API group')
}
