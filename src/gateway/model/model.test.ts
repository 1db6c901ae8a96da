import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { discovery } from '#api'
import { ChangingWorld, type World, ingress, leadsTo, modelIn, rule, sampanClass, slice, to, web } from './model.fixture.ts'

const reasons = (world: World): readonly string[] =>
  modelIn(world).findings.map(({ ingress, reason }) => `${ingress.replace('x/', '')} ${reason}`)

test('rules become keys by the kind of their path', () => {
  const { routes, findings } = modelIn({
    services: { a: web, b: web },
    ingresses: [
      ingress('one', {
        rules: [
          rule('A.example', '/x', 'Exact'),
          rule('a.example', '/x/', 'Prefix'),
          rule('*.example', '/', 'ImplementationSpecific'),
          rule(undefined, '/y', 'Prefix', to('b')),
          { host: 'no-paths.example' },
        ],
        defaultBackend: to('b'),
      }),
      ingress('z', { defaultBackend: to('a') }),
    ],
  })
  assert.deepEqual(routes('exact'), [['a.example/x', 'x/a:80']])
  assert.deepEqual(routes('prefix'), [
    ['a.example/x/', 'x/a:80'],
    ['*.example/', 'x/a:80'],
    ['/y/', 'x/b:80'],
  ])
  assert.deepEqual(Object.fromEntries(routes('defaults')), {
    'a.example': 'x/b:80',
    '*.example': 'x/b:80',
    '*': 'x/b:80',
    'no-paths.example': 'x/b:80',
  })
  assert.deepEqual(
    findings.map(({ reason }) => reason),
    ['RouteConflict'],
  )
})

test('an Ingress is ours by its class, the old annotation, or the default class', () => {
  const other = { metadata: { name: 'other' }, spec: { controller: 'example.com/other' } }
  const asDefault = { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }
  const rules = [rule('a.example', '/')]
  const none = { ingressClassName: undefined, rules }
  const cases = [
    ['by class', ingress('i', { rules }), [sampanClass], true],
    ['another class', ingress('i', { ingressClassName: 'other', rules }), [sampanClass, other], false],
    ['a class that is not there', ingress('i', { rules }), [], false],
    ['by annotation', ingress('i', none, { annotations: { 'kubernetes.io/ingress.class': 'sampan' } }), [sampanClass], true],
    ["another's annotation", ingress('i', none, { annotations: { 'kubernetes.io/ingress.class': 'nginx' } }), [sampanClass], false],
    ['no class', ingress('i', none), [sampanClass], false],
    ['no class, ours is the default', ingress('i', none), [{ ...sampanClass, metadata: { name: 'sampan', ...asDefault } }], true],
    ['no class, another is the default', ingress('i', none), [sampanClass, { ...other, metadata: { name: 'other', ...asDefault } }], false],
    ['being deleted', ingress('i', { rules }, { deletionTimestamp: '2026-01-01T00:00:00Z' }), [sampanClass], false],
  ] as const
  for (const [what, one, classes, isOurs] of cases)
    assert.equal(modelIn({ ingresses: [one], classes, services: { a: web } }).model.has('x/i'), isOurs, what)
})

test('the older Ingress has a route, the other one is told who has it', () => {
  const world = {
    services: { a: web, b: web },
    ingresses: [
      ingress('young', { rules: [rule('a.example', '/x/', 'Prefix', to('b'))] }, { creationTimestamp: '2025-06-01T00:00:00Z' }),
      ingress('old', { rules: [rule('a.example', '/x')] }),
    ],
  }
  const { routes, findings } = modelIn(world)
  assert.deepEqual(routes('prefix'), [['a.example/x/', 'x/a:80']])
  assert.deepEqual(reasons(world), ['young RouteConflict'])
  assert.equal(findings[0]?.message, 'a.example/x/ (Prefix) belongs to the Ingress x/old, which is older')
})

test('endpoints: ready ones, or those that still serve while they end; by the name of the port', () => {
  const ending = { ready: false, serving: true, terminating: true }
  const cases: readonly (readonly [string, readonly discovery.EndpointSlice[], readonly string[]])[] = [
    ['ready', [slice(['10.1.0.2']), slice(['10.1.0.1'])], ['10.1.0.1:8080', '10.1.0.2:8080']],
    ['ready is true when nothing is said', [slice(['10.1.0.1'], {})], ['10.1.0.1:8080']],
    ['not ready', [slice(['10.1.0.1'], { ready: false })], []],
    ['ready beside ending', [slice(['10.1.0.1']), slice(['10.1.0.2'], ending)], ['10.1.0.1:8080']],
    ['ending alone', [slice(['10.1.0.2'], ending)], ['10.1.0.2:8080']],
    ['another port', [{ ...slice(['10.1.0.1']), ports: [{ name: 'metrics', port: 1 }] }], []],
    ['IPv6', [{ ...slice(['fd00::1']), addressType: 'IPv6' }], []],
    ['addresses that no pod has', [slice(['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', '10.1.0.1 x', '010.1.0.1'])], []],
  ]
  for (const [what, slices, wanted] of cases) {
    const { model } = modelIn({ services: { a: web }, slices: { a: slices }, ingresses: [ingress('i', { rules: [rule('h', '/')] })] })
    assert.deepEqual(model.addresses('x/a:80'), wanted, what)
  }
})

