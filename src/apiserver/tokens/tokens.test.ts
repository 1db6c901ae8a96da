import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { type Clock, MetricText, type Scope, Secret, rootScope, systemClock } from '#base'
import { type authentication, refs } from '#api'
import { InvalidToken } from '../auth/authenticate/bearer.ts'
import { fakeObjects } from '../auth/reader.fake.ts'
import { issuerDiscoveryRoutes } from './discovery.ts'
import { type TokenSigner, tokenKey, tokenSigner } from './keys.ts'
import { TokenMetrics } from './token-metrics.ts'
import { tokenRequestResource } from './token-request.ts'
import { serviceAccountTokenAuthenticator } from './verify.ts'

const ISSUER = 'https://issuer.example'
const START_MS = Date.UTC(2026, 0, 1)
const scopeAt = (nowMs: number): Scope => {
  const clock: Clock = { ...systemClock, now: () => nowMs }
  return rootScope({ clock })
}
const pem = (type: 'rsa' | 'ec'): Secret => {
  const { privateKey } =
    type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
}
const rsa = pem('rsa')

function cluster(key = rsa) {
  const objects = fakeObjects()
  objects.put(refs.serviceaccounts, { metadata: { name: 'sa', namespace: 'a', uid: 'sa-1' } })
  objects.put(refs.pods, {
    metadata: { name: 'p', namespace: 'a', uid: 'pod-1' },
    spec: { serviceAccountName: 'sa', nodeName: 'n', containers: [] },
  })
  objects.put(refs.nodes, { metadata: { name: 'n', uid: 'node-1' } })
  const metrics = new TokenMetrics()
  const options = { issuers: [ISSUER], keys: [tokenKey(key)], audiences: [ISSUER], reader: objects, metrics }
  const authenticator = serviceAccountTokenAuthenticator(options)
  const resource = tokenRequestResource({ issuer: ISSUER, audiences: [ISSUER], signer: tokenSigner(key), reader: objects })
  const request = async (spec: authentication.TokenRequestSpec, name = 'sa', metadata = {}): Promise<authentication.TokenRequest> => {
    const user = { name: 'x', groups: [], extra: {} }
    return resource.create(scopeAt(START_MS), { user, namespace: 'a', name, dryRun: false }, { metadata, spec } as object)
  }
  const token = async (spec: authentication.TokenRequestSpec = {}): Promise<string> => (await request(spec)).status?.token ?? ''
  const accept = async (text: string, afterMs = 0, audiences?: readonly string[]) =>
    authenticator.authenticateToken(scopeAt(START_MS + afterMs), text, audiences)
  return { objects, request, token, accept, metrics }
}
const POD = { apiVersion: 'v1', kind: 'Pod', name: 'p' }
const refused = (message: RegExp) => (error: unknown) => error instanceof InvalidToken && message.test(error.message)

