import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimFromTemplate } from './plan-claims.ts'

test('the claim of a template belongs to its pod, which does not wait for it when it goes', () => {
  const pod = { metadata: { name: 'p', namespace: 'n', uid: 'u' } }
  const { metadata } = claimFromTemplate(pod, 'gpu', { spec: { metadata: { labels: { a: 'b' } }, spec: {} } })
  assert.deepEqual(metadata?.ownerReferences, [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true }])
  assert.equal(metadata?.generateName, 'p-gpu-')
  assert.deepEqual(metadata?.labels, { a: 'b' })
})