test('a backend that cannot answer is a route to nobody, and its owner is told', () => {
  const cases = [
    ['no Service', to('gone'), 'BackendUnusable'],
    ['no such port', to('a', { number: 81 }), 'BackendUnusable'],
    ['no such name', to('a', { name: 'other' }), 'BackendUnusable'],
    ['not TCP', to('udp'), 'BackendUnusable'],
    ['ExternalName', to('far'), 'BackendUnusable'],
    ['a resource', { resource: { kind: 'Bucket', name: 'b' } }, 'BackendRefused'],
  ] as const
  const services = {
    a: web,
    udp: { ports: [{ port: 80, protocol: 'UDP' }] },
    far: { type: 'ExternalName', ...web, externalName: 'metadata.example' },
  }
  for (const [what, backend, reason] of cases) {
    const { routes, model, findings } = modelIn({ services, ingresses: [ingress('i', { rules: [rule('h', '/', 'Prefix', backend)] })] })
    assert.deepEqual([routes('prefix'), [...model.backends()], findings.map((one) => one.reason)], [[['h/', '']], [], [reason]], what)
  }
  const named = modelIn({ services, ingresses: [ingress('i', { rules: [rule('h', '/', 'Prefix', to('a', { name: 'web' }))] })] })
  assert.deepEqual([...named.model.backends()], ['x/a:web'])
})

test('hosts get the certificate of their Secret, of the oldest Ingress that names one', () => {
  const read = (names: readonly string[], notAfterMs = Date.parse('2027-01-01T00:00:00Z')) => ({
    pem: `pem of ${names.join()}`,
    notAfterMs,
    names,
    isFor: (host: string) => names.includes(host),
  })
  const world = {
    services: { a: web },
    certificates: {
      'x/good': read(['a.example', '*.a.example']),
      'x/second': read(['a.example']),
      'x/expired': read(['b.example'], 0),
      'x/broken': { problem: 'broken' },
    },
    ingresses: [
      ingress('1', { tls: [{ hosts: ['A.example', '*.a.example', 'c.example'], secretName: 'good' }] }),
      ingress('2', { tls: [{ hosts: ['a.example'], secretName: 'second' }] }),
      ingress('3', { tls: [{ secretName: 'expired' }], rules: [rule('b.example', '/'), rule(undefined, '/')] }),
      ingress('4', { tls: [{ hosts: ['d.example'], secretName: 'broken' }, { hosts: ['e.example'] }] }),
    ],
  }
  assert.deepEqual(
    [...modelIn(world).model.certificates()].map((key) => [key, modelIn(world).model.certificate(key)]),
    [
      ['x/good', { pem: 'pem of a.example,*.a.example', names: ['*.a.example', 'a.example'] }],
      ['x/expired', { pem: 'pem of b.example', names: ['b.example'] }],
    ],
  )
  assert.deepEqual(reasons(world), ['1 CertificateMismatch', '2 CertificateConflict', '3 CertificateExpired', '4 CertificateUnusable'])
})

test('annotations of other gateways are named', () => {
  const annotations = { 'nginx.ingress.kubernetes.io/server-snippet': 'x;', 'haproxy.org/check': 'true', 'example.com/own': '1' }
  const [finding] = modelIn({ ingresses: [ingress('i', {}, { annotations })] }).findings
  assert.equal(finding?.message, 'these annotations have no effect here: "haproxy.org/check", "nginx.ingress.kubernetes.io/server-snippet"')
})

test('a change touches what it is about, and what others get of it', () => {
  const world = (more: Partial<World>): World => ({
    services: { a: web, b: web },
    ingresses: [
      ingress('old', { rules: [rule('h', '/'), rule('h', '/old')] }),
      ingress('young', { rules: [rule('h', '/', 'Prefix', to('b')), rule('h', '/young')] }, { creationTimestamp: '2025-06-01T00:00:00Z' }),
    ],
    ...more,
  })
  const changing = new ChangingWorld(world({}))
  const { model } = changing.now()
  const first = model.takeChanges()
  assert.deepEqual([...first.routes.prefix].sort(), ['h/', 'h/old/', 'h/young/'])
  assert.deepEqual(
    changing.now().findings.map(({ ingress: id, reason }) => `${id} ${reason}`),
    ['x/young RouteConflict'],
  )
  // The older one goes: the younger one has what both wanted, and is told of nothing any more.
  changing.become(world({ ingresses: world({}).ingresses.slice(1) }))
  const gone = model.takeChanges()
  assert.deepEqual([...gone.routes.prefix].sort(), ['h/', 'h/old/', 'h/young/'])
  assert.deepEqual([leadsTo(model.route('prefix', 'h/')), model.route('prefix', 'h/old/')], ['x/b:80', undefined])
  assert.deepEqual(changing.now().findings, [])
  assert.equal(gone.wishes.has('x/young'), true)
  // It is back, made at the old time: it has the route again.
  changing.become(world({}))
  assert.deepEqual([leadsTo(model.route('prefix', 'h/')), changing.now().findings.length], ['x/a:80', 1])
})

test('endpoints that change are a change of their backends alone', () => {
  const slices = { a: [slice(['10.1.0.1'])] }
  const changing = new ChangingWorld({
    services: { a: web, b: web },
    slices,
    ingresses: [ingress('i', { rules: [rule('h', '/'), rule('h', '/b', 'Exact', to('b'))] })],
  })
  const { model } = changing.now()
  model.takeChanges()
  model.readEndpoints('x/a')
  assert.equal(model.takeChanges().backends.size, 0)
  slices.a = [slice(['10.1.0.9'])]
  model.readEndpoints('x/a')
  model.readEndpoints('x/nobody')
  const { backends, routes } = model.takeChanges()
  assert.deepEqual([[...backends], routes.prefix.size, model.addresses('x/a:80')], [['x/a:80'], 0, ['10.1.0.9:8080']])
})
