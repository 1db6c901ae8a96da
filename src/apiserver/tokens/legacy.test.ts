import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { Secret, rootScope } from '#base'
import { type core, refs } from '#api'
import { InvalidToken } from '../auth/authenticate/bearer.ts'
import { fakeObjects } from '../auth/reader.fake.ts'
import { tokenKey } from './keys.ts'
import { legacyTokenAuthenticator, legacyTokenSigner } from './legacy.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
const scope = rootScope()

async function cluster() {
  const objects = fakeObjects()
  objects.put(refs.serviceaccounts, { metadata: { name: 'sa', namespace: 'a', uid: 'sa-1' } })
  const token = await legacyTokenSigner(key)({ namespace: 'a', secret: 's', account: { name: 'sa', uid: 'sa-1' } })
  const put = (metadata: object = {}, text = token): void =>
    objects.put(refs.secrets, {
      metadata: { name: 's', namespace: 'a', ...metadata },
      data: { token: Buffer.from(text).toString('base64') },
    })
  put()
  const used: core.Secret[] = []
  const authenticator = legacyTokenAuthenticator({
    keys: [tokenKey(key)],
    audiences: ['api'],
    reader: objects,
    noteUse: (_, secret) => used.push(secret),
  })
  const accept = (text = token, audiences?: readonly string[]) => authenticator.authenticateToken(scope, text, audiences)
  return { objects, token, put, used, accept }
}
const refused = (message: RegExp) => (error: unknown) => error instanceof InvalidToken && message.test(error.message)

describe('tokens that a Secret keeps', () => {
  it('stand for their account, and their use is noted', async () => {
    const { accept, used } = await cluster()
    const found = await accept()
    assert.deepEqual(found?.user, {
      name: 'system:serviceaccount:a:sa',
      uid: 'sa-1',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
      extra: {},
    })
    assert.deepEqual(found?.audiences, ['api'])
    assert.equal(used.length, 1)
    assert.throws(() => accept(undefined, ['elsewhere']), refused(/meant for/))
  })

  it('end with their Secret, its content and their account', async () => {
    const { accept, put, objects, token } = await cluster()
    put({ deletionTimestamp: '2026-01-01T00:00:00Z' })
    assert.throws(() => accept(), refused(/invalidated/))
    put({}, `${token.slice(0, -1)}x`)
    assert.throws(() => accept(), refused(/does not match/))
    put({ labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } })
    assert.throws(() => accept(), refused(/marked invalid/))
    put()
    objects.put(refs.serviceaccounts, { metadata: { name: 'sa', namespace: 'a', uid: 'sa-2' } })
    assert.throws(() => accept(), refused(/has been deleted/))
  })

  it('are only taken with a signature of ours', async () => {
    const { accept, token } = await cluster()
    const [head, body] = token.split('.')
    assert.throws(() => accept(`${head}.${body}.AAAA`), refused(/invalid signature/))
    assert.equal(accept('no.token'), undefined)
  })
})
