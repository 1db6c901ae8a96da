import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Rule } from '#routing'
import { mergeConditions } from './status/conditions.ts'
import { covers, hostsOf, intersection } from './hostnames.ts'
import type { GRPCRoute, HTTPRoute, HTTPRouteMatch, HTTPRouteRule, Listener, ParentReference, ReferenceGrant } from './kinds.ts'
import { type ApiModel, type ApiWorld, apiModel, gatewayWith, http, meta } from './world.fixture.ts'
import { parentsOfRoute } from './status/statuses.ts'

const to = (name: string, more: object = {}): NonNullable<HTTPRouteRule['backendRefs']>[number] => ({ name, port: 80, ...more })
const path = (value: string, type = 'PathPrefix'): HTTPRouteMatch => ({ path: { type, value } })
function route(
  name: string,
  rules: readonly HTTPRouteRule[],
  more: Partial<HTTPRoute['spec']> = {},
  created?: string,
  namespace = 'x',
): HTTPRoute {
  return { metadata: meta(name, namespace, created), spec: { parentRefs: [{ name: 'g', namespace: 'x' }], rules, ...more } }
}
const world = (httpRoutes: readonly HTTPRoute[], more: Partial<ApiWorld> = {}, ...listeners: readonly Listener[]): ApiModel =>
  apiModel({ gateways: [gatewayWith('g', ...(listeners.length === 0 ? [http('a')] : listeners))], httpRoutes, ...more })
/** Where the rules of a key lead, one after the other. */
const leads = (rules: readonly Rule[] | undefined): readonly string[] | undefined =>
  rules?.map(({ action }) =>
    action.kind === 'forward' ? action.to.map(({ backend, weight }) => `${backend}*${weight}`).join(' ') : 'redirect',
  )

test('hosts of listeners and routes: where they meet', () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['', '', ''],
    ['', 'a.example', 'a.example'],
    ['*.example', '', '*.example'],
    ['a.example', '*.example', 'a.example'],
    ['*.example', 'b.a.example', 'b.a.example'],
    ['*.example', 'example', undefined],
    ['*.a.example', '*.example', '*.a.example'],
    ['*.example', '*.other', undefined],
    ['a.example', 'b.example', undefined],
    ['*.example', 'badexample', undefined],
  ]
  for (const [a, b, wanted] of cases) {
    assert.equal(intersection(a, b), wanted, `${a} and ${b}`)
    assert.equal(intersection(b, a), wanted, `${b} and ${a}`)
  }
  assert.deepEqual(hostsOf('*.example', ['A.example', 'a.example', 'other']), ['a.example'])
  assert.ok(!covers('*.example', '') && covers('', '*.example'))
})

test('of matches for one path: method, then more headers, then more queries, then the older route, then the first rule', () => {
  const header = (name: string): HTTPRouteMatch => ({ ...path('/'), headers: [{ name, value: 'v' }] })
  const young = route('young', [
    {
      matches: [
        {
          ...header('h1'),
          headers: [
            { name: 'h1', value: 'v' },
            { name: 'h2', value: 'v' },
          ],
        },
      ],
      backendRefs: [to('b')],
    },
  ])
  const { model } = world([
    young,
    route(
      'old',
      [
        { matches: [path('/')], backendRefs: [to('a', { weight: 1 })] },
        { matches: [{ ...path('/'), queryParams: [{ name: 'q', value: 'v' }] }], backendRefs: [to('a', { weight: 2 })] },
        { matches: [header('h1')], backendRefs: [to('a', { weight: 3 })] },
        { matches: [header('h2')], backendRefs: [to('a', { weight: 4 })] },
        { matches: [{ ...path('/'), method: 'PUT' }], backendRefs: [to('a', { weight: 5 })] },
        { matches: [path('/[a-z]+', 'RegularExpression')], backendRefs: [to('a', { weight: 6 })] },
      ],
      {},
      '2025-01-01T00:00:00Z',
    ),
  ])
  assert.deepEqual(leads(model.route('prefix', '/')), ['x/a:80*6', 'x/a:80*5', 'x/b:80*1', 'x/a:80*3', 'x/a:80*4', 'x/a:80*2', 'x/a:80*1'])
})

