import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import type { KubeObject } from '#api'
import type { ObjectReader } from '../../contract.ts'
import { InvalidToken } from './bearer.ts'
import { bootstrapTokenAuthenticator } from './bootstrap-tokens.ts'

const scope = rootScope()
const base = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' }

function ask(token: string, data: Readonly<Record<string, string>>, type = 'bootstrap.kubernetes.io/token'): unknown {
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  const secret = { metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }, type, data: encoded } as KubeObject
  const reader = {
    get: (_ref: unknown, namespace: string, name: string) =>
      `${namespace}/${name}` === 'kube-system/bootstrap-token-abcdef' ? secret : undefined,
  }
  return bootstrapTokenAuthenticator(reader as unknown as ObjectReader).authenticateToken(scope, token)
}

test('a token of a Secret is the user of that name, in the groups that it names', () => {
  assert.deepEqual(ask('abcdef.0123456789abcdef', { ...base, 'auth-extra-groups': 'system:bootstrappers:b,system:bootstrappers:a' }), {
    user: {
      name: 'system:bootstrap:abcdef',
      groups: ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:b', 'system:authenticated'],
      extra: {},
    },
  })
})

test('what is no such token is left to others', () => {
  for (const token of ['abc', 'abcdeg.0123456789abcdef', 'ABCDEF.0123456789abcdef']) assert.equal(ask(token, base), undefined)
})

test('a token that is wrong, over or for something else is refused', () => {
  const token = 'abcdef.0123456789abcdef'
  assert.throws(() => ask('abcdef.0123456789abcdeX'.toLowerCase().replace('x', 'z'), base), InvalidToken)
  assert.throws(() => ask(token, { ...base, expiration: '2001-01-01T00:00:00Z' }), /expired/)
  assert.throws(() => ask(token, { ...base, expiration: 'soon' }), /expired/)
  assert.throws(() => ask(token, { ...base, 'usage-bootstrap-authentication': 'false' }), /not for authentication/)
  assert.throws(() => ask(token, { ...base, 'auth-extra-groups': 'system:masters' }), /cannot be in the group/)
  assert.throws(() => ask(token, base, 'Opaque'), InvalidToken)
})
