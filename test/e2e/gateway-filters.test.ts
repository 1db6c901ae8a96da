import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createAuthority } from '#base'
import { refs } from '#api'
import { eventually } from '#testing/basics'
import { GATEWAY_ADDRESS, type Stage, ingressRule, makeStage, noGateway, podAddress, serverLeaf } from './gateway/stage.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const DAY_MS = 86_400_000
const PORT = 8092
const GROUP = '/apis/gateway.networking.k8s.io/v1/namespaces/default'
const skip = noGateway()

/** What routes do beside leading, over a real HAProxy. The tests build on each other, in this order. */
describe('filters of routes', { skip: skip ?? false }, () => {
  let stage: Stage
  before(async () => {
    stage = await makeStage()
    await stage.pod('recorder.ts', ...[1, 2, 3].map((pod) => `${podAddress(pod)}:${PORT}`))
    for (const [name, pod] of [
      ['one', 1],
      ['two', 2],
      ['three', 3],
    ] as const)
      await service(name, pod)
    await create('gateways', 'web', { gatewayClassName: 'sampan', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] })
  })
  after(() => stage.close())

  async function service(name: string, pod: number, port = PORT): Promise<void> {
    await stage.service(name, [pod])
    await stage.client
      .resource(refs.endpointslices)
      .patch(stage.scope, { namespace: 'default', name }, { type: 'merge', body: { ports: [{ name: 'web', port, protocol: 'TCP' }] } })
  }
  const create = (plural: string, name: string, spec: object): Promise<unknown> => {
    const kind = { gateways: 'Gateway', httproutes: 'HTTPRoute', tlsroutes: 'TLSRoute' }[plural]
    return stage.client.raw(stage.scope, {
      method: 'POST',
      path: `${GROUP}/${plural}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name }, spec }),
    })
  }
  const to = (name: string): object => ({ name, port: 80 })
  const route = async (name: string, ...rules: readonly object[]): Promise<void> => {
    await create('httproutes', name, { parentRefs: [{ name: 'web' }], hostnames: [`${name}.example`], rules })
    await eventually(`the route ${name}`, async () => (await ask(name)).status === 200)
  }
  const ask = (name: string, path = '/', ...args: readonly string[]): ReturnType<Stage['curl']> =>
    stage.curl('-H', `Host: ${name}.example`, ...args, `http://${GATEWAY_ADDRESS}${path}`)
  /** The head of an answer as a table, and what it was. */
  const head = async (name: string, ...args: readonly string[]): Promise<Readonly<Record<string, string>>> => {
    const { status, body } = await ask(name, '/', '-D', '-', '-o', '/dev/null', ...args)
    const lines = body.split('\r\n').flatMap((line) => /^([^:]+): (.*)$/.exec(line)?.slice(1, 3) ?? [])
    const of: Record<string, string> = { status: String(status) }
    for (let at = 0; at < lines.length; at += 2) of[lines[at]?.toLowerCase() ?? ''] = lines[at + 1] ?? ''
    return of
  }
  const at = (pod: number): string => `http://${podAddress(pod)}:${PORT}/seen`
  const seen = async (pod: number): Promise<readonly Seen[]> => JSON.parse((await stage.curl(at(pod))).body)
  const forget = async (): Promise<void> => {
    for (const pod of [1, 2, 3]) await stage.curl('-X', 'PUT', at(pod))
  }

  it('answers what browsers ask before, and says which pages may have the answers', async () => {
    const cors = {
      allowOrigins: ['https://www.foo.example', 'https://*.bar.example:8443'],
      allowMethods: ['GET', 'PUT'],
      allowHeaders: ['x-a', 'x-b'],
      exposeHeaders: ['x-c'],
      allowCredentials: true,
      maxAge: 60,
    }
    await route('cors', { filters: [{ type: 'CORS', cors }], backendRefs: [to('one')] })
    await forget()
    const before = (origin: string): ReturnType<typeof head> =>
      head('cors', '-X', 'OPTIONS', '-H', `Origin: ${origin}`, '-H', 'Access-Control-Request-Method: PUT')
    const good = await before('https://www.foo.example')
    assert.deepEqual(
      ['status', 'origin', 'credentials', 'methods', 'headers'].map((name) =>
        name === 'status' ? good['status'] : good[`access-control-allow-${name}`],
      ),
      ['200', 'https://www.foo.example', 'true', 'GET, PUT', 'x-a, x-b'],
    )
    assert.deepEqual([good['access-control-max-age'], good['access-control-expose-headers']], ['60', 'x-c'])
    for (const [origin, is] of [
      ['https://www.foo.example:443', true],
      ['https://a.b.bar.example:8443', true],
      ['https://a.bar.example', false],
      ['https://bar.example:8443', false],
      ['https://evil.example/.bar.example:8443', false],
      ['http://www.foo.example', false],
      ['null', false],
    ] as const) {
      const answer = await before(origin)
      assert.deepEqual([answer['status'], answer['access-control-allow-origin']], is ? ['200', origin] : ['403', undefined], origin)
    }
    // None of them has come to a pod; what is asked itself does, and the pod has no say of its own.
    assert.deepEqual(await seen(1), [])
    const plain = await head('cors', '-H', 'Origin: https://www.foo.example')
    assert.deepEqual([plain['access-control-allow-origin'], plain['vary']], ['https://www.foo.example', 'origin'])
    const other = await head('cors', '-H', 'Origin: https://other.example')
    assert.deepEqual([other['status'], other['access-control-allow-origin']], ['200', undefined])
    assert.equal((await head('cors'))['access-control-allow-origin'], 'http://of.backend')
  })

  it('gives others copies of requests, as many as it says, and the client waits for none of them', async () => {
    const mirror = (name: string, more: object = {}): object => ({
      type: 'RequestMirror',
      requestMirror: { backendRef: to(name), ...more },
    })
    const set = { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-set', value: 'new' }] } }
    await route('mirror', { filters: [set, mirror('two'), mirror('three', { percent: 25 })], backendRefs: [to('one')] })
    await forget()
    const lie = ['-H', 'x-sampan-mirror: b0', '-H', 'x-kept: 1']
    const { body } = await ask('mirror', '/a?b=c', '-X', 'POST', '--data-binary', 'some body', ...lie)
    assert.equal((JSON.parse(body) as { by: string }).by, podAddress(1))
    const [copy, ...none] = await eventually('a copy', async () => {
      const found = await seen(2)
      return found.length > 0 && found
    })
    assert.deepEqual(none, [])
    assert.deepEqual(
      [copy?.method, copy?.url, copy?.body, copy?.headers['host'], copy?.headers['x-set'], copy?.headers['x-kept']],
      ['POST', '/a?b=c', 'some body', 'mirror.example', 'new', '1'],
    )
    assert.deepEqual([copy?.headers['x-sampan-mirror'], copy?.headers['x-forwarded-for']], [undefined, GATEWAY_ADDRESS])
    await forget()
    const urls = Array.from({ length: 40 }, () => `http://${GATEWAY_ADDRESS}/`)
    await stage.curl('-H', 'Host: mirror.example', ...urls)
    await eventually('all copies', async () => (await seen(2)).length === 40 && (await seen(3)).length >= 8)
    // Each thread shares evenly for itself.
    assert.ok((await seen(3)).length <= 12)
    // What has no length is not waited for, and has no copy; what is long neither.
    await forget()
    const long = join(stage.stateDir, 'long')
    writeFileSync(long, 'x'.repeat(100_000))
    assert.equal((await ask('mirror', '/long', '-X', 'POST', '-H', 'Expect:', '--data-binary', `@${long}`)).status, 200)
    assert.equal((await ask('mirror', '/chunks', '-X', 'POST', '-H', 'Transfer-Encoding: chunked', '-d', 'x')).status, 200)
    assert.equal((await ask('mirror', '/last')).status, 200)
    await eventually('the last copy', async () => (await seen(2)).length > 0)
    assert.deepEqual(
      (await seen(2)).map(({ url }) => url),
      ['/last'],
    )
    assert.equal((await seen(1)).find(({ url }) => url === '/long')?.body.length, 100_000)
  })

  it('asks again where a route says so, and only what may be asked twice', async () => {
    const starts = (): number => stage.gateway.stats().starts
    const retry = { codes: [503], attempts: 2 }
    const first = starts()
    await route('retry', { retry, backendRefs: [to('one')] })
    // It answers before it is counted.
    await eventually('another process', () => starts() === first + 1)
    await route('again', { retry, backendRefs: [to('two')] })
    // What is tried again stands in the configuration; there is room for more that say the same.
    assert.equal(starts(), first + 1)
    for (const [name, path, method, wanted] of [
      ['retry', '/fails/a/2/503', 'GET', 200],
      ['retry', '/fails/b/3/503', 'GET', 503],
      ['retry', '/fails/c/1/500', 'GET', 500],
      ['retry', '/fails/d/1/503', 'POST', 503],
      ['retry', '/fails/e/1/503', 'PUT', 200],
      ['again', '/fails/f/2/503', 'GET', 200],
      ['cors', '/fails/g/1/503', 'GET', 503],
    ] as const)
      assert.equal((await ask(name, path, '-X', method, '-d', 'x')).status, wanted, `${method} ${path} of ${name}`)
  })

  it('does for Ingresses what their annotations say of this', async () => {
    const nginx = (annotations: Record<string, string>): object =>
      Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]))
    await stage.ingress(
      'nginx',
      {
        rules: [ingressRule('nginx.example', ['/', 'Prefix', 'one'])],
      },
      {
        annotations: {
          ...nginx({
            'enable-cors': 'true',
            'cors-allow-methods': 'GET',
            'mirror-target': 'http://two.default.svc.cluster.local$request_uri',
          }),
          ...nginx({ 'proxy-next-upstream': 'error http_502', 'proxy-next-upstream-tries': '2' }),
        },
      },
    )
    await eventually('the route', async () => (await ask('nginx')).status === 200)
    await forget()
    assert.equal((await ask('nginx', '/fails/n/1/502?q')).status, 200)
    assert.equal((await ask('nginx', '/fails/o/2/502')).status, 502)
    // Once each, however often they were tried.
    const copies = await eventually('the copies', async () => {
      const found = await seen(2)
      return found.length >= 2 && found
    })
    assert.deepEqual(copies.map(({ url }) => url).sort(), ['/fails/n/1/502?q', '/fails/o/2/502'])
    const answer = await head('nginx', '-X', 'OPTIONS', '-H', 'Origin: http://any.example', '-H', 'Access-Control-Request-Method: GET')
    assert.deepEqual(
      ['origin', 'methods', 'credentials'].map((name) => answer[`access-control-allow-${name}`]),
      ['*', 'GET', undefined],
    )
    // Who shows who he is gets no star, and no leave to use what he is told.
    const shown = await head('nginx', '-H', 'Origin: http://any.example', '-u', 'ann:pw')
    assert.deepEqual([shown['access-control-allow-origin'], shown['access-control-allow-credentials']], ['http://any.example', undefined])
  })

  it('lets those in who have a password or come from the right place, and nobody where it cannot tell', async () => {
    const auth = (extra: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(extra).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]))
    const closed = (name: string, annotations: Record<string, string>): Promise<void> =>
      stage.ingress(
        name,
        {
          rules: [ingressRule(`${name}.example`, ['/', 'Prefix', 'one'])],
        },
        { annotations: auth(annotations) },
      )
    // As htpasswd and openssl write them.
    const users =
      'ann:$apr1$Xy12zw9Q$QBPAB6ihLZ6KfJ8Y.n7D5/\nbob:$1$ab/.$VeP5dAWuDkjxP4IR96KMd/\n# nobody\ncai:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=\n'
    const secrets = stage.client.resource(refs.secrets)
    const put = { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'the shop' }
    await closed('closed', { ...put, 'enable-cors': 'true' })
    await eventually('a closed door', async () => (await ask('closed')).status === 503)
    await secrets.create(stage.scope, {
      metadata: { name: 'users', namespace: 'default' },
      data: { auth: Buffer.from(users).toString('base64') },
    })
    await eventually('a door with a lock', async () => (await ask('closed')).status === 401)
    assert.equal((await head('closed'))['www-authenticate'], 'Basic realm="the shop", charset="UTF-8"')
    const as = async (who: string): Promise<number> => (await ask('closed', '/', '-u', who)).status
    for (const [who, wanted] of [
      ['ann:open sesame, "now"', 200],
      ['bob:a longer password than sixteen bytes', 200],
      ['cai:pw', 200],
      ['ann:pw', 401],
      ['ann:', 401],
      ['dan:pw', 401],
      [':', 401],
      ['ann:open sesame, "now"', 200],
      [`ann:${'x'.repeat(2000)}`, 401],
    ] as const)
      assert.equal(await as(who), wanted, who.slice(0, 40))
    // However its place is written.
    await stage.ingress('open', {
      rules: [ingressRule('door.example', ['/', 'Prefix', 'one'])],
    })
    await stage.ingress(
      'admin',
      {
        rules: [ingressRule('door.example', ['/admin', 'Prefix', 'one'])],
      },
      { annotations: auth(put) },
    )
    await eventually('the inner door', async () => (await ask('door', '/admin')).status === 401)
    for (const way of [
      '/admin/x',
      '//admin',
      '/%61dmin',
      '/%61%64min/x',
      '/./admin',
      '/a/../admin',
      '/a/%2e%2e/admin',
      '/admin/../admin/',
      '/admin%2fx',
      '/a/b/../..//admin',
    ])
      assert.equal((await ask('door', way, '--path-as-is')).status, 401, way)
    for (const way of ['/administrator', '/a/../b', '/%20admin', '/admin/..', '/a.b/..c/.d'])
      assert.deepEqual(
        [
          (await ask('door', way, '--path-as-is')).status,
          (JSON.parse((await ask('door', way, '--path-as-is')).body) as { url: string }).url,
        ],
        [200, way],
      )
    // Browsers ask before without a password.
    assert.equal(
      (await head('closed', '-X', 'OPTIONS', '-H', 'Origin: http://a.example', '-H', 'Access-Control-Request-Method: GET'))['status'],
      '200',
    )
    await secrets.patch(
      stage.scope,
      { namespace: 'default', name: 'users' },
      { type: 'merge', body: { data: { auth: Buffer.from('ann:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=').toString('base64') } } },
    )
    await eventually('another lock', async () => (await as('cai:pw')) === 401 && (await as('ann:pw')) === 200)
    // A header that leads to a canary does not lead past the lock.
    await closed('canary-of-closed', { canary: 'true', 'canary-by-header': 'x-canary' })
    await stage.client.resource(refs.ingresses).patch(
      stage.scope,
      { namespace: 'default', name: 'canary-of-closed' },
      {
        type: 'merge',
        body: {
          spec: {
            rules: [ingressRule('closed.example', ['/', 'Prefix', 'two'])],
          },
        },
      },
    )
    const canary = ['-H', 'x-canary: always']
    await eventually('the canary', async () => (await ask('closed', '/', '-u', 'ann:pw', ...canary)).body.includes(podAddress(2)))
    assert.equal((await ask('closed', '/', ...canary)).status, 401)
    await closed('near', { 'whitelist-source-range': `10.99.0.0/16, ${GATEWAY_ADDRESS}/32, ::1/128` })
    await closed('far', { 'whitelist-source-range': '10.99.0.0/16' })
    await closed('unknown', { 'auth-tls-secret': 'default/authority' })
    await eventually('the last of them', async () => (await ask('unknown')).status === 503)
    assert.deepEqual([(await ask('near')).status, (await ask('far')).status], [200, 403])
  })

  it('asks a Service whether a request may pass, and goes on with what that says of who asks', async () => {
    await stage.ingress(
      'gated',
      {
        rules: [ingressRule('gated.example', ['/', 'Prefix', 'one'])],
      },
      {
        annotations: {
          'nginx.ingress.kubernetes.io/auth-url': 'http://three/check',
          'nginx.ingress.kubernetes.io/auth-signin': 'https://in.example/start',
          'nginx.ingress.kubernetes.io/auth-response-headers': 'X-User, X-None',
        },
      },
    )
    const known = ['-H', 'x-ticket: good']
    await eventually('the route', async () => (await ask('gated', '/', ...known)).status === 200)
    await forget()
    const { body } = await ask('gated', '/a?b=c', ...known, '-X', 'POST', '-d', 'content', '-H', 'x-user: forged', '-H', 'x-none: forged')
    const { by, headers } = JSON.parse(body) as { by: string; headers: Record<string, string> }
    assert.deepEqual([by, headers['x-user'], headers['x-none']], [podAddress(1), 'of good', undefined])
    const [asked] = await seen(3)
    assert.deepEqual(
      [
        asked?.method,
        asked?.url,
        asked?.body,
        asked?.headers['host'],
        asked?.headers['x-original-url'],
        asked?.headers['x-original-method'],
      ],
      ['GET', '/check', '', 'three', 'http://gated.example/a?b=c', 'POST'],
    )
    assert.equal((await seen(1))[0]?.body, 'content')
    const unknown = await head('gated')
    assert.deepEqual([unknown['status'], unknown['location']], ['302', 'https://in.example/start?rd=http://gated.example%2F'])
    assert.equal((await ask('gated', '/', '-H', 'x-ticket: bad')).status, 403)
    // Nobody to be asked: nobody is let in.
    await stage.endpoints('three', [])
    await eventually('a closed gate', async () => (await ask('gated', '/', ...known)).status === 500)
    await stage.endpoints('three', [3])
    await eventually('an open one', async () => (await ask('gated', '/', ...known)).status === 200)
  })

  it('shares connections among Services, and refuses requests over a connection for another listener', async () => {
    const authority = await createAuthority(stage.scope, 'test', DAY_MS)
    const leaf = await serverLeaf(stage, authority, 'tls', ['*.tls.example'])
    for (const pod of [2, 3]) {
      await stage.pod('echo-tls.ts', leaf.file, `${podAddress(pod)}:8443`)
      await service(`tls${pod}`, pod, 8443)
    }
    await stage.client.resource(refs.secrets).create(stage.scope, {
      metadata: { name: 'cert', namespace: 'default' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': Buffer.from(leaf.certificate).toString('base64'), 'tls.key': Buffer.from(leaf.key).toString('base64') },
    })
    const tls = { certificateRefs: [{ name: 'cert' }] }
    await create('gateways', 'tls', {
      gatewayClassName: 'sampan',
      listeners: [
        { name: 'any', port: 443, protocol: 'HTTPS', tls },
        { name: 'own', port: 443, protocol: 'HTTPS', hostname: 'own.tls.example', tls },
        { name: 'wide', port: 443, protocol: 'HTTPS', hostname: '*.wide.tls.example', tls },
        { name: 'pass', port: 18443, protocol: 'TLS', hostname: '*.tls.example', tls: { mode: 'Passthrough' } },
      ],
    })
    await create('tlsroutes', 'both', {
      parentRefs: [{ name: 'tls', sectionName: 'pass' }],
      hostnames: ['a.tls.example'],
      rules: [
        {
          backendRefs: [
            { ...to('tls2'), weight: 3 },
            { ...to('tls3'), weight: 1 },
          ],
        },
      ],
    })
    await create('httproutes', 'own', { parentRefs: [{ name: 'tls' }], rules: [{ backendRefs: [to('one')] }] })
    const by = async (): Promise<string> =>
      (
        JSON.parse(
          (await stage.curl('-k', '--resolve', `a.tls.example:18443:${GATEWAY_ADDRESS}`, 'https://a.tls.example:18443/')).body,
        ) as {
          by: string
        }
      ).by
    await eventually('connections', async () => (await by()) !== '')
    const counts = new Map<string, number>()
    for (let i = 0; i < 24; i++) {
      const pod = await by()
      counts.set(pod, (counts.get(pod) ?? 0) + 1)
    }
    const [more, fewer] = [counts.get(podAddress(2)) ?? 0, counts.get(podAddress(3)) ?? 0]
    assert.ok(more + fewer === 24 && fewer >= 4 && fewer <= 8, JSON.stringify([...counts]))
    const asked = (name: string, host: string): Promise<number> =>
      stage
        .curl('-k', '--http2', '--resolve', `${name}:443:${GATEWAY_ADDRESS}`, '-H', `Host: ${host}`, `https://${name}/`)
        .then(({ status }) => status)
    await eventually('the route', async () => (await asked('own.tls.example', 'own.tls.example')) === 200)
    for (const [name, host, wanted] of [
      ['own.tls.example', 'else.tls.example', 421],
      ['else.tls.example', 'own.tls.example', 421],
      ['else.tls.example', 'third.tls.example', 200],
      ['a.wide.tls.example', 'b.c.wide.tls.example', 200],
      ['a.wide.tls.example', 'third.tls.example', 421],
      ['OWN.tls.example', 'own.tls.example:443', 200],
    ] as const)
      assert.equal(await asked(name, host), wanted, `${host} over ${name}`)
  })
})