test('of two routes for the same the older has it, then the name; the other is told whose it is', () => {
  const same = [{ backendRefs: [to('a')] }]
  const { model } = world([route('b', [{ backendRefs: [to('b')] }]), route('a', same)])
  assert.deepEqual(leads(model.route('prefix', '/')), ['x/a:80*1'])
  assert.deepEqual(model.findings('HTTPRoute x/b'), [
    { reason: 'RouteConflict', message: 'any host/ (PathPrefix) belongs to the HTTPRoute x/a, which is older' },
  ])
  assert.deepEqual(model.findings('HTTPRoute x/a'), [])
})

test('where paths are looked for', () => {
  const keyOf = (value: string, type: string): readonly string[] => {
    const { model } = world([route('r', [{ matches: [path(value, type)], backendRefs: [to('a')] }], { hostnames: ['h.example'] })])
    return [...[...model.routeKeys('exact')].map((key) => `exact ${key}`), ...[...model.routeKeys('prefix')].map((key) => `prefix ${key}`)]
  }
  assert.deepEqual(keyOf('/a', 'Exact'), ['exact h.example/a'])
  assert.deepEqual(keyOf('/a', 'PathPrefix'), ['prefix h.example/a/'])
  assert.deepEqual(keyOf('/a/', 'PathPrefix'), ['prefix h.example/a/'])
  assert.deepEqual(keyOf('/', 'PathPrefix'), ['prefix h.example/'])
  assert.deepEqual(keyOf('/a/b[0-9]+', 'RegularExpression'), ['prefix h.example/a/'])
  assert.deepEqual(keyOf('/a/b/c?', 'RegularExpression'), ['prefix h.example/a/b/'])
  assert.deepEqual(keyOf('/a/b/?c', 'RegularExpression'), ['prefix h.example/a/'])
  assert.deepEqual(keyOf('/a/|/b/', 'RegularExpression'), ['prefix h.example/'])
  // Characters that can be no key of a map.
  assert.deepEqual(keyOf("/a/it's", 'Exact'), ['prefix h.example/a/'])
  assert.deepEqual(keyOf('/$a/b', 'PathPrefix'), ['prefix h.example/'])
})

test('a route leads at the ports of its listeners alone', () => {
  const listeners = [http('a'), http('b', { port: 8080, hostname: '*.b.example' })]
  const { model } = world([route('r', [{ backendRefs: [to('a')] }], { hostnames: ['c.b.example', 'd.example'] })], {}, ...listeners)
  assert.deepEqual([...model.routeKeys('prefix')], ['c.b.example/', 'd.example/', '8080:c.b.example/'])
  assert.deepEqual(model.route('prefix', 'd.example/')?.[0]?.when, { kind: 'scheme', is: 'http' })
  assert.equal(model.route('prefix', '8080:c.b.example/')?.[0]?.when, undefined)
})

test('stars stand for any number of labels', () => {
  const { model } = world([route('r', [{ backendRefs: [to('a')] }], { hostnames: ['*.a.example'] })])
  assert.deepEqual([...model.routeKeys('prefix')], ['*.a.example/', '**.a.example/'])
  assert.deepEqual([...model.routeKeys('defaults')], ['?deep'])
})

