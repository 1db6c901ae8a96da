import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldErrors } from '../meta/field-error.ts'
import type { KubeObject } from '../meta/object.ts'
import { validateScaleSpec, validateScaleStatus } from './scale-values.ts'

const PATHS = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' }

function told(object: object): readonly string[] {
  const errors: FieldErrors = []
  validateScaleSpec(object as KubeObject, PATHS, errors)
  validateScaleStatus(object as KubeObject, PATHS, errors)
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

test('what the scale subresource reads has to be a size and a text', () => {
  assert.deepEqual(told({ spec: { replicas: 3 }, status: { selector: 'a=b' } }), [])
  assert.deepEqual(told({ spec: null }), [])
  assert.deepEqual(told({ spec: 'x', status: { replicas: 1.5, selector: 5 } }), [
    '.spec.replicas: Invalid value: 0: .spec.replicas accessor error: x is of the type string, expected map[string]interface{}',
    '.status.replicas: Invalid value: 0: .status.replicas accessor error: 1.5 is of the type float64, expected int64',
    '.status.selector: Invalid value: "": .status.selector accessor error: 5 is of the type int64, expected string',
  ])
  assert.deepEqual(told({ spec: { replicas: -1 }, status: { replicas: 2147483648 } }), [
    '.spec.replicas: Invalid value: -1: should be a non-negative integer',
    '.status.replicas: Invalid value: 2147483648: should be less than or equal to 2147483647',
  ])
})
