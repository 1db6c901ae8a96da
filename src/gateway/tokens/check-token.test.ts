import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkToken } from './check-token.ts'
import { type KeySet, readKeySet } from './key-set.ts'
import { hmacToken, keySetText, signer, unsignedToken } from './signed.fixture.ts'
import { type TokenRules, readTokenRules } from './token-rules.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const at = NOW / 1000
const good = {
  iss: 'https://issuer',
  aud: ['shop', 'other'],
  exp: at + 600,
  sub: 'ann',
  scope: 'read write',
  groups: ['staff', 'dev'],
  tier: 3,
}

const annotations = (more: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ issuer: 'https://issuer', audiences: 'shop', keys: 'configmap/keys', ...more }).map(([name, value]) => [
      `sampan.io/jwt-${name}`,
      value,
    ]),
  )
function rules(more: Record<string, string> = {}): TokenRules {
  const read = readTokenRules(annotations(more), 'x')
  return read === undefined || 'problem' in read ? assert.fail(read?.problem) : read
}
function keys(text: string): KeySet {
  const read = readKeySet(text)
  return 'problem' in read ? assert.fail(read.problem) : read
}

describe('tokens', () => {
  const [rsa, ec, ec384, ed] = [signer('RS256', 'r'), signer('ES256', 'e'), signer('ES384', 'e3'), signer('EdDSA', 'd')]
  const pss = signer('PS256', 'p', rsa)
  const all = keys(keySetText(rsa, pss, ec, ec384, ed))
  const saidOf = (token: string, of = rules(), set = all, nowMs = NOW): string => {
    const verdict = checkToken(token, of, set, nowMs)
    return verdict.kind === 'refused' ? `${verdict.status} ${verdict.why}` : verdict.kind
  }

  test('are good when one of the keys has signed them, by an algorithm that is its own', () => {
    for (const one of [rsa, pss, ec, ec384, ed]) assert.equal(saidOf(one.token(good)), 'good')
    // A key that has no name, whatever name the token has for it.
    assert.equal(saidOf(ed.token(good), rules(), keys(ed.publicKey.export({ type: 'spki', format: 'pem' }).toString())), 'good')
    // One that does not say which key.
    assert.equal(saidOf(ec.token(good, { kid: undefined })), 'good')
    assert.equal(saidOf(signer('EdDSA', 'd').token(good)), '401 its signature is not good')
    assert.equal(saidOf(signer('EdDSA', 'z').token(good)), 'unknown-key')
    const [head = '', , signature = ''] = rsa.token(good).split('.')
    const forged = Buffer.from(JSON.stringify({ ...good, sub: 'root' })).toString('base64url')
    assert.equal(saidOf(`${head}.${forged}.${signature}`), '401 its signature is not good')
    assert.equal(saidOf(rsa.token(good), rules({ algorithms: 'ES256,EdDSA' })), '401 its algorithm is not taken')
    // A key that says what it is for is for nothing else.
    const bound = keys(JSON.stringify({ keys: [{ ...rsa.jwk, alg: 'RS512' }] }))
    assert.equal(saidOf(rsa.token(good), rules(), bound), '401 its algorithm is not that of its key')
  })

  test('cannot say themselves how they are to be looked at', () => {
    assert.equal(saidOf(unsignedToken(good)), '401 it is no signed token')
    assert.equal(saidOf(`${unsignedToken(good, { kid: 'r' })}AAAA`), '401 its algorithm is not taken')
    assert.equal(saidOf(hmacToken(rsa.publicKey, good, { kid: 'r' })), '401 its algorithm is not taken')
    assert.equal(saidOf(rsa.token(good, { alg: 'ES256' })), '401 its algorithm is not that of its key')
    assert.equal(saidOf(rsa.token(good, { crit: ['b64'], b64: false })), '401 it wants what is not known')
    assert.equal(saidOf(rsa.token(good, { jwk: ed.jwk })), 'good')
    for (const text of ['', 'a.b', 'a.b.c', 'a.b.c.d', `${rsa.token(good)}=`, 'x'.repeat(9000)]) assert.match(saidOf(text), /^401 it is no/)
  })

  test('are of their issuer, for this audience, and for their time', () => {
    assert.equal(saidOf(ed.token({ ...good, iss: 'https://issuer/' })), '401 it is of another issuer')
    assert.equal(saidOf(ed.token({ ...good, aud: 'shop' })), 'good')
    for (const aud of [undefined, 'shop2', ['x'], { shop: 1 }])
      assert.equal(saidOf(ed.token({ ...good, aud })), '401 it is for somebody else')
    assert.equal(saidOf(ed.token({ ...good, aud: undefined }), rules({ audiences: '*' })), 'good')
    for (const exp of [undefined, 'tomorrow', null, '9999999999'])
      assert.equal(saidOf(ed.token({ ...good, exp })), '401 it does not say when it ends')
    // Clocks differ by half a minute.
    assert.equal(saidOf(ed.token({ ...good, exp: at - 29 })), 'good')
    assert.equal(saidOf(ed.token({ ...good, exp: at - 30 })), '401 it has expired')
    assert.equal(saidOf(ed.token({ ...good, exp: at - 1 }), rules({ 'leeway-seconds': '0' })), '401 it has expired')
    assert.equal(saidOf(ed.token({ ...good, nbf: at + 30 })), 'good')
    assert.equal(saidOf(ed.token({ ...good, nbf: at + 31 })), '401 it is not good yet')
    const verdict = checkToken(ed.token({ ...good, exp: at + 99_999 }), rules(), all, NOW)
    assert.equal(verdict.kind === 'good' && verdict.untilSeconds, at + 3600)
  })

  test('say what is required, and what is told of them', () => {
    const told = (claims: object, of: TokenRules): unknown => {
      const verdict = checkToken(ed.token(claims), of, all, NOW)
      return verdict.kind === 'good' ? Object.fromEntries(verdict.headers.map(({ header, value }) => [header, value])) : verdict
    }
    assert.equal(saidOf(ed.token(good), rules({ require: 'groups=admin|staff, scope=write, tier=3, sub' })), 'good')
    for (const require of ['groups=admin', 'scope=rea', 'tier=4', 'nobody', 'toString', '__proto__'])
      assert.equal(saidOf(ed.token(good), rules({ require })), '403 it does not say what is required')
    assert.deepEqual(
      told({ ...good, deep: { a: 1 } }, rules({ headers: 'X-User=sub,x-groups=groups,x-scope=scope,x-none=none,x-deep=deep' })),
      {
        'x-user': 'ann',
        'x-groups': 'staff,dev',
        'x-scope': 'read write',
        'x-none': undefined,
        'x-deep': undefined,
      },
    )
    for (const sub of ['a\r\nx: y', 'a\0', 'x'.repeat(1025)])
      assert.equal(saidOf(ed.token({ ...good, sub }), rules({ headers: 'x-user=sub' })), '401 what it says cannot be passed on')
  })

  test('are asked for by annotations, none of which is passed over', () => {
    assert.equal(readTokenRules({ 'sampan.io/sticky': 'cookie' }, 'x'), undefined)
    assert.deepEqual(rules({ keys: 'secret/s/k.json' }).keys, { kind: 'secret', namespace: 'x', name: 's', key: 'k.json' })
    assert.deepEqual(rules({ keys: 'https://issuer/keys?a=b' }).keys, { kind: 'uri', uri: 'https://issuer/keys?a=b' })
    for (const [more, why] of [
      [{ issuer: '' }, /whose tokens/],
      [{ audiences: ' , ' }, /whom tokens are for/],
      [{ audience: 'shop' }, /is not known/],
      [{ keys: 'configmap/other/keys/more' }, /is not taken/],
      [{ keys: 'http://issuer/keys' }, /is not taken/],
      [{ keys: 'https://me:pw@issuer/keys' }, /no address/],
      [{ algorithms: 'RS256,HS256' }, /HS256/],
      [{ algorithms: 'none' }, /none/],
      [{ 'leeway-seconds': '301' }, /0 to 300/],
      [{ require: 'a=b|' }, /CLAIM=VALUE/],
      [{ headers: 'x-user' }, /HEADER=CLAIM/],
      [{ headers: 'x-user=a,X-User=b' }, /each header once/],
      [{ headers: 'authorization=sub' }, /authorization/],
      [{ headers: 'x-forwarded-for=sub' }, /x-forwarded-for/],
      [{ realm: 'a"b' }, /quotes/],
    ] as const) {
      const read = readTokenRules(annotations(more as Record<string, string>), 'x')
      assert.match(read !== undefined && 'problem' in read ? read.problem : 'taken', why)
    }
  })

  test('are signed with public keys of sufficient strength', () => {
    const problem = (text: string): string => {
      const read = readKeySet(text)
      return 'problem' in read ? read.problem : `${read.keys.length} keys`
    }
    assert.equal(problem(ed.publicKey.export({ type: 'spki', format: 'pem' }).toString()), '1 keys')
    // The secret half, were it there, is not looked at; keys of secrets and for encryption are none.
    assert.equal(
      problem(JSON.stringify({ keys: [{ ...ec.jwk, d: 'AAAA' }, { kty: 'oct', k: 'AAAA' }, { ...rsa.jwk, use: 'enc' }, 7, null] })),
      '1 keys',
    )
    for (const [text, why] of [
      ['{', /neither/],
      ['[]', /no list of keys/],
      ['{"keys": []}', /none of its 0 keys/],
      [JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', alg: 'HS256' }] }), /none of its 1 keys/],
      [JSON.stringify({ keys: [{ kty: 'RSA', n: 'wQ', e: 'AQAB' }] }), /none of its 1 keys/],
      ['-----BEGIN PRIVATE KEY-----\n', /private key/],
      ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', /no key that can be used/],
      [JSON.stringify({ keys: Array.from({ length: 33 }, () => ed.jwk) }), /there are 33 keys/],
    ] as const)
      assert.match(problem(text), why)
  })
})