test('what a parent says of a route that it does not take', () => {
  const first = (parentRef: ParentReference, spec: Partial<HTTPRoute['spec']>, ...listeners: readonly Listener[]): string | undefined =>
    world([route('r', [{ backendRefs: [to('a')] }], { parentRefs: [parentRef], ...spec })], {}, ...listeners).saidOf('x/r')[0]
  assert.equal(first({ name: 'g' }, {}), 'Accepted True Accepted')
  assert.equal(first({ name: 'other' }, {}), undefined)
  assert.equal(first({ name: 'g', kind: 'Service', group: '' }, {}), undefined)
  assert.equal(first({ name: 'g', sectionName: 'b' }, {}), 'Accepted False NoMatchingParent')
  assert.equal(first({ name: 'g', sectionName: 'a', port: 81 }, {}), 'Accepted False NoMatchingParent')
  assert.equal(
    first({ name: 'g' }, { hostnames: ['b.example'] }, http('a', { hostname: 'a.example' })),
    'Accepted False NoMatchingListenerHostname',
  )
  assert.equal(
    first({ name: 'g' }, {}, http('a', { allowedRoutes: { kinds: [{ kind: 'GRPCRoute' }] } })),
    'Accepted False NotAllowedByListeners',
  )
})

test('routes of other namespaces: as the listener allows', () => {
  const first = (allowedRoutes: Listener['allowedRoutes'], labels: Readonly<Record<string, string>> = {}): string | undefined => {
    const other = route('r', [{ backendRefs: [to('a', { namespace: 'x' })] }], {}, undefined, 'y')
    return world([other], { labels: { y: labels } }, http('a', { allowedRoutes })).saidOf('y/r')[0]
  }
  assert.equal(first(undefined), 'Accepted False NotAllowedByListeners')
  assert.equal(first({ namespaces: { from: 'Same' } }), 'Accepted False NotAllowedByListeners')
  assert.equal(first({ namespaces: { from: 'All' } }), 'Accepted True Accepted')
  const selector = { matchLabels: { team: 'a' } }
  assert.equal(first({ namespaces: { from: 'Selector', selector } }), 'Accepted False NotAllowedByListeners')
  assert.equal(first({ namespaces: { from: 'Selector', selector } }, { team: 'a' }), 'Accepted True Accepted')
})

test('backends that cannot be: their part is answered for, and the route says why', () => {
  const found = (reference: object, more: Partial<ApiWorld> = {}) => {
    const { model, saidOf } = world([route('r', [{ backendRefs: [to('a', { weight: 3 }), to('b', { weight: 1, ...reference })] }])], more)
    return [saidOf('x/r')[1], leads(model.route('prefix', '/'))]
  }
  const broken = ['x/a:80*3 !500*1']
  assert.deepEqual(found({}), ['ResolvedRefs True ResolvedRefs', ['x/a:80*3 x/b:80*1']])
  assert.deepEqual(found({ name: 'gone' }), ['ResolvedRefs False BackendNotFound', broken])
  assert.deepEqual(found({ port: 81 }), ['ResolvedRefs False BackendNotFound', broken])
  assert.deepEqual(found({ kind: 'Other' }), ['ResolvedRefs False InvalidKind', broken])
  assert.deepEqual(found({ namespace: 'y' }), ['ResolvedRefs False RefNotPermitted', broken])
  const udp = { ports: [{ port: 80, protocol: 'UDP' }] }
  const services = { 'x/a': { ports: [{ port: 80 }] }, 'x/b': udp, 'y/b': { ports: [{ port: 80 }] } }
  assert.deepEqual(found({}, { services }), ['ResolvedRefs False UnsupportedProtocol', broken])
  const grant: ReferenceGrant = {
    metadata: meta('grant', 'y'),
    spec: { from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'x' }], to: [{ group: '', kind: 'Service' }] },
  }
  assert.deepEqual(found({ namespace: 'y' }, { services, grants: [grant] }), ['ResolvedRefs True ResolvedRefs', ['x/a:80*3 y/b:80*1']])
})

