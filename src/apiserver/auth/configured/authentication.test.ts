import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { UserError, rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { openAuthentication } from './authentication.ts'
import { testIssuer } from './jwt/issuer.fixture.ts'
import { readAuthenticationRules } from './jwt/issuer-rules.ts'
import { rulesOfFlags } from './jwt/oidc-flags.ts'

const NOW = Date.UTC(2026, 0, 1)
const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n'

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'authentication-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

function problems(jwt: unknown, more: object = {}): readonly string[] {
  const text = JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt, ...more })
  try {
    readAuthenticationRules(text, 'f', ['https://own'])
    return []
  } catch (error) {
    assert.ok(error instanceof UserError)
    return error.message.replace(/^f: /, '').split('; ')
  }
}

const issuer = { url: 'https://a', audiences: ['x'] }
const username = { claim: 'sub', prefix: '' }

test('all that is wrong with an issuer is said at once', () => {
  assert.deepEqual(problems([{ issuer, claimMappings: { username } }]), [])
  assert.deepEqual(
    problems([
      {
        issuer: { url: 'http://u:p@own?q#f', discoveryURL: 'https://own', audiences: ['x', 'x', ''], certificateAuthority: 'x' },
        claimMappings: { username: { claim: 'sub' }, groups: { claim: 'g', expression: 'claims.g' } },
      },
      { issuer: { url: 'https://own', audiences: [], audienceMatchPolicy: 'All' } },
    ]),
    [
      'jwt[0].issuer.url: Invalid value: "http://u:p@own?q#f": URL scheme must be https',
      'jwt[0].issuer.url: Invalid value: "http://u:p@own?q#f": URL must not contain a username or password',
      'jwt[0].issuer.url: Invalid value: "http://u:p@own?q#f": URL must not contain a query',
      'jwt[0].issuer.url: Invalid value: "http://u:p@own?q#f": URL must not contain a fragment',
      'jwt[0].issuer.audiences[1]: Duplicate value: "x"',
      'jwt[0].issuer.audiences[2]: Required value',
      'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
      'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates',
      'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing',
      `jwt[0].claimMappings.groups: Invalid value: "": claim and expression can't both be set`,
      'jwt[1].issuer.url: Invalid value: "https://own": URL must not overlap with disallowed issuers: [https://own]',
      'jwt[1].issuer.audiences: Required value: at least one jwt[1].issuer.audiences is required',
      'jwt[1].claimMappings.username: Required value: claim or expression is required',
    ],
  )
})

test('expressions are compiled when the file is read', () => {
  const mappings = (more: object, rest: object = {}) => problems([{ issuer, claimMappings: { username, ...more }, ...rest }])
  assert.match(mappings({ username: { expression: 'nothing.sub' } })[0] ?? '', /undeclared reference to 'nothing'/)
  assert.match(mappings({ username: { expression: 'claims.email' } })[0] ?? '', /claims.email_verified must be used/)
  assert.deepEqual(
    mappings(
      { username: { expression: 'claims.email' } },
      { claimValidationRules: [{ expression: 'claims.?email_verified.orValue(true) == true' }] },
    ),
    [],
  )
  assert.match(mappings({}, { claimValidationRules: [{ expression: '"a"' }] })[0] ?? '', /must evaluate to bool/)
  assert.match(mappings({}, { userValidationRules: [{ expression: 'user.nme == ""' }] })[0] ?? '', /undefined field 'nme'/)
  assert.deepEqual(mappings({ extra: [{ key: 'Foo.k8s.io/X' }] }), [
    "jwt[0].claimMappings.extra[0].key: Invalid value: \"Foo.k8s.io/X\": prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    'jwt[0].claimMappings.extra[0].key: Invalid value: "Foo.k8s.io/X": must be lowercase',
    'jwt[0].claimMappings.extra[0].key: Invalid value: "Foo.k8s.io/X": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
    'jwt[0].claimMappings.extra[0].valueExpression: Required value',
  ])
})

