import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { createAuthority, issueLeaf, rootScope } from '#base'
import { refs } from '#api'
import { LoginIssuer, eventually } from '#testing/basics'
import { GATEWAY_ADDRESS, HTTPS_PORT, type Stage, ingressRule, makeStage, noGateway, podAddress } from './gateway/stage.ts'

const skip = noGateway()
const PORT = 8094
const NAMESPACE = 'default'
const DAY_MS = 86_400_000
const HOSTS = ['shop', 'other', 'route', 'staff', 'typo'].map((name) => `${name}.example`)
const ROUTES = `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}`

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
  readonly location: string
}

/** People who log in, over a real HAProxy and an issuer over TLS. The tests build on each other, in this order. */
describe('login at the gateway', { skip: skip ?? false }, () => {
  let stage: Stage
  let issuer: LoginIssuer
  let wanted: Readonly<Record<string, string>>
  let secret: Readonly<Record<string, string>>
  const made = new AsyncDisposableStack()
  before(async () => {
    const scope = rootScope()
    const authority = await createAuthority(scope, 'issuer', DAY_MS)
    const usages = ['serverAuth'] as const
    const leaf = await issueLeaf(scope, authority, { subject: { commonName: 'i' }, names: ['127.0.0.1'], lifetimeMs: DAY_MS, usages })
    const server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, response) => {
      void text(request).then((body) => {
        const { authorization } = request.headers
        const answer = issuer.answer(request.method ?? '', request.url ?? '', { authorization }, body)
        response.writeHead(answer.status, answer.headers).end(answer.body)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    made.defer(() => void server.close())
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    issuer = new LoginIssuer({
      issuer: address,
      client: 'shop',
      clientSecret: 'secret of the shop',
      redirectUris: HOSTS.map((host) => `https://${host}/oauth2/callback`),
    })
    issuer.user = { sub: 'ann', groups: ['staff', 'dev'] }
    issuer.rotate('RS256', 'rsa')
    wanted = {
      'sampan.io/login-issuer': address,
      'sampan.io/login-client': 'shop',
      'sampan.io/login-secret': 'oidc',
      'sampan.io/login-headers': 'x-user=sub,x-groups=groups',
    }
    secret = { 'client-secret': 'secret of the shop', 'ca.crt': authority.certificate }
    // The issuer is on this machine, where no route's is.
    stage = await makeStage({ mayAsk: (ip) => ip === '127.0.0.1' })
    made.defer(() => stage.close())
    await stage.pod('recorder.ts', `${podAddress(1)}:${PORT}`)
    await stage.service('one', [1])
    const ports = [{ name: 'web', port: PORT, protocol: 'TCP' }]
    await stage.client
      .resource(refs.endpointslices)
      .patch(stage.scope, { namespace: NAMESPACE, name: 'one' }, { type: 'merge', body: { ports } })
  })
  after(() => made.disposeAsync())

  const createSecret = (stringData: Readonly<Record<string, string>>): Promise<object> =>
    stage.client.resource(refs.secrets).create(stage.scope, { metadata: { name: 'oidc', namespace: NAMESPACE }, stringData })
  const resolve = HOSTS.flatMap((host) => [
    '--resolve',
    `${host}:${HTTPS_PORT}:${GATEWAY_ADDRESS}`,
    '--resolve',
    `${host}:80:${GATEWAY_ADDRESS}`,
  ])
  const ask = async (url: string, ...args: readonly string[]): Promise<Answer> => {
    const { status, body: all } = await stage.curl('-i', '-k', ...resolve, ...args, url)
    const end = all.indexOf('\r\n\r\n')
    const head = all.slice(0, end)
    return { status, head, body: all.slice(end + 4), location: /^location: (.*)\r?$/im.exec(head)?.[1] ?? '' }
  }
  const HTML = ['-H', 'Accept: text/html'] as const
  let browsers = 0
  /** A browser whose cookies are in a file of its own. */
  const browser = () => {
    const jar = join(stage.stateDir, `jar${browsers++}`)
    const open = (url: string, ...args: readonly string[]): Promise<Answer> => ask(url, '-b', jar, '-c', jar, ...HTML, ...args)
    /** Where the issuer sends it back to. */
    const begin = async (url: string): Promise<string> => {
      const { status, location } = await open(url)
      assert.equal(status, 303, location)
      return issuer.answer('GET', location).headers['location'] ?? assert.fail(location)
    }
    return { jar, open, begin, logIn: async (url: string): Promise<Answer> => open(await begin(url)) }
  }
  /** What the pod was told. */
  const told = ({ status, body }: Answer): Readonly<Record<string, string>> => {
    assert.equal(status, 200, body)
    return (JSON.parse(body) as { headers: Record<string, string> }).headers
  }
  const events = async (): Promise<string> =>
    (await stage.client.resource(refs.events).list(stage.scope, { namespace: NAMESPACE })).items
      .flatMap((event) => (event.reason === 'AccessRefused' ? [event.message ?? ''] : []))
      .join('\n')
  const ingress = (name: string, more: Readonly<Record<string, string>> = {}): Promise<void> =>
    stage.ingress(name, { rules: [ingressRule(`${name}.example`, ['/', 'Prefix', 'one'])] }, { annotations: { ...wanted, ...more } })

  it('nobody passes before the Secret is there, and then who has logged in', async () => {
    await ingress('shop')
    await eventually('a closed route', async () => (await ask('https://shop.example/a')).status === 503)
    await eventually('why', async () => /the Secret default\/oidc is not used: it does not exist/.test(await events()))
    await createSecret(secret)
    await eventually('an open door', async () => (await ask('https://shop.example/a')).status === 401)
    const ann = browser()
    const back = await ann.logIn('https://shop.example/a?b=%2Fc&d')
    assert.deepEqual([back.status, back.location], [303, 'https://shop.example/a?b=%2Fc&d'])
    assert.match(
      back.head,
      /^set-cookie: __Host-sampan-in-[0-9a-f]{16}=[\w-]+; Path=\/; Max-Age=28800; Secure; HttpOnly; SameSite=Lax\r?$/im,
    )
    for (const header of ['cache-control: no-store', 'referrer-policy: no-referrer']) assert.ok(back.head.includes(header), back.head)
    const answer = await ann.open(back.location)
    assert.deepEqual([told(answer)['x-user'], (JSON.parse(answer.body) as { url: string }).url], ['ann', '/a?b=%2Fc&d'])
  })

  it('pods are told who it is by the gateway alone, and get none of its cookies', async () => {
    const ann = browser()
    await ann.logIn('https://shop.example/')
    const lies = ['-H', 'X-User: root', '-H', 'x_user: root', '-H', 'X-Groups: admin', '-H', 'x-kept: 1', '-H', 'Cookie: own=1; theirs=2']
    for (const version of ['--http1.1', '--http2'])
      for (let times = 0; times < 2; times++) {
        const headers = told(await ann.open('https://shop.example/', version, ...lies))
        assert.deepEqual(
          [headers['x-user'], headers['x-groups'], headers['x_user'], headers['x-kept']],
          ['ann', 'staff,dev', undefined, '1'],
        )
        assert.ok(!JSON.stringify(headers).includes('__Host-'), JSON.stringify(headers))
        assert.match(headers['cookie'] ?? '', /own=1; theirs=2/)
      }
    assert.equal(told(await ann.open('https://shop.example/'))['cookie'], undefined)
  })

  it('whoever is no person at a page is told that nobody is in, and http leads to https', async () => {
    for (const args of [
      [],
      ['-H', 'Accept: application/json'],
      [...HTML, '-X', 'POST'],
      [...HTML, '-H', 'Sec-Fetch-Mode: cors'],
      [...HTML, '-H', 'X-Requested-With: XMLHttpRequest'],
      [...HTML, '-H', 'Connection: Upgrade', '-H', 'Upgrade: websocket', '-H', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '--http1.1'],
    ]) {
      const { status, head } = await ask('https://shop.example/a', ...args)
      assert.equal(status, 401, args.join(' '))
      assert.ok(!/^(?:location|set-cookie):/im.test(head), head)
    }
    assert.equal((await ask('https://shop.example/a', '-H', 'Sec-Fetch-Mode: navigate')).status, 303)
    const plain = await ask('http://shop.example/a?b', ...HTML)
    assert.deepEqual([plain.status, plain.location], [308, 'https://shop.example/a?b'])
    assert.equal((await ask('http://shop.example/a', '-X', 'POST')).status, 403)
    // Another spelling of a path leads past nobody.
    for (const path of ['//x/../%61', '/oauth2/callback', '/oauth2/callback?state=x', '/%6fauth2/callback?state=x&code=y'])
      assert.equal((await ask(`https://shop.example${path}`, '--path-as-is')).status, 401, path)
  })

  it('what one has is no good to another, at another host, or made up', async () => {
    await ingress('other')
    await eventually('the other host', async () => (await ask('https://other.example/')).status === 401)
    const [ann, eve] = [browser(), browser()]
    // Eve makes Ann come in as Eve; then she has seen where Ann was sent back to.
    const own = await eve.begin('https://shop.example/')
    assert.equal((await ann.open(own)).status, 400)
    await ann.begin('https://shop.example/')
    const mixed = await ann.open(own)
    assert.deepEqual([mixed.status, /^set-cookie: __Host-sampan-in/im.test(mixed.head)], [400, false])
    const anns = await ann.begin('https://shop.example/')
    assert.equal((await eve.open(anns)).status, 400)
    assert.equal((await ann.open(anns)).status, 303)
    assert.equal((await ann.open(anns.replace('code=', 'code=0'))).status, 303, 'who is in stays whom he is')
    const { head } = await browser().logIn('https://shop.example/')
    const [, name = '', value = ''] = /^set-cookie: (__Host-sampan-in-[0-9a-f]+)=([\w-]+)/im.exec(head) ?? []
    const shows = async (host: string, cookie: string): Promise<number> => (await ask(`https://${host}/`, '-H', `Cookie: ${cookie}`)).status
    assert.equal(await shows('shop.example', `${name}=${value}`), 200)
    assert.equal(await shows('other.example', `${name}=${value}`), 401)
    for (const cookie of [
      `${name}=${value}x`,
      `${name}=${value.slice(0, -1)}`,
      `${name}=${value}; ${name}=${value}`,
      `${name}=`,
      `${name}=${'A'.repeat(8000)}`,
      name,
    ])
      assert.equal(await shows('shop.example', cookie), 401, cookie.slice(0, 60))
    // It leads nowhere but back to the host.
    const far = await ann.open('https://shop.example//evil.example/%0d%0ax')
    assert.equal(far.status, 200)
    const back = await browser().logIn('https://shop.example//evil.example/')
    assert.equal(back.location, 'https://shop.example//evil.example/')
  })

  it('who may ask is of a route, a host has several, and what is not understood closes them', async () => {
    await ingress('staff', { 'sampan.io/login-require': 'groups=admin' })
    await ingress('typo', { 'sampan.io/login-requires': 'groups=admin' })
    await eventually(
      'both',
      async () => (await ask('https://staff.example/')).status === 401 && (await ask('https://typo.example/')).status === 503,
    )
    const ann = browser()
    const { location } = await ann.logIn('https://staff.example/')
    assert.equal((await ann.open(location)).status, 403)
    await eventually('why', async () => /login-requires.* is not known/.test(await events()))
    // Another Ingress of the host, by the same door and by another: both take back their own.
    const door = { ...wanted, 'sampan.io/login-session-seconds': '600' }
    for (const [at, annotations] of [wanted, door].entries())
      await stage.ingress(`more${at}`, { rules: [ingressRule('shop.example', [`/more${at}`, 'Prefix', 'one'])] }, { annotations })
    await eventually('both paths', async () => (await ask('https://shop.example/more1', ...HTML)).head.includes('__Host-sampan-at-'))
    const one = browser()
    await one.logIn('https://shop.example/')
    assert.equal(told(await one.open('https://shop.example/more0'))['x-user'], 'ann')
    assert.match((await one.logIn('https://shop.example/more1')).head, /Max-Age=600;/)
    assert.deepEqual([(await one.open('https://shop.example/more1')).status, (await one.open('https://shop.example/')).status], [200, 200])
  })

  it('an HTTPRoute can ask for it too', async () => {
    const create = (plural: string, kind: string, name: string, spec: object, annotations = {}): Promise<object> =>
      stage.client.raw(stage.scope, {
        method: 'POST',
        path: `${ROUTES}/${plural}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name, annotations }, spec }),
      })
    const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }]
    await create('gateways', 'Gateway', 'web', { gatewayClassName: 'sampan', listeners })
    const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/app' } }], backendRefs: [{ name: 'one', port: 80 }] }]
    await create('httproutes', 'HTTPRoute', 'route', { parentRefs: [{ name: 'web' }], hostnames: ['route.example'], rules }, wanted)
    await eventually('a route', async () => (await ask('http://route.example/app', ...HTML)).status === 308)
    // Its listener has no https: what comes there is for nobody.
    assert.equal((await ask('https://route.example/app')).status, 404)
    const { certificate, key } = await issueLeaf(stage.scope, await createAuthority(stage.scope, 'web', DAY_MS), {
      subject: { commonName: 'route.example' },
      names: ['route.example'],
      lifetimeMs: DAY_MS,
      usages: ['serverAuth'],
    })
    await stage.client.resource(refs.secrets).create(stage.scope, {
      metadata: { name: 'route', namespace: NAMESPACE },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': certificate, 'tls.key': key },
    })
    const https = { name: 'https', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'route' }] } }
    await create('gateways', 'Gateway', 'secure', { gatewayClassName: 'sampan', listeners: [https] })
    await create('httproutes', 'HTTPRoute', 'secure', { parentRefs: [{ name: 'secure' }], hostnames: ['route.example'], rules }, wanted)
    await eventually('https', async () => (await ask('https://route.example/app')).status === 401)
    const ann = browser()
    const { location } = await ann.logIn('https://route.example/app')
    assert.equal(told(await ann.open(location, '-H', 'x-user: root'))['x-user'], 'ann')
  })

  it('one logs out, and a page of somebody else does not do it', async () => {
    const ann = browser()
    await ann.logIn('https://shop.example/')
    assert.equal((await ann.open('https://shop.example/oauth2/logout', '-H', 'Sec-Fetch-Site: cross-site')).status, 403)
    assert.equal((await ann.open('https://shop.example/')).status, 200)
    const kept = `${ann.jar}.kept`
    const { status, location } = await ann.open('https://shop.example/oauth2/logout', '-c', kept)
    assert.deepEqual([status, new URL(location).pathname], [303, '/end'])
    assert.equal((await ann.open('https://shop.example/oauth2/logout')).status, 200)
    assert.equal((await ann.open('https://shop.example/')).status, 303)
  })

  it('while the issuer is away those who are in go on, and nobody else comes in; the Secret may change', async () => {
    const ann = browser()
    await ann.logIn('https://shop.example/')
    const late = browser()
    const address = await late.begin('https://shop.example/')
    issuer.isDown = true
    const page = await late.open(address)
    assert.equal(page.status, 503)
    assert.match(page.body, /Nobody can log in now/)
    assert.match(page.head, /^retry-after: 5\r?$/im)
    assert.equal((await ann.open('https://shop.example/')).status, 200)
    issuer.isDown = false
    const { starts } = stage.gateway.stats()
    // Who has come in by another secret has not come in by this one.
    const name = { namespace: NAMESPACE, name: 'oidc' }
    const change = (body: object): Promise<object> => stage.client.resource(refs.secrets).patch(stage.scope, name, { type: 'merge', body })
    await change({ stringData: { 'client-secret': 'another one' } })
    await eventually('nobody is in', async () => (await ann.open('https://shop.example/')).status === 303)
    assert.equal((await browser().logIn('https://shop.example/')).status, 503)
    await change({ stringData: { 'client-secret': 'secret of the shop' } })
    await eventually('a login', async () => (await browser().logIn('https://shop.example/')).status === 303)
    assert.equal(stage.gateway.stats().starts, starts)
  })

  it('the next gateway knows who is in; without one those are let in who were seen a moment ago', async () => {
    const ann = browser()
    await ann.logIn('https://shop.example/')
    // Somebody has kept what a browser showed that has logged out.
    const [gone, thief] = [browser(), browser()]
    await gone.logIn('https://shop.example/')
    copyFileSync(gone.jar, thief.jar)
    assert.equal((await gone.open('https://shop.example/oauth2/logout')).status, 303)
    const statuses = async (times: number): Promise<ReadonlySet<number>> => {
      const seen = new Set<number>()
      for (let at = 0; at < times; at++) seen.add((await ann.open('https://shop.example/')).status)
      return seen
    }
    assert.deepEqual([...(await statuses(10))], [200])
    await stage.pause()
    // Each thread remembers whom it has seen itself.
    const seen = await statuses(10)
    assert.ok(seen.has(200) && [...seen].every((one) => one === 200 || one === 503), JSON.stringify([...seen]))
    assert.equal((await browser().open('https://shop.example/')).status, 503)
    await stage.again()
    assert.deepEqual([...(await statuses(4))], [200])
    assert.equal((await thief.open('https://shop.example/')).status, 303)
    // Without its key nothing that was given is worth anything.
    await stage.pause()
    rmSync(join(stage.stateDir, 'login.key'))
    await stage.again()
    await eventually('nobody is in', async () => (await ann.open('https://shop.example/')).status === 303)
    assert.equal((await ann.logIn('https://shop.example/')).status, 303)
  })
})