describe('service account tokens', () => {
  it('are counted: how often a signature had to be checked, and what is good', async () => {
    const { token, accept, metrics } = cluster()
    const good = await token()
    await accept(good)
    await accept(good)
    await assert.rejects(accept(`${good.slice(0, -4)}AAAA`))
    const text = new MetricText()
    metrics.write(text)
    for (const line of [
      'authentication_token_cache_request_total{status="hit"} 1',
      'authentication_token_cache_request_total{status="miss"} 2',
      'authentication_token_cache_fetch_total{status="ok"} 1',
      'authentication_token_cache_fetch_total{status="error"} 1',
      'serviceaccount_valid_tokens_total 2',
    ])
      assert.ok(text.toString().includes(`${line}\n`), line)
  })

  for (const type of ['rsa', 'ec'] as const) {
    it(`are accepted with what they were made for (${type} key)`, async () => {
      const { token, accept } = cluster(pem(type))
      const found = await accept(await token())
      assert.deepEqual(found?.audiences, [ISSUER])
      const { extra, ...user } = found?.user ?? { extra: {} }
      assert.deepEqual(user, {
        name: 'system:serviceaccount:a:sa',
        uid: 'sa-1',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
      })
      assert.match(extra['authentication.kubernetes.io/credential-id']?.[0] ?? '', /^JTI=[0-9a-f-]{36}$/)
    })
  }

  it('end: at their time, with a minute for clocks that differ', async () => {
    const { token, accept } = cluster()
    const text = await token({ expirationSeconds: 600 })
    assert.ok(await accept(text, 650_000))
    await assert.rejects(accept(text, 661_000), refused(/expired/))
    await assert.rejects(accept(text, -61_000), refused(/not valid yet/))
  })

  it('end with their account, also with one of the same name', async () => {
    const { objects, token, accept } = cluster()
    const text = await token()
    objects.put(refs.serviceaccounts, { metadata: { name: 'sa', namespace: 'a', uid: 'sa-2' } })
    await assert.rejects(accept(text), refused(/replaced/))
    objects.remove(refs.serviceaccounts, 'a', 'sa')
    await assert.rejects(accept(text), refused(/does not exist/))
  })

  it('end with the pod that they are bound to, and tell pod and node', async () => {
    const { objects, token, accept } = cluster()
    const text = await token({ boundObjectRef: POD })
    const { extra } = (await accept(text))?.user ?? { extra: {} }
    assert.deepEqual(
      { ...extra, 'authentication.kubernetes.io/credential-id': undefined },
      {
        'authentication.kubernetes.io/credential-id': undefined,
        'authentication.kubernetes.io/node-name': ['n'],
        'authentication.kubernetes.io/node-uid': ['node-1'],
        'authentication.kubernetes.io/pod-name': ['p'],
        'authentication.kubernetes.io/pod-uid': ['pod-1'],
      },
    )
    objects.remove(refs.nodes, '', 'n')
    assert.ok(await accept(text), 'the node beside a pod is only told')
    const pod = {
      metadata: { name: 'p', namespace: 'a', uid: 'pod-1', deletionTimestamp: new Date(START_MS).toISOString() },
      spec: { containers: [] },
    }
    objects.put(refs.pods, pod)
    assert.ok(await accept(text, 59_000))
    await assert.rejects(accept(text, 61_000), refused(/deleted/))
    objects.remove(refs.pods, 'a', 'p')
    await assert.rejects(accept(text), refused(/Pod .* does not exist/))
  })

  it('end with the secret or the node that they are bound to', async () => {
    const { objects, token, accept } = cluster()
    objects.put(refs.secrets, { metadata: { name: 's', namespace: 'a', uid: 's-1' } })
    const bySecret = await token({ boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 's' } })
    const byNode = await token({ boundObjectRef: { apiVersion: 'v1', kind: 'Node', name: 'n' } })
    assert.ok((await accept(bySecret)) && (await accept(byNode)))
    objects.remove(refs.secrets, 'a', 's')
    objects.remove(refs.nodes, '', 'n')
    await assert.rejects(accept(bySecret), refused(/Secret/))
    await assert.rejects(accept(byNode), refused(/Node/))
  })

  it('are for their audiences', async () => {
    const { token, accept } = cluster()
    const text = await token({ audiences: ['a', 'b'] })
    assert.deepEqual((await accept(text, 0, ['a', 'c']))?.audiences, ['a'])
    await assert.rejects(accept(text), { message: `token audiences ["a" "b"] is invalid for the target audiences ["${ISSUER}"]` })
  })

  it('cannot be made by others', async () => {
    const { token, accept } = cluster()
    const [head = '', body = '', signature = ''] = (await token()).split('.')
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const decode = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString())
    const changed = (change: object): string => encode({ ...decode(body), ...change })
    await assert.rejects(accept(`${head}.${changed({ sub: 'system:serviceaccount:a:admin' })}.${signature}`), refused(/invalid signature/))
    await assert.rejects(accept(`${encode({ ...decode(head), alg: 'none' })}.${body}.`), refused(/unknown key/))
    await assert.rejects(accept(`${encode({ ...decode(head), alg: 'HS256' })}.${body}.${signature}`), refused(/unknown key/))
    await assert.rejects(accept(`${encode({ alg: 'RS256', kid: 'other' })}.${body}.${signature}`), refused(/unknown key/))
    assert.equal(await accept(`${head}.${changed({ iss: 'kubernetes/serviceaccount' })}.${signature}`), undefined)
    for (const foreign of [
      'bogus',
      'a.b.c',
      `${head}.${changed({ iss: 'https://other' })}.${signature}`,
      `${head}.${body}`,
      'x'.repeat(20_000),
    ]) {
      assert.equal(await accept(foreign), undefined)
    }
    const stranger = await cluster(pem('rsa')).token()
    await assert.rejects(accept(stranger), refused(/unknown key/))
  })
})

