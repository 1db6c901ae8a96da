import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type KeyPair, createAuthority } from '#base'
import { type KubeObject, type ResourceRef, refs } from '#api'
import { eventually } from '#testing/basics'
import { GATEWAY_ADDRESS, type Stage, ingressRule, makeStage, noGateway, podAddress, serverLeaf } from './gateway/stage.ts'

interface Said {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly observedGeneration?: number
}
interface Judged extends KubeObject {
  readonly spec: object
  readonly status?: {
    readonly conditions?: readonly Said[]
    readonly addresses?: readonly { readonly value: string }[]
    readonly listeners?: readonly { readonly name: string; readonly attachedRoutes: number; readonly conditions: readonly Said[] }[]
    readonly parents?: readonly { readonly parentRef: { readonly name: string }; readonly conditions: readonly Said[] }[]
  }
}
interface Answer {
  readonly status: number
  readonly by?: string
  readonly url?: string
  readonly headers: Readonly<Record<string, string>>
}

const DAY_MS = 86_400_000
const skip = noGateway()
const kind = (name: string, plural: string, version = 'v1'): ResourceRef<Judged> => ({
  group: 'gateway.networking.k8s.io',
  version,
  kind: name,
  plural,
  namespaced: true,
})
const gateways = kind('Gateway', 'gateways')
const httpRoutes = kind('HTTPRoute', 'httproutes')
const grpcRoutes = kind('GRPCRoute', 'grpcroutes')
const tlsRoutes = kind('TLSRoute', 'tlsroutes')
const grants = kind('ReferenceGrant', 'referencegrants', 'v1beta1')
const to = (name: string, more: object = {}): object => ({ name, port: 80, ...more })
const path = (value: string, type = 'PathPrefix'): object => ({ path: { type, value } })
const texts = (conditions: readonly Said[] | undefined): readonly string[] =>
  (conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`)

/** Real requests through a real HAProxy, led by Gateways and their routes. The tests build on each other, in this order. */
describe('Gateway API', { skip: skip ?? false }, () => {
  let stage: Stage
  let authority: KeyPair
  before(async () => {
    stage = await makeStage()
    authority = await createAuthority(stage.scope, 'test', DAY_MS)
    for (const [name, pod] of [
      ['one', 1],
      ['two', 2],
      ['three', 3],
    ] as const)
      await stage.service(name, [pod])
  })
  after(() => stage.close())

  const make = <T extends KubeObject>(ref: ResourceRef<T>, name: string, spec: object, namespace = 'default'): Promise<T> =>
    stage.client.resource(ref).create(stage.scope, { metadata: { name, namespace }, spec } as unknown as T)
  const gateway = (name: string, ...listeners: readonly object[]): Promise<Judged> =>
    make(gateways, name, { gatewayClassName: 'sampan', listeners })
  const route = (name: string, parents: readonly object[], hostnames: readonly string[], ...rules: readonly object[]): Promise<Judged> =>
    make(httpRoutes, name, { parentRefs: parents, ...(hostnames.length === 0 ? {} : { hostnames }), rules })
  /** Once it is judged as it is now. */
  const judged = (ref: ResourceRef<Judged>, name: string): Promise<Judged> =>
    eventually(`${name} to be judged`, async () => {
      const found = await stage.client.resource(ref).get(stage.scope, { namespace: 'default', name })
      const said = found.status?.parents?.[0]?.conditions ?? found.status?.conditions
      return said?.[0]?.observedGeneration === found.metadata?.generation && found
    })
  const said = async (ref: ResourceRef<Judged>, name: string): Promise<readonly string[]> => {
    const { status } = await judged(ref, name)
    return texts(status?.parents?.[0]?.conditions ?? status?.conditions)
  }
  /** Its conditions in the end, or the first one alone: what they depend on may be seen later than the object. */
  const says = async (ref: ResourceRef<Judged>, name: string, ...wanted: readonly string[]): Promise<void> => {
    let last: readonly string[] = []
    await eventually(`${name} to say ${wanted.join(', ')}`, async () => {
      last = await said(ref, name)
      assert.deepEqual(wanted.length === 1 ? last.slice(0, 1) : last, wanted)
      return true
    })
  }
  const get = async (url: string, ...args: readonly string[]): Promise<Answer> => {
    const { status, body } = await stage.curl(...args, url)
    return { status, headers: {}, ...(body.startsWith('{') ? (JSON.parse(body) as object) : {}) }
  }
  const at = (host: string, target: string, ...args: readonly string[]): Promise<Answer> =>
    get(`http://${GATEWAY_ADDRESS}${target}`, '-H', `Host: ${host}`, ...args)
  const leads = (host: string, target: string, pod: number, ...args: readonly string[]): Promise<boolean> =>
    eventually(`${host}${target} to lead to pod ${pod}`, async () => (await at(host, target, ...args)).by === podAddress(pod))
  const head = async (host: string, target: string, ...args: readonly string[]): Promise<string> =>
    (await stage.curl('-i', '-H', `Host: ${host}`, ...args, `http://${GATEWAY_ADDRESS}${target}`)).body

  it('makes the kinds and a class, and says what it supports', async () => {
    const ref = { ...kind('GatewayClass', 'gatewayclasses'), namespaced: false }
    const found = await eventually('the class', async () => {
      const one = await stage.client.resource(ref).get(stage.scope, { name: 'sampan' })
      return texts(one.status?.conditions)[0] === 'Accepted True Accepted' && one
    })
    assert.deepEqual(texts(found.status?.conditions), ['Accepted True Accepted', 'SupportedVersion True SupportedVersion'])
  })

  it('leads by host, path, method, headers and queries, the most exact match first', async () => {
    await gateway('web', { name: 'http', port: 80, protocol: 'HTTP' })
    await route(
      'matches',
      [{ name: 'web' }],
      ['match.example'],
      { matches: [path('/')], backendRefs: [to('one')] },
      { matches: [path('/v2'), { ...path('/'), headers: [{ name: 'Version', value: 'two' }] }], backendRefs: [to('two')] },
      { matches: [path('/v2/only', 'Exact'), { ...path('/v2'), method: 'PUT' }], backendRefs: [to('three')] },
      { matches: [{ ...path('/'), queryParams: [{ name: 'animal', value: 'whale' }] }], backendRefs: [to('three')] },
      { matches: [path('/r/[a-c]+/x', 'RegularExpression')], backendRefs: [to('two')] },
    )
    await leads('match.example', '/', 1)
    await says(httpRoutes, 'matches', 'Accepted True Accepted', 'ResolvedRefs True ResolvedRefs')
    await leads('match.example', '/v2/deep', 2)
    await leads('match.example', '/v2example', 1)
    await leads('match.example', '/x', 2, '-H', 'version: two')
    await leads('match.example', '/v2/only', 3)
    await leads('match.example', '/v2/x', 3, '-X', 'PUT')
    await leads('match.example', '/?animal=whale', 3)
    await leads('match.example', '/?animal=hydra', 1)
    // Of a header and a query the header is more exact.
    await leads('match.example', '/?animal=whale', 2, '-H', 'version: two')
    await leads('match.example', '/r/abc/x', 2)
    await leads('match.example', '/r/abd/x', 1)
    assert.equal((await at('else.example', '/')).status, 404)
    // Not at the other port, where no listener is.
    assert.equal((await get('https://match.example/', '-k', '--resolve', `match.example:443:${GATEWAY_ADDRESS}`)).status, 404)
  })

  it('says how Gateways and listeners stand, and counts their routes', async () => {
    const { status, metadata } = await eventually('the routes to be counted', async () => {
      const found = await judged(gateways, 'web')
      return found.status?.listeners?.[0]?.attachedRoutes === 1 && found
    })
    assert.deepEqual(texts(status?.conditions), ['Accepted True Accepted', 'Programmed True Programmed'])
    assert.deepEqual(
      status?.addresses?.map(({ value }) => value),
      [GATEWAY_ADDRESS],
    )
    const [listener] = status?.listeners ?? []
    assert.deepEqual(
      [listener?.name, listener?.attachedRoutes, texts(listener?.conditions)],
      [
        'http',
        1,
        ['Accepted True Accepted', 'Conflicted False NoConflicts', 'ResolvedRefs True ResolvedRefs', 'Programmed True Programmed'],
      ],
    )
    assert.equal(listener?.conditions[0]?.observedGeneration, metadata?.generation)
  })

  it('answers for those who are not there as weights say, and shares among the others', async () => {
    await route(
      'weights',
      [{ name: 'web' }],
      ['weight.example'],
      { matches: [path('/none')], backendRefs: [to('missing')] },
      { matches: [path('/half')], backendRefs: [to('one', { weight: 1 }), to('missing', { weight: 1 })] },
      { matches: [path('/zero')], backendRefs: [to('one', { weight: 0 })] },
      { matches: [path('/nobody')] },
      { matches: [path('/')], backendRefs: [to('one', { weight: 9 }), to('two', { weight: 1 }), to('three', { weight: 0 })] },
    )
    await leads('weight.example', '/', 1)
    await says(httpRoutes, 'weights', 'Accepted True Accepted', 'ResolvedRefs False BackendNotFound')
    for (const target of ['/none', '/zero', '/nobody']) assert.equal((await at('weight.example', target)).status, 500, target)
    const many = async (target: string): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {}
      for (const { status, by } of await Promise.all(Array.from({ length: 40 }, () => at('weight.example', target)))) {
        const name = by ?? String(status)
        counts[name] = (counts[name] ?? 0) + 1
      }
      return counts
    }
    assert.deepEqual(Object.keys(await many('/half')).sort(), [podAddress(1), '500'])
    const shares = await many('/')
    assert.ok(
      (shares[podAddress(1)] ?? 0) > 25 && (shares[podAddress(2)] ?? 0) > 0 && Object.keys(shares).length === 2,
      JSON.stringify(shares),
    )
    // A Service that is made later.
    await stage.service('missing', [3])
    await leads('weight.example', '/none', 3)
    await says(httpRoutes, 'weights', 'Accepted True Accepted', 'ResolvedRefs True ResolvedRefs')
  })

  it('changes requests and answers, and redirects', async () => {
    const headers = (changes: object): object => ({ type: 'RequestHeaderModifier', requestHeaderModifier: changes })
    const redirect = (requestRedirect: object): object => ({ type: 'RequestRedirect', requestRedirect })
    const rewrite = (urlRewrite: object): object => ({ type: 'URLRewrite', urlRewrite })
    await route(
      'filters',
      [{ name: 'web' }],
      ['filter.example'],
      {
        matches: [path('/headers')],
        filters: [
          headers({ set: [{ name: 'X-Set', value: 'new' }], add: [{ name: 'X-Add', value: 'more' }], remove: ['X-Gone'] }),
          {
            type: 'ResponseHeaderModifier',
            responseHeaderModifier: { set: [{ name: 'X-Answer', value: 'a "b"; c' }], remove: ['Content-Type'] },
          },
        ],
        backendRefs: [to('one', { filters: [headers({ set: [{ name: 'X-Backend', value: 'one' }] })] })],
      },
      {
        matches: [path('/prefix/one')],
        filters: [rewrite({ hostname: 'inner.example', path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/one' } })],
        backendRefs: [to('one')],
      },
      {
        matches: [path('/strip')],
        filters: [rewrite({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } })],
        backendRefs: [to('one')],
      },
      {
        matches: [path('/full')],
        filters: [rewrite({ path: { type: 'ReplaceFullPath', replaceFullPath: '/all' } })],
        backendRefs: [to('one')],
      },
      { matches: [path('/to-https')], filters: [redirect({ scheme: 'https', statusCode: 301 })] },
      {
        matches: [path('/old')],
        filters: [
          redirect({
            hostname: 'new.example',
            port: 8080,
            path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' },
            statusCode: 308,
          }),
        ],
      },
    )
    await leads('filter.example', '/headers', 1)
    const changed = await at('filter.example', '/headers', '-H', 'x-set: old', '-H', 'x-gone: here')
    assert.deepEqual(
      ['x-set', 'x-add', 'x-gone', 'x-backend'].map((name) => changed.headers[name]),
      ['new', 'more', undefined, 'one'],
    )
    const answered = await head('filter.example', '/headers')
    assert.match(answered, /x-answer: a "b"; c/i)
    assert.doesNotMatch(answered, /content-type:/i)
    const { url, headers: seen } = await at('filter.example', '/prefix/one/two?q=1')
    assert.deepEqual([url, seen['host']], ['/one/two?q=1', 'inner.example'])
    for (const [asked, led] of [
      ['/strip', '/'],
      ['/strip/', '/'],
      ['/strip/a', '/a'],
      ['/full/x?q', '/all?q'],
    ] as const)
      assert.equal((await at('filter.example', asked)).url, led)
    const place = (target: string): Promise<string> =>
      stage
        .curl('--write-out', '%{redirect_url} %{http_code}\n', '-H', 'Host: filter.example', `http://${GATEWAY_ADDRESS}${target}`)
        .then(({ body }) => body)
    assert.match(await place('/to-https/a?b'), /^https:\/\/filter\.example\/to-https\/a\?b 301/)
    assert.match(await place('/old/a'), /^http:\/\/new\.example:8080\/new\/a 308/)
  })

  it('gives up on a backend after the time that a route says', async () => {
    await route('slow', [{ name: 'web' }], ['slow.example'], { timeouts: { request: '300ms' }, backendRefs: [to('one')] })
    await leads('slow.example', '/', 1)
    assert.equal((await at('slow.example', '/slow')).status, 504)
  })

  it('refuses by name what it does not do, and serves the rest', async () => {
    const own = { type: 'ExtensionRef', extensionRef: { group: 'x.example', kind: 'X', name: 'x' } }
    await route('refused', [{ name: 'web' }], ['refused.example'], { filters: [own], backendRefs: [to('one')] })
    await says(httpRoutes, 'refused', 'Accepted False UnsupportedValue', 'ResolvedRefs True ResolvedRefs')
    await route(
      'partly',
      [{ name: 'web' }],
      ['partly.example'],
      { matches: [path('/retry')], retry: { backoff: '1s' }, backendRefs: [to('one')] },
      { backendRefs: [to('two')] },
    )
    await says(httpRoutes, 'partly', 'Accepted True Accepted', 'ResolvedRefs True ResolvedRefs', 'PartiallyInvalid True UnsupportedValue')
    await leads('partly.example', '/retry', 2)
    const split = { set: [{ name: 'X-A', value: 'a\r\nX-B: b' }] }
    await route('split', [{ name: 'web' }], ['split.example'], {
      filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: split }],
      backendRefs: [to('one')],
    })
    await says(httpRoutes, 'split', 'Accepted False UnsupportedValue')
    assert.equal((await at('split.example', '/')).status, 404)
  })

  it('attaches routes as listeners allow, and says why it does not', async () => {
    await gateway(
      'parts',
      { name: 'a', port: 80, protocol: 'HTTP', hostname: 'a.parts.example' },
      { name: 'all', port: 18080, protocol: 'HTTP', hostname: '*.parts.example', allowedRoutes: { namespaces: { from: 'All' } } },
      { name: 'grpc', port: 18081, protocol: 'HTTP', allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] } },
    )
    const backendRefs = [to('one')]
    await route('no-listener', [{ name: 'parts', sectionName: 'b' }], [], { backendRefs })
    await route('no-port', [{ name: 'parts', port: 81 }], [], { backendRefs })
    await route('no-kind', [{ name: 'parts', sectionName: 'grpc' }], [], { backendRefs })
    await route('no-host', [{ name: 'parts', sectionName: 'a' }], ['b.parts.example'], { backendRefs })
    await route('at-port', [{ name: 'parts', port: 18080 }], ['x.parts.example', 'else.example'], { backendRefs })
    await says(httpRoutes, 'no-listener', 'Accepted False NoMatchingParent')
    await says(httpRoutes, 'no-port', 'Accepted False NoMatchingParent')
    await says(httpRoutes, 'no-kind', 'Accepted False NotAllowedByListeners')
    await says(httpRoutes, 'no-host', 'Accepted False NoMatchingListenerHostname')
    await says(httpRoutes, 'at-port', 'Accepted True Accepted')
    const there = (host: string): Promise<Answer> => get(`http://${GATEWAY_ADDRESS}:18080/`, '-H', `Host: ${host}`)
    await eventually('port 18080', async () => (await there('x.parts.example').catch(() => undefined))?.by === podAddress(1))
    assert.equal((await there('else.example')).status, 404)
    assert.equal((await at('x.parts.example', '/')).status, 404)
    // No host leads to what is at another port, or is called as a key is.
    assert.equal((await at('18080:x.parts.example', '/')).status, 404)
    assert.equal((await at('*.parts.example', '/')).status, 400)
    assert.equal((await at('match.example/v2', '/')).status, 400)
    assert.equal((await there('x.parts.example')).headers['x-forwarded-port'], '18080')
  })

  it('lets other namespaces in where both sides say so', async () => {
    await stage.client.resource(refs.namespaces).create(stage.scope, { metadata: { name: 'other', labels: { team: 'a' } } })
    const parentRefs = [{ name: 'parts', namespace: 'default', sectionName: 'all' }]
    const spec = { parentRefs, hostnames: ['other.parts.example'], rules: [{ backendRefs: [{ ...to('one'), namespace: 'default' }] }] }
    await make(httpRoutes, 'guest', spec, 'other')
    const guest = (): Promise<readonly string[]> =>
      stage.client
        .resource(httpRoutes)
        .get(stage.scope, { namespace: 'other', name: 'guest' })
        .then(({ status }) => texts(status?.parents?.[0]?.conditions))
    await eventually('the guest to be judged', async () => (await guest())[1] === 'ResolvedRefs False RefNotPermitted')
    const there = (): Promise<Answer> => get(`http://${GATEWAY_ADDRESS}:18080/`, '-H', 'Host: other.parts.example')
    await eventually('an answer for it', async () => (await there()).status === 500)
    await make(grants, 'let', {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'other' }],
      to: [{ group: '', kind: 'Service', name: 'one' }],
    })
    await eventually('the grant to count', async () => (await there()).by === podAddress(1))
    await eventually('the guest to be let in', async () => (await guest())[1] === 'ResolvedRefs True ResolvedRefs')
  })

  it('leads hosts under a star however deep they are, and listeners keep their hosts to themselves', async () => {
    await gateway(
      'isolated',
      { name: 'any', port: 18082, protocol: 'HTTP' },
      { name: 'wide', port: 18082, protocol: 'HTTP', hostname: '*.iso.example' },
      { name: 'deep', port: 18082, protocol: 'HTTP', hostname: '*.foo.iso.example' },
    )
    for (const [name, pod] of [
      ['any', 'one'],
      ['wide', 'two'],
      ['deep', 'three'],
    ] as const)
      await route(`iso-${name}`, [{ name: 'isolated', sectionName: name }], [], { matches: [path(`/${name}`)], backendRefs: [to(pod)] })
    const there = (host: string, target: string): Promise<Answer> => get(`http://${GATEWAY_ADDRESS}:18082${target}`, '-H', `Host: ${host}`)
    // The last of the routes, which are judged in their order.
    await eventually('port 18082', async () => (await there('bar.foo.iso.example', '/deep').catch(() => undefined))?.by === podAddress(3))
    for (const [host, target, pod] of [
      ['bar.com', '/wide', undefined],
      ['bar.iso.example', '/wide', 2],
      ['bar.iso.example', '/any', undefined],
      ['a.b.c.iso.example', '/wide', 2],
      ['a.b.c.iso.example', '/any', undefined],
      ['bar.foo.iso.example', '/deep', 3],
      ['a.bar.foo.iso.example', '/deep', 3],
      ['a.bar.foo.iso.example', '/wide', undefined],
      ['bar.foo.iso.example', '/any', undefined],
    ] as const) {
      const { status, by } = await there(host, target)
      assert.deepEqual([status, by], pod === undefined ? [404, undefined] : [200, podAddress(pod)], `${host}${target}`)
    }
  })

  it('ends TLS with certificates of Secrets, beside Ingresses and redirects from HTTP', async () => {
    const leaf = await serverLeaf(stage, authority, 'secure.example')
    const secret = { 'tls.crt': leaf.certificate, 'tls.key': leaf.key }
    await gateway('secure', {
      name: 'https',
      port: 443,
      protocol: 'HTTPS',
      hostname: 'secure.example',
      tls: { certificateRefs: [{ name: 'secure' }] },
    })
    await says(gateways, 'secure', 'Accepted True Accepted', 'Programmed False Invalid')
    await eventually('the listener to say why', async () =>
      texts((await judged(gateways, 'secure')).status?.listeners?.[0]?.conditions).includes('ResolvedRefs False InvalidCertificateRef'),
    )
    await stage.client.resource(refs.secrets).create(stage.scope, {
      metadata: { name: 'secure', namespace: 'default' },
      type: 'kubernetes.io/tls',
      data: Object.fromEntries(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
    })
    // Something of the Gateway's makes it look again; a Secret alone is looked at once a minute.
    await stage.client
      .resource(gateways)
      .patch(
        stage.scope,
        { namespace: 'default', name: 'secure' },
        { type: 'merge', body: { spec: { infrastructure: { labels: { a: 'b' } } } } },
      )
    await route('secure', [{ name: 'secure' }], [], { backendRefs: [to('two')] })
    await route('insecure', [{ name: 'web' }], ['secure.example'], {
      filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }],
    })
    writeFileSync(join(stage.stateDir, 'ca.pem'), authority.certificate)
    const there = (): Promise<Answer> =>
      get('https://secure.example/', '--cacert', join(stage.stateDir, 'ca.pem'), '--resolve', `secure.example:443:${GATEWAY_ADDRESS}`)
    await eventually('https', async () => (await there().catch(() => undefined))?.by === podAddress(2))
    await says(gateways, 'secure', 'Accepted True Accepted', 'Programmed True Programmed')
    await eventually('the redirect', async () => (await head('secure.example', '/x')).startsWith('HTTP/1.1 301 '))
    assert.equal((await there()).headers['x-forwarded-proto'], 'https')
  })

  it('lives beside Ingresses: of the same host and path the older has it, and both are named', async () => {
    await stage.ingress('older', {
      rules: [ingressRule('both.example', ['/', 'Prefix', 'one'])],
    })
    await leads('both.example', '/', 1)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await route(
      'younger',
      [{ name: 'web' }],
      ['both.example'],
      { backendRefs: [to('two')] },
      { matches: [path('/new')], backendRefs: [to('two')] },
      { matches: [{ ...path('/'), headers: [{ name: 'x-new', value: '1' }] }], backendRefs: [to('three')] },
    )
    await leads('both.example', '/new', 2)
    await leads('both.example', '/', 3, '-H', 'x-new: 1')
    assert.equal((await get('https://both.example/', '-k', '--resolve', `both.example:443:${GATEWAY_ADDRESS}`)).by, podAddress(1))
    const events = await eventually('an event', async () => {
      const { items } = await stage.client.resource(refs.events).list(stage.scope, { namespace: 'default' })
      const found = items.filter(({ reason, involvedObject }) => reason === 'RouteConflict' && involvedObject.name === 'younger')
      return found.length > 0 && found
    })
    assert.match(events[0]?.message ?? '', /^both\.example\/ \(PathPrefix\) belongs to the Ingress default\/older, which is older$/)
    assert.equal((await at('both.example', '/')).by, podAddress(1))
  })

  it('speaks HTTP/2 to pods that say so, and leads gRPC by service and method', async () => {
    await stage.pod('echo-h2.ts', `${podAddress(4)}:8090`)
    for (const [name, appProtocol] of [
      ['h2', 'kubernetes.io/h2c'],
      ['grpc', undefined],
    ] as const) {
      await stage.client.resource(refs.services).create(stage.scope, {
        metadata: { name, namespace: 'default' },
        spec: { ports: [{ name: 'web', port: 80, protocol: 'TCP', ...(appProtocol === undefined ? {} : { appProtocol }) }] },
      })
      await stage.client.resource(refs.endpointslices).create(stage.scope, {
        metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports: [{ name: 'web', port: 8090, protocol: 'TCP' }],
        endpoints: [{ addresses: [podAddress(4)], conditions: { ready: true } }],
      })
    }
    await route('h2', [{ name: 'web' }], ['h2.example'], { backendRefs: [to('h2')] })
    await leads('h2.example', '/', 4)
    await make(grpcRoutes, 'grpc', {
      parentRefs: [{ name: 'web' }],
      hostnames: ['grpc.example'],
      rules: [
        { matches: [{ method: { service: 'shop.Cart', method: 'Add' } }], backendRefs: [to('grpc')] },
        { matches: [{ method: { service: 'shop.Gone' } }], backendRefs: [to('absent')] },
      ],
    })
    const call = (method: string): Promise<string> =>
      stage
        .curl(
          '--http2-prior-knowledge',
          '-i',
          '-X',
          'POST',
          '-H',
          'content-type: application/grpc',
          '-H',
          'te: trailers',
          '-H',
          'Host: grpc.example',
          '--data-binary',
          '',
          `http://${GATEWAY_ADDRESS}/${method}`,
        )
        .then(({ body }) => body)
    await eventually('gRPC', async () => (await call('shop.Cart/Add')).includes('grpc-status: 0'))
    assert.match(await call('shop.Cart/Add'), /^HTTP\/2 200[^]*x-by: /)
    // What clients take for UNIMPLEMENTED and UNAVAILABLE.
    assert.match(await call('shop.Cart/Drop'), /^HTTP\/2 404/)
    assert.match(await call('shop.Gone/Any'), /^HTTP\/2 503/)
  })

  it('leads TLS by the name that is asked for, without ending it, beside HTTPS at the same port', async () => {
    const leaf = await serverLeaf(stage, authority, 'pass', ['*.pass.example'])
    await stage.pod('echo-tls.ts', leaf.file, `${podAddress(3)}:8443`)
    await stage.client.resource(refs.services).create(stage.scope, {
      metadata: { name: 'tls', namespace: 'default' },
      spec: { ports: [{ name: 'web', port: 443, protocol: 'TCP' }] },
    })
    await stage.client.resource(refs.endpointslices).create(stage.scope, {
      metadata: { name: 'tls', namespace: 'default', labels: { 'kubernetes.io/service-name': 'tls' } },
      addressType: 'IPv4',
      ports: [{ name: 'web', port: 8443, protocol: 'TCP' }],
      endpoints: [{ addresses: [podAddress(3)], conditions: { ready: true } }],
    })
    await gateway('pass', { name: 'tls', port: 443, protocol: 'TLS', hostname: '*.pass.example', tls: { mode: 'Passthrough' } })
    await make(tlsRoutes, 'pass', {
      parentRefs: [{ name: 'pass' }],
      hostnames: ['*.pass.example'],
      rules: [{ backendRefs: [{ name: 'tls', port: 443 }] }],
    })
    const there = (host: string): Promise<Answer> =>
      get(`https://${host}/`, '--cacert', join(stage.stateDir, 'ca.pem'), '--resolve', `${host}:443:${GATEWAY_ADDRESS}`)
    await eventually('passthrough', async () => (await there('a.pass.example').catch(() => undefined))?.by === podAddress(3))
    await says(tlsRoutes, 'pass', 'Accepted True Accepted', 'ResolvedRefs True ResolvedRefs')
    // What is ended here still is, and knows who asks.
    const { by, headers } = await there('secure.example')
    assert.deepEqual([by, headers['x-forwarded-for'], headers['x-forwarded-port']], [podAddress(2), GATEWAY_ADDRESS, '443'])
  })

  it('speaks TLS to pods as a policy says, and to nobody who cannot prove who he is', async () => {
    // The pod of the test before is for *.pass.example.
    const policies = kind('BackendTLSPolicy', 'backendtlspolicies')
    await route('encrypted', [{ name: 'web' }], ['encrypted.example'], { backendRefs: [{ name: 'tls', port: 443 }] })
    await eventually('the route', async () => (await at('encrypted.example', '/')).status !== 404)
    const policy = await make(policies, 'tls', {
      targetRefs: [{ group: '', kind: 'Service', name: 'tls' }],
      validation: { hostname: 'in.pass.example', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }] },
    })
    await eventually('a policy without its authority', async () => (await at('encrypted.example', '/')).status === 503)
    const judgedAs = async (): Promise<readonly string[]> => {
      const { status } = await stage.client.resource(policies).get(stage.scope, { namespace: 'default', name: 'tls' })
      const [ancestor] = (status as { ancestors?: readonly { conditions: readonly Said[] }[] } | undefined)?.ancestors ?? []
      return texts(ancestor?.conditions)
    }
    await eventually('the policy to be judged', async () => (await judgedAs())[1] === 'ResolvedRefs False InvalidCACertificateRef')
    await stage.client
      .resource(refs.configmaps)
      .create(stage.scope, { metadata: { name: 'ca', namespace: 'default' }, data: { 'ca.crt': authority.certificate } })
    const change = (hostname: string): Promise<unknown> =>
      stage.client
        .resource(policies)
        .patch(
          stage.scope,
          { namespace: 'default', name: policy.metadata?.name ?? '' },
          { type: 'merge', body: { spec: { validation: { hostname } } } },
        )
    await change('other.pass.example')
    await leads('encrypted.example', '/', 3)
    await eventually('the policy to be accepted', async () => (await judgedAs())[0] === 'Accepted True Accepted')
    assert.deepEqual(await judgedAs(), ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'])
    await change('wrong.example')
    await eventually('a name that is not that of the pod', async () => (await at('encrypted.example', '/')).status === 503)
    await change('again.pass.example')
    await leads('encrypted.example', '/', 3)
  })

  it('says which ports it has not got, and serves all others', async () => {
    await stage.pod('echo.ts', `${GATEWAY_ADDRESS}:18099`)
    await gateway(
      'taken',
      { name: 'taken', port: 18099, protocol: 'HTTP' },
      { name: 'free', port: 18098, protocol: 'HTTP' },
      { name: 'odd', port: 443, protocol: 'HTTP' },
    )
    await route('taken', [{ name: 'taken' }], ['taken.example'], { backendRefs: [to('one')] })
    await eventually(
      'port 18098',
      async () => (await get(`http://${GATEWAY_ADDRESS}:18098/`, '-H', 'Host: taken.example').catch(() => undefined))?.by === podAddress(1),
    )
    const { status } = await eventually('the port to be refused', async () => {
      const found = await judged(gateways, 'taken')
      return texts(found.status?.listeners?.[0]?.conditions)[0] === 'Accepted False PortUnavailable' && found
    })
    assert.deepEqual(
      [texts(status?.conditions)[0], texts(status?.listeners?.[2]?.conditions)[0]],
      ['Accepted True ListenersNotValid', 'Accepted False PortUnavailable'],
    )
    assert.equal((await at('both.example', '/')).by, podAddress(1))
  })

  it('takes back what it said and served when a Gateway goes, and keeps it over a restart', async () => {
    await stage.again()
    await leads('match.example', '/v2/deep', 2)
    await stage.client.resource(gateways).delete(stage.scope, { namespace: 'default', name: 'web' })
    await eventually('the routes to go', async () => (await at('match.example', '/')).status === 404)
    await eventually('the status to go', async () => {
      const { status } = await stage.client.resource(httpRoutes).get(stage.scope, { namespace: 'default', name: 'matches' })
      return status?.parents?.length === 0
    })
  })
})
