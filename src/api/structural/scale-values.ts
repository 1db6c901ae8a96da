import { isJsonObject } from '../meta/deep.ts'
import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import { goTypeName, goValue } from '../meta/go-format.ts'
import type { KubeObject } from '../meta/object.ts'
import { Path } from '../meta/path.ts'
import type { CustomResourceSubresourceScale } from '../types/apiextensions-v1.gen.ts'

type Scale = Pick<CustomResourceSubresourceScale, 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath'>

const MAX_INT32 = 2_147_483_647

/** The values at the paths of the scale subresource, whatever the schema says of them. */
export function validateScaleSpec(object: KubeObject, { specReplicasPath }: Scale, errors: FieldErrors): void {
  validateReplicas(object, specReplicasPath, errors)
}

export function validateScaleStatus(object: KubeObject, { statusReplicasPath, labelSelectorPath }: Scale, errors: FieldErrors): void {
  validateReplicas(object, statusReplicasPath, errors)
  if (labelSelectorPath === undefined || labelSelectorPath === null) return
  const selector = nested(object, labelSelectorPath, 'string')
  if (selector.problem !== undefined) errors.push(fieldError.invalid(Path.of(labelSelectorPath), '', selector.problem))
}

function validateReplicas(object: KubeObject, place: string, errors: FieldErrors): void {
  const { value, problem } = nested(object, place, 'int64')
  const path = Path.of(place)
  if (problem !== undefined) errors.push(fieldError.invalid(path, 0, problem))
  else if (typeof value !== 'number') return
  else if (value < 0) errors.push(fieldError.invalid(path, value, 'should be a non-negative integer'))
  else if (value > MAX_INT32) errors.push(fieldError.invalid(path, value, `should be less than or equal to ${MAX_INT32}`))
}

/** What stands at a path of names. Nothing where a name is not there or the value before it is null. */
function nested(object: KubeObject, place: string, type: 'int64' | 'string'): { readonly value?: unknown; readonly problem?: string } {
  const names = place.replace(/^\./, '').split('.')
  let value: unknown = object
  for (const [at, name] of names.entries()) {
    if (value === null) return {}
    if (!isJsonObject(value)) return { problem: notA(names.slice(0, at + 1), value, 'map[string]interface{}') }
    if (!Object.hasOwn(value, name)) return {}
    value = value[name]
  }
  return goTypeName(value) === type ? { value } : { problem: notA(names, value, type) }
}

const notA = (names: readonly string[], value: unknown, type: string): string =>
  `.${names.join('.')} accessor error: ${goValue(value)} is of the type ${goTypeName(value)}, expected ${type}`
