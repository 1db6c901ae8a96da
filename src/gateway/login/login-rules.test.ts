import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readLoginRules } from './login-rules.ts'

const LEAST = { issuer: 'https://login.example/realm', client: 'shop', secret: 'oidc' }
const read = (more: Readonly<Record<string, string>> = {}): ReturnType<typeof readLoginRules> =>
  readLoginRules(Object.fromEntries(Object.entries({ ...LEAST, ...more }).map(([name, value]) => [`sampan.io/login-${name}`, value])), 'x')
const rules = (more?: Readonly<Record<string, string>>) => {
  const found = read(more)
  return found !== undefined && 'door' in found ? found : assert.fail(JSON.stringify(found))
}

test('a login is said by annotations, and what is not said is as usual', () => {
  assert.equal(readLoginRules({ 'sampan.io/jwt-issuer': 'i' }, 'x'), undefined)
  const { door, ...rest } = rules({ require: 'groups=a|b', emails: 'Ann@x.example, @y.example', headers: 'X-User=sub' })
  assert.deepEqual(rest, {
    emails: ['ann@x.example', '@y.example'],
    require: [{ claim: 'groups', values: ['a', 'b'] }],
    headers: [{ header: 'x-user', claim: 'sub' }],
  })
  const { id, ...said } = door
  assert.match(id, /^[0-9a-f]{16}$/)
  assert.deepEqual(said, {
    issuer: LEAST.issuer,
    client: 'shop',
    secret: 'x/oidc',
    scopes: ['openid', 'profile', 'email'],
    returnPath: '/oauth2/callback',
    logoutPath: '/oauth2/logout',
    sessionSeconds: 28_800,
    recheckSeconds: 300,
  })
  // Who may ask is of a route; what is known of people is of the door.
  assert.equal(rules({ require: 'groups' }).door.id, id)
  assert.notEqual(rules({ client: 'other' }).door.id, id)
  assert.deepEqual(rules({ scopes: 'groups' }).door.scopes, ['openid', 'groups'])
})

test('what is not understood is a problem: it might be what keeps somebody out', () => {
  for (const more of [
    { else: '1' },
    { issuer: '' },
    { issuer: 'http://login.example' },
    { issuer: 'https://u:p@login.example' },
    { issuer: 'https://login.example/#x' },
    { issuer: 'https://login.example/\n' + 'x' },
    { issuer: `https://login.example/${'x'.repeat(600)}` },
    { client: '' },
    { client: 'é' },
    { secret: 'other/oidc' },
    { secret: '' },
    { scopes: 'a b' },
    { scopes: '"' },
    { 'return-path': 'relative' },
    { 'return-path': '/a/../b' },
    { 'return-path': '/a?b' },
    { 'return-path': '//evil.example' },
    { 'return-path': '/%61' },
    { 'return-path': '/oauth2/logout' },
    { 'session-seconds': '0' },
    { 'session-seconds': '1e9' },
    { 'recheck-seconds': '1' },
    { require: '=x' },
    { headers: 'cookie=sub' },
    { headers: 'x-forwarded-for=sub' },
    { headers: 'x-a=sub,X-A=email' },
    { emails: '' },
    { emails: 'ann' },
    { emails: 'a@b,@' },
  ]) {
    const found = read(more as unknown as Readonly<Record<string, string>>)
    assert.ok(found !== undefined && 'problem' in found, JSON.stringify(more))
  }
})
