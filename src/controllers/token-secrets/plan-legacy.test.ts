import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { core } from '#api'
import { planLegacyToken } from './plan-legacy.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const secret = (labels: Record<string, string> = {}, creationTimestamp = '2020-01-01T00:00:00Z'): core.Secret => ({
  type: 'kubernetes.io/service-account-token',
  metadata: { name: 't', labels, creationTimestamp },
})
const plan = (one: core.Secret, more: Partial<Parameters<typeof planLegacyToken>[1]> = {}): string =>
  planLegacyToken(one, { account: { secrets: [{ name: 't' }] }, isMounted: false, trackedSince: '2024-01-01', nowMs: NOW, ...more })

it('a token that Kubernetes made itself is invalid after a year without use, and goes a year later', () => {
  assert.equal(plan(secret()), 'invalidate')
  assert.equal(plan(secret({ 'kubernetes.io/legacy-token-last-used': '2025-07-01' })), 'keep')
  assert.equal(plan(secret({ 'kubernetes.io/legacy-token-last-used': '2025-01-01' })), 'invalidate')
  assert.equal(plan(secret({ 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' })), 'keep')
  assert.equal(plan(secret({ 'kubernetes.io/legacy-token-invalid-since': '2025-01-01' })), 'delete')
})

it('every other token is left alone', () => {
  assert.equal(plan(secret(), { account: {} }), 'keep')
  assert.equal(plan(secret(), { isMounted: true }), 'keep')
  assert.equal(plan(secret(), { trackedSince: '2025-06-01' }), 'keep')
  assert.equal(plan(secret(), { trackedSince: undefined }), 'keep')
  assert.equal(plan(secret({}, '2026-01-01T00:00:00Z')), 'keep')
})
