import assert from 'node:assert/strict'
import { type KeyObject, constants, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { refs } from '#api'
import { eventually } from '#testing/basics'
import { GATEWAY_ADDRESS, type Stage, ingressRule, makeStage, noGateway, podAddress } from './gateway/stage.ts'

const skip = noGateway()
const PORT = 8093
const NAMESPACE = 'default'
const ROUTES = `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}`

interface Keys {
  readonly alg: 'RS256' | 'PS512' | 'ES256' | 'EdDSA'
  readonly kid: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

function keysFor(alg: Keys['alg'], kid: string): Keys {
  const pair =
    alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { alg, kid, ...pair }
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds
const claims = (more: object = {}): object => ({
  iss: 'https://issuer',
  aud: 'shop',
  sub: 'ann',
  groups: ['staff', 'dev'],
  exp: inSeconds(600),
  ...more,
})

function token({ alg, kid, privateKey }: Keys, said: object, header: object = {}): string {
  const text = `${part({ alg, kid, ...header })}.${part(said)}`
  const more = alg === 'PS512' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' as const, ...more }
  return `${text}.${sign(alg === 'EdDSA' ? null : `sha${alg.slice(2)}`, Buffer.from(text), key).toString('base64url')}`
}

/** Tokens over a real HAProxy. The tests build on each other, in this order. */
describe('tokens at the gateway', { skip: skip ?? false }, () => {
  const [rsa, pss, ec, ed, next] = [
    keysFor('RS256', 'r'),
    keysFor('PS512', 'p'),
    keysFor('ES256', 'e'),
    keysFor('EdDSA', 'd'),
    keysFor('ES256', 'next'),
  ]
  const wanted = {
    'sampan.io/jwt-issuer': 'https://issuer',
    'sampan.io/jwt-audiences': 'shop',
    'sampan.io/jwt-keys': 'configmap/keys',
    'sampan.io/jwt-headers': 'x-user=sub,x-groups=groups',
    'sampan.io/jwt-realm': 'the shop',
  }
  let stage: Stage
  before(async () => {
    stage = await makeStage()
    await stage.pod('recorder.ts', `${podAddress(1)}:${PORT}`)
    await stage.service('one', [1])
    await stage.client
      .resource(refs.endpointslices)
      .patch(
        stage.scope,
        { namespace: NAMESPACE, name: 'one' },
        { type: 'merge', body: { ports: [{ name: 'web', port: PORT, protocol: 'TCP' }] } },
      )
  })
  after(() => stage.close())

  const keySet = (...of: readonly Keys[]): { 'jwks.json': string } => ({
    'jwks.json': JSON.stringify({ keys: of.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid })) }),
  })
  const publish = (...of: readonly Keys[]) =>
    stage.client
      .resource(refs.configmaps)
      .patch(stage.scope, { namespace: NAMESPACE, name: 'keys' }, { type: 'merge', body: { data: keySet(...of) } })
  const ask = (name: string, ...args: readonly string[]) =>
    stage.curl('-i', '-H', `Host: ${name}.example`, ...args, `http://${GATEWAY_ADDRESS}/a`)
  const bearer = (text: string): readonly string[] => ['-H', `Authorization: Bearer ${text}`]
  const status = async (name: string, text: string): Promise<number> => (await ask(name, ...bearer(text))).status
  /** What the pod was told. */
  const headers = async (name: string, ...args: readonly string[]): Promise<Readonly<Record<string, string>>> => {
    const { body, status: is } = await ask(name, ...args)
    assert.equal(is, 200, body)
    return (JSON.parse(body.slice(body.indexOf('{'))) as { headers: Record<string, string> }).headers
  }
  const events = async (reason: string): Promise<string> =>
    (await stage.client.resource(refs.events).list(stage.scope, { namespace: NAMESPACE })).items
      .flatMap((event) => (event.reason === reason ? [event.message ?? ''] : []))
      .join('\n')

  it('nobody passes before the keys are there, and then who has a token', async () => {
    await stage.ingress('shop', { rules: [ingressRule('shop.example', ['/', 'Prefix', 'one'])] }, { annotations: wanted })
    await eventually('a closed route', async () => (await ask('shop')).status === 503)
    await eventually('why', async () => /the keys of tokens cannot be had: it does not exist/.test(await events('AccessRefused')))
    await stage.client
      .resource(refs.configmaps)
      .create(stage.scope, { metadata: { name: 'keys', namespace: NAMESPACE }, data: keySet(rsa, pss, ec, ed) })
    await eventually('the keys', async () => (await ask('shop')).status === 401)
    const { body } = await ask('shop')
    assert.match(body, /^www-authenticate: Bearer realm="the shop"\r$/im)
    for (const one of [rsa, pss, ec, ed]) assert.equal(await status('shop', token(one, claims())), 200, one.alg)
  })

  it('pods are told of the token what the gateway has found, and never what the client says', async () => {
    const lies = ['-H', 'X-User: root', '-H', 'x_user: root', '-H', 'X-Groups: admin', '-H', 'x-kept: 1']
    for (let times = 0; times < 3; times++) {
      const told = await headers('shop', ...lies, ...bearer(token(ed, claims())))
      assert.deepEqual([told['x-user'], told['x-groups'], told['x_user'], told['x-kept']], ['ann', 'staff,dev', undefined, '1'])
    }
    const told = await headers('shop', ...lies, ...bearer(token(ed, claims({ sub: 'é', groups: undefined }))))
    assert.deepEqual(
      [Buffer.from(told['x-user'] ?? '', 'latin1').toString(), told['x-groups'], told['x_user']],
      ['é', undefined, undefined],
    )
  })

  it('tokens that are not good are not let in, whatever they say of themselves', async () => {
    const good = token(rsa, claims())
    const [head = '', , signature = ''] = good.split('.')
    const hmac = (): string => {
      const text = `${part({ alg: 'HS256', kid: 'r' })}.${part(claims())}`
      return `${text}.${createHmac('sha256', rsa.publicKey.export({ type: 'spki', format: 'pem' }))
        .update(text)
        .digest('base64url')}`
    }
    for (const [what, text, why] of [
      ['another body', `${head}.${part(claims({ sub: 'root' }))}.${signature}`, 'its signature is not good'],
      ['another key', token(keysFor('RS256', 'r'), claims()), 'its signature is not good'],
      ['a key that nobody knows', token(next, claims()), 'nobody knows its key'],
      ['no signature', `${part({ alg: 'none' })}.${part(claims())}.AAAA`, 'its algorithm is not taken'],
      ['the public key as a secret', hmac(), 'its algorithm is not taken'],
      ['an algorithm of another kind of key', token(ec, claims(), { kid: 'r' }), 'its algorithm is not that of its key'],
      ['another audience', token(rsa, claims({ aud: 'bank' })), 'it is for somebody else'],
      ['another issuer', token(rsa, claims({ iss: 'https://other' })), 'it is of another issuer'],
      ['it is over', token(rsa, claims({ exp: inSeconds(-60) })), 'it has expired'],
      ['it has not begun', token(rsa, claims({ nbf: inSeconds(120) })), 'it is not good yet'],
      ['it never ends', token(rsa, claims({ exp: undefined })), 'it does not say when it ends'],
      ['a header line', token(rsa, claims({ sub: 'a\r\nx: y' })), 'what it says cannot be passed on'],
    ] as const) {
      const answer = await ask('shop', ...bearer(text))
      assert.equal(answer.status, 401, what)
      assert.ok(
        answer.body.includes(`www-authenticate: Bearer realm="the shop", error="invalid_token", error_description="${why}"`),
        answer.body,
      )
    }
    for (const [what, args] of [
      ['two of them', [...bearer(good), ...bearer(good)]],
      ['a password', ['-u', 'ann:secret']],
      ['a space', bearer(`${good} x`)],
      ['too long', bearer(`${good}${'A'.repeat(8200)}`)],
    ] as const)
      assert.equal((await ask('shop', ...args)).status, 401, what)
    // Another spelling of the path leads past nobody.
    assert.equal((await stage.curl('-H', 'Host: shop.example', '--path-as-is', `http://${GATEWAY_ADDRESS}//x/../%61`)).status, 401)
  })

  it('what is required has to be said, and annotations that are not understood close the route', async () => {
    const route = (name: string, more: Readonly<Record<string, string>>) =>
      stage.ingress(name, { rules: [ingressRule(`${name}.example`, ['/', 'Prefix', 'one'])] }, { annotations: { ...wanted, ...more } })
    await route('staff', { 'sampan.io/jwt-require': 'groups=admin|staff' })
    await route('typo', { 'sampan.io/jwt-requires': 'groups=admin' })
    await eventually('both', async () => (await ask('staff')).status === 401 && (await ask('typo')).status === 503)
    assert.equal(await status('staff', token(ec, claims())), 200)
    const { body, status: is } = await ask('staff', ...bearer(token(ec, claims({ groups: ['dev'] }))))
    assert.equal(is, 403)
    assert.match(body, /error="insufficient_scope"/)
    assert.equal(await status('typo', token(ec, claims())), 503)
    await eventually('why', async () => /jwt-requires.* is not known/.test(await events('AccessRefused')))
  })

  it('an HTTPRoute can ask for them too', async () => {
    const create = (plural: string, kind: string, name: string, spec: object, annotations = {}) =>
      stage.client.raw(stage.scope, {
        method: 'POST',
        path: `${ROUTES}/${plural}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name, annotations }, spec }),
      })
    await create('gateways', 'Gateway', 'web', { gatewayClassName: 'sampan', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] })
    const spec = { parentRefs: [{ name: 'web' }], hostnames: ['route.example'], rules: [{ backendRefs: [{ name: 'one', port: 80 }] }] }
    await create('httproutes', 'HTTPRoute', 'route', spec)
    await eventually('an open route', async () => (await ask('route')).status === 200)
    // Annotations alone are a change.
    await stage.client.raw(stage.scope, {
      method: 'PATCH',
      path: `${ROUTES}/httproutes/route`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ metadata: { annotations: wanted } }),
    })
    await eventually('a closed one', async () => (await ask('route')).status === 401)
    assert.equal((await headers('route', '-H', 'x-user: root', ...bearer(token(ec, claims()))))['x-user'], 'ann')
    assert.equal(await status('route', token(ec, claims({ aud: 'bank' }))), 401)
  })

  it('new keys count at once, and old ones no more', async () => {
    const [old, young] = [token(rsa, claims()), token(next, claims())]
    assert.equal(await status('shop', old), 200)
    const { starts } = stage.gateway.stats()
    await publish(rsa, next)
    await eventually('the new key', async () => (await status('shop', young)) === 200)
    assert.equal(await status('shop', old), 200)
    await publish(next)
    await eventually('the end of the old one', async () => (await status('shop', old)) === 401)
    assert.equal(await status('shop', young), 200)
    // No process was exchanged for that.
    assert.equal(stage.gateway.stats().starts, starts)
    // Keys that cannot be read let nobody in.
    await stage.client.resource(refs.configmaps).delete(stage.scope, { namespace: NAMESPACE, name: 'keys' })
    await eventually('a closed route', async () => (await status('shop', young)) === 503)
    await stage.client
      .resource(refs.configmaps)
      .create(stage.scope, { metadata: { name: 'keys', namespace: NAMESPACE }, data: keySet(next) })
    await eventually('an open one', async () => (await status('shop', young)) === 200)
  })

  it('without the control plane those pass who are known, for as long as their tokens last', async () => {
    const [known, short] = [token(next, claims()), token(next, claims({ exp: inSeconds(-24) }))]
    assert.deepEqual([await status('shop', known), await status('shop', short)], [200, 200])
    await stage.pause()
    // Each thread remembers what it was asked itself: one of them knows nobody, and says that it cannot know now.
    const seen = new Set<number>()
    for (let times = 0; times < 40; times++) seen.add(await status('shop', known))
    assert.ok(seen.has(200) && [...seen].every((one) => one === 200 || one === 503), JSON.stringify([...seen]))
    await eventually('the end of the token', async () => (await status('shop', short)) === 503)
    assert.equal(await status('shop', token(next, claims({ sub: 'new' }))), 503)
    await stage.again()
    assert.deepEqual([await status('shop', known), await status('shop', token(next, claims({ sub: 'new' })))], [200, 200])
  })
})
