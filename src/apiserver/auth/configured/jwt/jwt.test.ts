import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { InvalidToken, type TokenAuthenticator } from '../../authenticate/bearer.ts'
import type { JwtIssuer } from '../authentication-configuration.ts'
import { type TestIssuer, testIssuer } from './issuer.fixture.ts'
import { checkedRules } from './issuer-rules.ts'
import { jwtAuthenticator } from './jwt.ts'

const NOW = Date.UTC(2026, 0, 1)
const exp = NOW / 1000 + 3600

async function world(t: TestContext, more: Partial<JwtIssuer> = {}, change: (issuer: TestIssuer) => void = () => undefined) {
  const clock = manualClock(NOW)
  const scope = rootScope({ clock })
  t.after(() => scope.cancel())
  const issuer = await testIssuer(t, rootScope())
  change(issuer)
  const rules = checkedRules(
    {
      jwt: [
        {
          issuer: { url: issuer.url, certificateAuthority: issuer.authority, audiences: ['a', 'b'], audienceMatchPolicy: 'MatchAny' },
          claimMappings: { username: { claim: 'sub', prefix: 'x:' }, groups: { claim: 'groups', prefix: 'g:' } },
          ...more,
        },
      ],
    },
    'test',
    [],
    ['RS256'],
  )
  const jwt: TokenAuthenticator = jwtAuthenticator(scope, rules.issuers)
  const user = async (token: string) => (await jwt.authenticateToken(scope, token))?.user
  return { clock, issuer, user, jwt, scope }
}

const invalid = (pattern: RegExp) => (error: unknown) => error instanceof InvalidToken && pattern.test(error.message)