describe('asking for a token', () => {
  const { objects, request } = cluster()
  it('fills in audience and lifetime', async () => {
    const { spec, metadata, status } = await request({})
    assert.deepEqual(spec, { audiences: [ISSUER], expirationSeconds: 3600, boundObjectRef: null })
    assert.equal(metadata?.name, 'sa')
    assert.equal(status?.expirationTimestamp, '2026-01-01T01:00:00Z')
  })
  it('gives the default tokens of pods a year, and tells the node an hour', async () => {
    const { status } = await request({ expirationSeconds: 3607, boundObjectRef: POD })
    const claims = JSON.parse(Buffer.from(status?.token?.split('.')[1] ?? '', 'base64url').toString())
    assert.equal(status?.expirationTimestamp, '2026-01-01T01:00:07Z')
    assert.equal(claims.exp - claims.iat, 365 * 86_400)
    assert.equal(claims['kubernetes.io'].warnafter - claims.iat, 3607)
  })
  const cases: readonly (readonly [string, authentication.TokenRequestSpec, RegExp | string])[] = [
    ['a short life', { expirationSeconds: 599 }, /TokenRequest.authentication.k8s.io "" is invalid.*less than 10 minutes/],
    ['a long life', { expirationSeconds: 2 ** 32 + 1 }, /larger than 2\^32 seconds/],
    ['another pod of the name', { boundObjectRef: { ...POD, uid: 'other' } }, /Operation cannot be fulfilled on Pod "p": the UID/],
    ['a pod that is not there', { boundObjectRef: { ...POD, name: 'q' } }, 'pods "q" not found'],
    ['a pod without a name', { boundObjectRef: { kind: 'Pod' } }, 'Name parameter required.'],
    [
      'another kind',
      { boundObjectRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' } },
      'cannot bind token to object of type apps/v1, Kind=Deployment',
    ],
    ['no kind', { boundObjectRef: {} }, 'cannot bind token to object of type /, Kind='],
  ]
  for (const [what, spec, message] of cases) it(`refuses ${what}`, () => assert.rejects(request(spec), { message } as object))
  it('refuses pods of other accounts, accounts that are not there, and other names', async () => {
    objects.put(refs.serviceaccounts, { metadata: { name: 'robot', namespace: 'a', uid: 'r' } })
    await assert.rejects(
      request({ boundObjectRef: POD }, 'robot'),
      /cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name/,
    )
    await assert.rejects(request({}, 'nope'), { message: 'serviceaccounts "nope" not found' })
    await assert.rejects(
      request({}, 'sa', { name: 'other' }),
      /metadata.name: Invalid value: "other": must match the service account name if specified/,
    )
  })
})

describe('issuer discovery', () => {
  it('publishes issuer and public keys, never the private ones', () => {
    const key = tokenKey(rsa)
    const [configuration, jwks] = issuerDiscoveryRoutes(ISSUER, [key]).map((route) =>
      JSON.parse(Buffer.from(route.body(scopeAt(0), { host: 'h:1' })).toString()),
    )
    assert.equal(configuration.jwks_uri, 'https://h:1/openid/v1/jwks')
    assert.deepEqual(configuration.id_token_signing_alg_values_supported, ['RS256'])
    assert.deepEqual(Object.keys(jwks.keys[0]).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
    const signer: TokenSigner = tokenSigner(rsa)
    assert.equal(signer.keyId, key.keyId)
  })
})
