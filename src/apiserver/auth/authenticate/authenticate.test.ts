import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { MetricText, type Peer, certificateVerifier, createAuthority, issueLeaf, rootScope } from '#base'
import type { Authenticator, Credentials, UserInfo } from '../../contract.ts'
import { authenticateRequest } from './authenticate.ts'
import { InvalidToken, type TokenAuthenticator, bearerAuthenticator } from './bearer.ts'
import { CertificateMetrics } from './certificate-metrics.ts'
import { clientCertificateAuthenticator } from './client-certificate.ts'
import { parseTokenFile, staticTokenAuthenticator } from './static-tokens.ts'

const scope = rootScope()
const peer: Peer = { address: '127.0.0.1', inProcess: false }
const withHeader = (authorization?: string, certificate?: Uint8Array): Credentials => ({
  headers: authorization === undefined ? {} : { authorization },
  peer: certificate === undefined ? peer : { ...peer, certificate },
})
const tokens = staticTokenAuthenticator('static', parseTokenFile('secret,bob,1,"dev,ops"\n', 'tokens.csv'))
const unauthorized = { message: 'Unauthorized', reason: 'Unauthorized', httpStatus: 401 }

describe('a token file', () => {
  it('is read like the one of kube-apiserver', () => {
    assert.deepEqual(parseTokenFile('# people\n\nt1,alice,u1\nt2, bob , u2 ,"dev, ops"\r\nt3,"o""hara",u3,x\n', 'f'), [
      ['t1', { name: 'alice', uid: 'u1', groups: [], extra: {} }],
      ['t2', { name: 'bob', uid: 'u2', groups: ['dev', 'ops'], extra: {} }],
      ['t3', { name: 'o"hara', uid: 'u3', groups: ['x'], extra: {} }],
    ])
  })
  for (const [line, why] of [
    ['a,b', /are needed/],
    [',b,c', /empty/],
    ['t,b,c\nt,d,e', /f:2: this token/],
    ['t,"b,c', /quotes/],
  ] as const) {
    it(`refuses ${JSON.stringify(line)} with the line`, () => assert.throws(() => parseTokenFile(line, 'f'), why))
  }
})

describe('authentication', async () => {
  const authority = await createAuthority(scope, 'ca', 3_600_000)
  const leaf = { subject: { commonName: 'carol', organizations: ['dev'] }, usages: ['clientAuth'], lifetimeMs: 3_600_000 } as const
  const good = new X509Certificate((await issueLeaf(scope, authority, leaf)).certificate).raw
  const foreign = new X509Certificate((await issueLeaf(scope, await createAuthority(scope, 'ca', 3_600_000), leaf)).certificate).raw
  const certificateMetrics = new CertificateMetrics()
  const authenticators: readonly Authenticator[] = [
    clientCertificateAuthenticator(certificateVerifier(authority.certificate, 'clientAuth'), certificateMetrics),
    bearerAuthenticator([tokens]),
  ]
  const ask = async (credentials: Credentials): Promise<UserInfo> => authenticateRequest(scope, authenticators, credentials)

  it('knows the user of a token, and the same one again', async () => {
    const user = await ask(withHeader('Bearer secret'))
    assert.deepEqual(user, { name: 'bob', uid: '1', groups: ['dev', 'ops', 'system:authenticated'], extra: {} })
    assert.equal(await ask(withHeader('bearer  secret')), user)
  })

  for (const header of [undefined, 'Bearer ', 'Bearer', 'Basic eDp5', 'nonsense', '']) {
    it(`takes ${JSON.stringify(header) ?? 'no header'} for no credentials: the anonymous user`, async () => {
      assert.deepEqual(await ask(withHeader(header)), { name: 'system:anonymous', groups: ['system:unauthenticated'], extra: {} })
    })
  }

  it('refuses no credentials where nobody may be anonymous, and good ones not', async () => {
    const strict = async (credentials: Credentials): Promise<UserInfo> => authenticateRequest(scope, authenticators, credentials, false)
    await assert.rejects(strict(withHeader()), unauthorized)
    assert.equal((await strict(withHeader('Bearer secret'))).name, 'bob')
  })

  it('refuses a token that nobody knows, and one whose kind finds it wrong, at once or later', async () => {
    await assert.rejects(ask(withHeader('Bearer wrong')), unauthorized)
    const refusing: TokenAuthenticator = {
      name: 'refusing',
      authenticateToken: () => {
        throw new InvalidToken('expired')
      },
    }
    const late: TokenAuthenticator = { name: 'late', authenticateToken: () => Promise.reject(new InvalidToken('expired')) }
    for (const kind of [refusing, late]) {
      const authenticator = bearerAuthenticator([kind, tokens])
      await assert.rejects(async () => authenticator.authenticate(scope, withHeader('Bearer x')), unauthorized)
      assert.equal((await authenticator.authenticate(scope, withHeader('Bearer secret')))?.name, 'bob')
    }
  })

  it('lets failures of the server through as such', () => {
    const broken: TokenAuthenticator = {
      name: 'broken',
      authenticateToken: () => {
        throw new TypeError('bug')
      },
    }
    assert.throws(() => bearerAuthenticator([broken]).authenticate(scope, withHeader('Bearer x')), TypeError)
  })

  it('knows the user of a client certificate, before any token', async () => {
    const user = await ask(withHeader('Bearer wrong', good))
    assert.equal(user.name, 'carol')
    assert.deepEqual(user.groups, ['dev', 'system:authenticated'])
    assert.match(user.extra['authentication.kubernetes.io/credential-id']?.[0] ?? '', /^X509SHA256=[0-9a-f]{64}$/)
    assert.equal(await ask(withHeader(undefined, Uint8Array.from(good))), user)
  })

  it('counts how long certificates are still good', async () => {
    const countOf = (bound: string): number => {
      const text = new MetricText()
      certificateMetrics.write(text)
      const line = `apiserver_client_certificate_expiration_seconds_bucket{le="${bound}"} `
      return Number(text.toString().split(line)[1]?.split('\n')[0])
    }
    const before = countOf('3600')
    await ask(withHeader(undefined, good))
    assert.deepEqual([countOf('3600') - before, countOf('0')], [1, 0])
  })

  it('refuses a certificate of another authority, unless a good token comes with it', async () => {
    await assert.rejects(ask(withHeader(undefined, foreign)), unauthorized)
    assert.equal((await ask(withHeader('Bearer secret', foreign))).name, 'bob')
  })
})
