import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { core } from '#api'
import { planSignatures } from './plan-signatures.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const encode = (text: string): string => Buffer.from(text).toString('base64')
const token = (id: string, more: Record<string, string> = {}): core.Secret => {
  const data = { 'token-id': id, 'token-secret': 'secret', 'usage-bootstrap-signing': 'true', ...more }
  return {
    type: 'bootstrap.kubernetes.io/token',
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    data: Object.fromEntries(Object.entries(data).map(([name, text]) => [name, encode(text)])),
  }
}

it('the description of the cluster is signed with the tokens that may, and no others', () => {
  const tokens = [
    token('abcdef'),
    token('ghijkl', { 'usage-bootstrap-signing': 'false' }),
    token('mnopqr', { expiration: '2025-01-01T00:00:00Z' }),
    token('TOOBIG'),
  ]
  const data = planSignatures({ data: { kubeconfig: 'k', 'jws-kubeconfig-gone00': 'old' } }, tokens, NOW)
  // HMAC-SHA256 over base64url({"alg":"HS256","kid":"abcdef"}) "." base64url("k").
  assert.deepEqual(Object.keys(data ?? {}), ['kubeconfig', 'jws-kubeconfig-abcdef'])
  const [header, content, signature] = (data?.['jws-kubeconfig-abcdef'] ?? '').split('.')
  assert.equal(Buffer.from(header ?? '', 'base64url').toString(), '{"alg":"HS256","kid":"abcdef"}')
  assert.equal(content, '')
  assert.equal(signature?.length, 43)
  assert.equal(planSignatures({ data: data ?? {} }, tokens, NOW), undefined)
  assert.equal(planSignatures({ data: {} }, tokens, NOW), undefined)
})