test('a token of the issuer is its user, remembered for a while', async (t) => {
  const { issuer, user, jwt, scope } = await world(t)
  const token = issuer.token({ sub: 'ann', aud: 'b', exp, groups: ['dev'], jti: 'id' })
  const expected = {
    name: 'x:ann',
    groups: ['g:dev', 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/credential-id': ['JTI=id'] },
  }
  assert.deepEqual(await user(token), expected)
  assert.deepEqual(jwt.authenticateToken(scope, token), { user: expected })
  assert.deepEqual(issuer.asked, ['/.well-known/openid-configuration', '/keys'])
})

test('tokens of others are left to others', async (t) => {
  const { issuer, user } = await world(t)
  assert.equal(await user('opaque'), undefined)
  assert.equal(await user(issuer.token({ iss: 'https://other', sub: 'ann', aud: 'a', exp })), undefined)
  assert.deepEqual(issuer.asked, [])
})

test('a token with anything wrong is not valid', async (t) => {
  const { issuer, user } = await world(t)
  const good = { sub: 'ann', aud: 'a', exp }
  await assert.rejects(user(issuer.token({ ...good, aud: 'c' })), invalid(/expected audience/))
  await assert.rejects(user(issuer.token({ ...good, exp: NOW / 1000 - 1 })), invalid(/expired/))
  await assert.rejects(user(issuer.token({ ...good, exp: undefined })), invalid(/no expiry/))
  await assert.rejects(user(issuer.token({ ...good, nbf: NOW / 1000 + 400 })), invalid(/not valid yet/))
  assert.equal((await user(issuer.token({ ...good, nbf: NOW / 1000 + 200 })))?.name, 'x:ann')
  await assert.rejects(user(issuer.token({ ...good, sub: 7 })), invalid(/parse username claim "sub"/))
  await assert.rejects(user(issuer.token({ ...good, groups: [1] })), invalid(/parse groups claim/))
  await assert.rejects(user(issuer.token({ ...good, _claim_names: { groups: 'src1' } })), invalid(/distributed/))
  const [head = '', , signature = ''] = issuer.token(good).split('.')
  const forged = Buffer.from(JSON.stringify({ iss: issuer.url, ...good, sub: 'root' })).toString('base64url')
  await assert.rejects(user(`${head}.${forged}.${signature}`), invalid(/failed to verify signature/))
  await assert.rejects(user(issuer.token(good, { alg: 'none' })), invalid(/failed to verify signature/))
  await assert.rejects(user(issuer.token(good, { alg: 'HS256' })), invalid(/failed to verify signature/))
  await assert.rejects(user(issuer.token(good, { alg: 'RS512' })), invalid(/failed to verify signature/))
})

test('a remembered token ends with its time', async (t) => {
  const { issuer, user, clock } = await world(t)
  const token = issuer.token({ sub: 'ann', aud: 'a', exp: NOW / 1000 + 2 })
  await user(token)
  clock.advance(3000)
  await assert.rejects(async () => user(token), invalid(/expired/))
})

test('new keys of the issuer are found, but unknown ones do not make it busy', async (t) => {
  const { issuer, user, clock } = await world(t)
  const claims = { sub: 'ann', aud: 'a', exp }
  await user(issuer.token(claims))
  for (let i = 0; i < 5; i++) await assert.rejects(user(issuer.token(claims, { kid: `no${i}` })), invalid(/signature/))
  assert.equal(issuer.asked.length, 2)
  issuer.rotate()
  clock.advance(11_000)
  assert.equal((await user(issuer.token(claims)))?.name, 'x:ann')
  assert.equal(issuer.asked.length, 4)
})

test('an issuer that redirects, lies or floods has no keys', async (t) => {
  const claims = { sub: 'ann', aud: 'a', exp }
  const discovery = '/.well-known/openid-configuration'
  const cases: readonly (readonly [RegExp, (issuer: TestIssuer) => void])[] = [
    [/status code 302/, ({ answers, url }) => answers.set(discovery, { status: 302, location: `${url}/keys`, body: '' })],
    [/issuer did not match/, ({ answers }) => answers.set(discovery, { status: 200, body: '{"issuer":"https://evil"}' })],
    [/more than 1000000 bytes/, ({ answers }) => answers.set(discovery, { status: 200, body: 'x'.repeat(1_000_001) })],
    [/not JSON/, ({ answers }) => answers.set('/keys', { status: 200, body: '<html>' })],
    [/is no set of keys/, ({ answers }) => answers.set('/keys', { status: 200, body: '{}' })],
    [
      /no jwks_uri with https/,
      ({ answers, url }) =>
        answers.set(discovery, { status: 200, body: JSON.stringify({ issuer: url, jwks_uri: 'http://127.0.0.1/keys' }) }),
    ],
  ]
  for (const [pattern, change] of cases) {
    const { issuer, user } = await world(t, {}, change)
    await assert.rejects(user(issuer.token(claims)), invalid(pattern))
  }
})

test('an issuer with a certificate of somebody else is not believed', async (t) => {
  const other = await testIssuer(t, rootScope())
  const { issuer, scope } = await world(t)
  const token = issuer.token({ sub: 'ann', aud: 'a', exp })
  const rules = checkedRules(
    {
      jwt: [
        {
          issuer: { url: issuer.url, certificateAuthority: other.authority, audiences: ['a'] },
          claimMappings: { username: { claim: 'sub', prefix: '' } },
        },
      ],
    },
    'test',
    [],
    ['RS256'],
  )
  await assert.rejects(
    async () => jwtAuthenticator(scope, rules.issuers).authenticateToken(scope, token),
    invalid(/certificate signed by unknown authority/),
  )
})

test('claims become a user by expressions, and rules may refuse him', async (t) => {
  const { issuer, user } = await world(t, {
    claimMappings: {
      username: { expression: "claims.email_verified ? 'mail:' + claims.email : ''" },
      groups: { expression: 'claims.roles.map(r, "r:" + r)' },
      uid: { claim: 'id' },
      extra: [{ key: 'example.com/team', valueExpression: 'claims.?team.orValue("")' }],
    },
    claimValidationRules: [
      { claim: 'hd', requiredValue: 'example.com' },
      { expression: 'claims.age > 17', message: 'too young' },
    ],
    userValidationRules: [{ expression: "!user.username.startsWith('mail:root')", message: 'not root' }],
  })
  const claims = { email: 'ann@x', email_verified: true, roles: ['a', ''], id: 'u1', team: 't', hd: 'example.com', age: 30, aud: 'a', exp }
  assert.deepEqual(await user(issuer.token(claims)), {
    name: 'mail:ann@x',
    uid: 'u1',
    groups: ['r:a', 'r:', 'system:authenticated'],
    extra: { 'example.com/team': ['t'] },
  })
  await assert.rejects(user(issuer.token({ ...claims, email_verified: false })), invalid(/empty username/))
  await assert.rejects(user(issuer.token({ ...claims, hd: 'evil' })), invalid(/required claim hd value does not match/))
  await assert.rejects(user(issuer.token({ ...claims, age: 3 })), invalid(/'claims.age > 17' failed: too young/))
  await assert.rejects(user(issuer.token({ ...claims, email: 'root@x' })), invalid(/not root/))
  await assert.rejects(user(issuer.token({ ...claims, roles: undefined })), invalid(/no such key: roles/))
})