test('rules that are not served are dropped and named; without any other the route is not accepted', () => {
  const bad: HTTPRouteRule = { name: 'm', matches: [path('/m')], filters: [{ type: 'RequestMirror' }], backendRefs: [to('a')] }
  const partly = world([route('r', [bad, { backendRefs: [to('a')] }])])
  assert.deepEqual(partly.saidOf('x/r'), [
    'Accepted True Accepted',
    'ResolvedRefs True ResolvedRefs',
    'PartiallyInvalid True UnsupportedValue',
  ])
  assert.match(partly.routes.get('x/r')?.verdicts[1]?.message ?? '', /^Dropped Rule: rule 0 \(m\): the filter RequestMirror/)
  assert.deepEqual([...partly.model.routeKeys('prefix')], ['/'])
  const none = world([route('r', [bad])])
  assert.deepEqual(none.saidOf('x/r'), ['Accepted False UnsupportedValue', 'ResolvedRefs True ResolvedRefs'])
  assert.deepEqual([...none.model.routeKeys('prefix')], [])
  for (const name of ['Transfer-Encoding', 'content-length', 'bad name'])
    assert.equal(
      world([
        route('r', [{ filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name, value: '1' }] } }] }]),
      ]).saidOf('x/r')[0],
      'Accepted False UnsupportedValue',
      name,
    )
})

test('gRPC methods are paths', () => {
  const grpc = (method: object): readonly string[] => {
    const one: GRPCRoute = {
      metadata: meta('r'),
      spec: { parentRefs: [{ name: 'g' }], rules: [{ matches: [{ method }], backendRefs: [to('a')] }] },
    }
    const { model } = apiModel({ gateways: [gatewayWith('g', http('a'))], grpcRoutes: [one] })
    return [...model.routeKeys('exact'), ...[...model.routeKeys('prefix')].map((key) => `${key}*`), ...model.backends()]
  }
  assert.deepEqual(grpc({ service: 's.S', method: 'M' }), ['/s.S/M', 'x/a:80/h2c'])
  assert.deepEqual(grpc({ service: 's.S' }), ['/s.S/*', 'x/a:80/h2c'])
  assert.deepEqual(grpc({ method: 'M' }), ['/*', 'x/a:80/h2c'])
})

test('a listener with a more exact host has its requests to itself', () => {
  const listeners = [http('any', { port: 8080 }), http('star', { port: 8080, hostname: '*.a.example' })]
  const { model } = world(
    [
      route('r', [{ backendRefs: [to('a')] }], {
        parentRefs: [{ name: 'g', sectionName: 'any' }],
        hostnames: ['b.a.example', 'c.example'],
      }),
    ],
    {},
    ...listeners,
  )
  assert.deepEqual(
    [...model.routeKeys('prefix')].map((key) => [key, leads(model.route('prefix', key))]),
    [
      ['8080:*.a.example/', ['!404*1']],
      ['8080:**.a.example/', ['!404*1']],
      ['8080:c.example/', ['x/a:80*1']],
    ],
  )
})

test('conditions keep their time while they say the same, and those of others are let be', () => {
  const types = new Set(['Accepted', 'Gone'])
  const known = [
    { type: 'Other', status: 'True', reason: 'R', message: '', lastTransitionTime: 'then', observedGeneration: 1 },
    { type: 'Accepted', status: 'True', reason: 'R', message: '', lastTransitionTime: 'then', observedGeneration: 1 },
    { type: 'Gone', status: 'True', reason: 'R', message: '', lastTransitionTime: 'then', observedGeneration: 1 },
  ] as const
  const said = [{ type: 'Accepted', status: 'True', reason: 'New', message: 'm' }] as const
  assert.deepEqual(mergeConditions(known, said, types, 2, 'now'), [
    known[0],
    { type: 'Accepted', status: 'True', reason: 'New', message: 'm', lastTransitionTime: 'then', observedGeneration: 2 },
  ])
  assert.equal(mergeConditions(known, [{ ...said[0], status: 'False' }], types, 2, 'now')[1]?.lastTransitionTime, 'now')
  // What was said of a later generation is newer than what is known here.
  assert.deepEqual(mergeConditions(known, said, types, 0, 'now'), known)
})