test('a file with fields that nobody reads is refused', () => {
  assert.deepEqual(problems([{ issuer: { ...issuer, typo: 1 }, claimMappings: { username } }]), ['unknown field "jwt[0].issuer.typo"'])
  assert.deepEqual(problems('x'), ['jwt: must be a list'])
  assert.deepEqual(problems([], { anonymous: { enabled: false, conditions: [{ path: '/livez' }] } }), [
    'anonymous.conditions: Invalid value: [{"path":"/livez"}]: enabled should be set to true when conditions are defined',
  ])
})

test('flags make one issuer, whose names carry where they are from', () => {
  const flags = { oidcIssuerUrl: 'https://a', oidcClientId: 'c', oidcRequiredClaim: ['hd=x=y'] }
  const [rules] = rulesOfFlags(flags, []).issuers
  assert.deepEqual([rules?.username, rules?.audiences, rules?.algorithms], [{ claim: 'sub', prefix: 'https://a#' }, ['c'], ['RS256']])
  assert.deepEqual([...(rules?.required ?? [])], [['hd', 'x=y']])
  assert.deepEqual(rulesOfFlags({ ...flags, oidcUsernameClaim: 'email' }, []).issuers[0]?.username, { claim: 'email', prefix: '' })
  assert.deepEqual(rulesOfFlags({ ...flags, oidcUsernamePrefix: '-' }, []).issuers[0]?.username, { claim: 'sub', prefix: '' })
  assert.throws(() => rulesOfFlags({ oidcIssuerUrl: 'https://a' }, []), /must be given together/)
  assert.throws(() => rulesOfFlags({ ...flags, oidcSigningAlgs: 'HS256' }, []), /"HS256" is not supported/)
})

test('a file is followed; one that becomes wrong changes nothing', async (t) => {
  const clock = manualClock(NOW)
  const scope = rootScope({ clock })
  t.after(() => scope.cancel())
  const file = join(folder(t), 'authentication.yaml')
  const one = await testIssuer(t, rootScope())
  const write = (paths: readonly string[]): void =>
    writeFileSync(
      file,
      JSON.stringify({
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'AuthenticationConfiguration',
        jwt: [{ issuer: { url: one.url, audiences: ['x'], certificateAuthority: one.authority }, claimMappings: { username } }],
        anonymous: { enabled: true, conditions: paths.map((path) => ({ path })) },
      }),
    )
  write(['/livez'])
  const { tokens, mayBeAnonymous } = await openAuthentication(scope, { authenticationConfig: file, ownIssuers: [] })
  const token = one.token({ sub: 'ann', aud: 'x', exp: NOW / 1000 + 3600 })
  const user = async () => (await tokens[0]?.authenticateToken(scope, token))?.user.name
  assert.equal(await user(), 'ann')
  assert.deepEqual([mayBeAnonymous?.('/livez'), mayBeAnonymous?.('/livez/x'), mayBeAnonymous?.('/api')], [true, false, false])
  writeFileSync(file, 'nonsense')
  clock.advance(10_000)
  assert.deepEqual([await user(), mayBeAnonymous?.('/livez')], ['ann', true])
  write(['/readyz'])
  clock.advance(10_000)
  assert.deepEqual([await user(), mayBeAnonymous?.('/livez'), mayBeAnonymous?.('/readyz')], ['ann', false, true])
  writeFileSync(file, HEAD)
  clock.advance(10_000)
  assert.deepEqual([await user(), mayBeAnonymous?.('/api')], [undefined, true])
})

test('what excludes each other is not taken together', async (t) => {
  const scope = rootScope()
  t.after(() => scope.cancel())
  const file = join(folder(t), 'f')
  writeFileSync(file, `${HEAD}anonymous: {enabled: true}\n`)
  const open = (more: object) => openAuthentication(scope, { authenticationConfig: file, ownIssuers: [], ...more })
  await assert.rejects(open({ anonymousAuth: false }), /exclude each other/)
  await assert.rejects(open({ oidcIssuerUrl: 'https://a' }), /exclude each other/)
  await assert.rejects(open({ authenticationConfig: `${file}-not` }), /cannot be read/)
  const { tokens, mayBeAnonymous } = await openAuthentication(scope, { ownIssuers: [], oidcRequiredClaim: [] })
  assert.deepEqual([tokens, mayBeAnonymous], [[], undefined])
})
