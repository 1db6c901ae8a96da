import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readReview } from './review-schema.ts'

const told = (document: Record<string, unknown>, version = 'v1'): string => {
  try {
    return JSON.stringify(readReview(document, version).response)
  } catch (error) {
    assert.ok(error instanceof Error)
    return error.message
  }
}
const review = (response: unknown, more: object = {}): Record<string, unknown> => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response,
  ...more,
})
const field = (what: string, name: string, type: string): string =>
  `json: cannot unmarshal ${what} into Go struct field AdmissionResponse.response.${name} of type ${type}`

test('an answer is of the types of an AdmissionReview, or names what is not', () => {
  assert.equal(told(review({ uid: 'u', allowed: true, extra: 1 })), '{"uid":"u","allowed":true}')
  assert.equal(told(review({ allowed: 1 })), field('number', 'allowed', 'bool'))
  assert.equal(told(review({ warnings: 'w' })), field('string', 'warnings', '[]string'))
  assert.equal(told(review({ warnings: [5] })), field('number', 'warnings', 'string'))
  assert.equal(told(review({ status: 's' })), field('string', 'status', 'v1.Status'))
  assert.equal(told(review({ patchType: 5 })), field('number', 'patchType', 'v1.PatchType'))
  assert.equal(
    told({ response: 5 }, 'v1beta1'),
    'json: cannot unmarshal number into Go struct field AdmissionReview.response of type v1beta1.AdmissionResponse',
  )
  assert.equal(
    told(review({}, { request: 'x' })),
    'json: cannot unmarshal string into Go struct field AdmissionReview.request of type v1.AdmissionRequest',
  )
})

test('an answer is of the kind and version that were asked for, which it need not say', () => {
  assert.equal(told({ response: { uid: 'u' } }), '{"uid":"u"}')
  const noKind = (kind: string, version: string): string =>
    `no kind "${kind}" is registered for version "${version}" in scheme "pkg/runtime/scheme.go:111"`
  assert.equal(told(review({}, { kind: 'Foo' })), noKind('Foo', 'admission.k8s.io/v1'))
  assert.equal(told(review({}, { apiVersion: 'v1' })), noKind('AdmissionReview', 'v1'))
  assert.equal(told(review({}), 'v1beta1'), 'converting (v1.AdmissionReview) to (v1beta1.AdmissionReview): unknown conversion')
  assert.equal(told(review({}, { apiVersion: 'a/b/c' })), 'unexpected GroupVersion string: a/b/c')
})