test('parents that other controllers have judged stay', () => {
  const other = { parentRef: { name: 'o' }, controllerName: 'other.example/c', conditions: [] }
  const one: HTTPRoute = {
    ...route('r', []),
    status: { parents: [other, { parentRef: { name: 'gone' }, controllerName: 'sampan.io/gateway', conditions: [] }] },
  }
  assert.deepEqual(parentsOfRoute(one, [], [], undefined, 'now'), [other])
  assert.equal(parentsOfRoute({ ...one, status: { parents: [other] } }, [], [], undefined, 'now'), undefined)
})

test('annotations of a route ask people to log in, and paths of its hosts are a part of that', () => {
  const said = { 'sampan.io/login-issuer': 'https://i', 'sampan.io/login-client': 'c', 'sampan.io/login-secret': 's' }
  const annotated = (annotations: Readonly<Record<string, string>>, login?: ApiWorld['login']): unknown => {
    const one = route('r', [{ backendRefs: [to('a')] }])
    const { model } = world([{ ...one, metadata: { ...one.metadata, annotations } }], login === undefined ? {} : { login })
    return (['prefix', 'exact'] as const).map((map) =>
      [...model.routeKeys(map)].map((key) => [
        key,
        (model.route(map, key) ?? []).map(({ action }) => action.kind === 'forward' && (action.login?.at ?? action.to[0]?.backend)),
      ]),
    )
  }
  const known = { id: 'ab', door: 'cd' }
  assert.deepEqual(annotated(said, known), [
    [['/', ['page']]],
    [
      ['/oauth2/callback', ['return']],
      ['/oauth2/logout', ['logout', 'logout']],
    ],
  ])
  const closed = [[['/', ['!503']]], []]
  assert.deepEqual(annotated(said, 'waiting'), closed)
  assert.deepEqual(annotated(said, { problem: 'no secret' }), closed)
  assert.deepEqual(annotated({ ...said, 'sampan.io/login-else': '' }, known), closed)
})

test('annotations of a route ask for tokens and for what is told of it; connections that are not decrypted have none', () => {
  const jwt = { 'sampan.io/jwt-issuer': 'i', 'sampan.io/jwt-audiences': 'a', 'sampan.io/jwt-keys': 'configmap/keys' }
  const annotated = (annotations: Readonly<Record<string, string>>, token?: ApiWorld['token']): unknown => {
    const one = route('r', [{ backendRefs: [to('a')] }])
    const { model, routes } = world([{ ...one, metadata: { ...one.metadata, annotations } }], token === undefined ? {} : { token })
    const [found] = model.route('prefix', '/') ?? []
    const findings = routes.get('x/r')?.wish.findings.map(({ reason }) => reason)
    return [leads(found === undefined ? [] : [found]), found?.action.kind === 'forward' && found.action.token, found?.observe, findings]
  }
  const id = { id: 'ab', realm: 'r' }
  assert.deepEqual(annotated(jwt, id), [['x/a:80*1'], id, undefined, []])
  assert.deepEqual(annotated({ 'sampan.io/access-log': 'true' }), [['x/a:80*1'], undefined, { route: 7, isLogged: true }, []])
  assert.deepEqual(annotated(jwt, 'waiting'), [['!503*1'], undefined, undefined, []])
  assert.deepEqual(annotated(jwt, { problem: 'no keys' }), [['!503*1'], undefined, undefined, ['AccessRefused']])
  assert.deepEqual(annotated({ ...jwt, 'sampan.io/jwt-audiences': '' }, id), [['!503*1'], undefined, undefined, ['AccessRefused']])
  const tls: Listener = { name: 'tls', port: 443, protocol: 'TLS', tls: { mode: 'Passthrough' } }
  const tlsRoute = {
    metadata: { ...meta('t'), annotations: jwt },
    spec: { parentRefs: [{ name: 'g', namespace: 'x' }], hostnames: ['a.example'], rules: [{ backendRefs: [to('a')] }] },
  }
  const passed = world([], { tlsRoutes: [tlsRoute], token: id }, tls)
  assert.equal(passed.saidOf('x/t')[0], 'Accepted False UnsupportedValue')
  assert.deepEqual([...passed.model.routeKeys('sni')], [])
})
