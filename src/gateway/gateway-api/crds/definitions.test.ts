import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type KubeObject, StatusError, refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { testApiServer } from '#testing'
import { gatewayRefs } from '../kinds.ts'
import { installGatewayApi } from '../install.ts'

test('the kinds are served, fill in what is left out, and refuse what the reference forbids', async () => {
  const api = await testApiServer()
  const scope = rootScope()
  try {
    const client = createClient({ transport: inProcessTransport(api.server.handler) })
    const found = await installGatewayApi(scope, client)
    assert.deepEqual(found, { isUsable: true, isRecognized: true, made: 7, problems: [] })
    assert.deepEqual(await installGatewayApi(scope, client), { isUsable: true, isRecognized: true, made: 0, problems: [] })
    const routes = client.resource(gatewayRefs.httpRoutes)
    const meta = (name: string): KubeObject['metadata'] => ({ name, namespace: 'default' })
    const plain = await routes.create(scope, { metadata: meta('plain'), spec: { parentRefs: [{ name: 'g' }] } })
    assert.deepEqual(plain.spec.rules, [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }])
    assert.deepEqual(plain.spec.parentRefs, [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' }])
    const gateways = client.resource(gatewayRefs.gateways)
    const listener = { name: 'web', port: 80, protocol: 'HTTP' }
    const gateway = await gateways.create(scope, { metadata: meta('g'), spec: { gatewayClassName: 'sampan', listeners: [listener] } })
    assert.deepEqual(gateway.spec.listeners[0]?.allowedRoutes, { namespaces: { from: 'Same' } })
    assert.deepEqual(
      gateway.status?.conditions?.map(({ type, status, reason }) => [type, status, reason]),
      [
        ['Accepted', 'Unknown', 'Pending'],
        ['Programmed', 'Unknown', 'Pending'],
      ],
    )
    const refused = async (making: Promise<unknown>): Promise<string> => {
      const error = await making.then(
        () => assert.fail('it was taken'),
        (reason: unknown) => reason,
      )
      assert.ok(error instanceof StatusError, String(error))
      return error.message
    }
    let count = 0
    const route = (...rules: readonly object[]): Promise<string> =>
      refused(routes.create(scope, { metadata: meta(`bad${count++}`), spec: { rules } }))
    const withListeners = (...listeners: readonly object[]): Promise<string> =>
      refused(
        gateways.create(scope, {
          metadata: meta(`bad${count++}`),
          spec: { gatewayClassName: 'sampan', listeners: listeners as readonly (typeof listener)[] },
        }),
      )
    const path = (value: string, type = 'PathPrefix'): object => ({ matches: [{ path: { type, value } }] })
    assert.match(await route(path('relative')), /value must be an absolute path and start with '\/'/)
    assert.match(await route(path('/a//b')), /must not contain '\/\/' when type one of/)
    assert.match(await route(path('/a/..', 'Exact')), /must not end with '\/\.\.' when/)
    assert.match(await route(path('/a b')), /must only contain valid characters/)
    assert.match(await route({ name: 'a' }, { name: 'a' }), /Rule name must be unique within the route/)
    const many = { matches: Array.from({ length: 64 }, () => ({ path: { value: '/' } })) }
    assert.match(await route(many, many, many), /must be less than 128/)
    const redirect = { type: 'RequestRedirect', requestRedirect: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' } } }
    assert.match(await route({ ...path('/a', 'Exact'), filters: [redirect] }), /exactly one PathPrefix match must be specified/)
    assert.match(
      await route({ filters: [{ type: 'RequestRedirect', requestRedirect: {} }], backendRefs: [{ name: 'a', port: 80 }] }),
      /RequestRedirect filter must not be used together with backendRefs/,
    )
    assert.match(await route({ filters: [{ type: 'URLRewrite' }] }), /filter.urlRewrite must be specified for URLRewrite filter.type/)
    assert.match(await route({ backendRefs: [{ name: 'a' }] }), /Must have port for Service reference/)
    assert.match(await route({ timeouts: { request: '1s', backendRequest: '2s' } }), /backendRequest timeout cannot be longer/)
    assert.match(await withListeners(listener, { ...listener, name: 'other' }), /Combination of port, protocol and hostname must be unique/)
    assert.match(await withListeners({ ...listener, tls: { certificateRefs: [{ name: 'a' }] } }), /tls must not be specified for protocols/)
    assert.match(await withListeners({ name: 'tls', port: 443, protocol: 'TLS' }), /tls mode must be set for protocol TLS/)
    const parents = { parentRefs: [{ name: 'g' }, { name: 'g', sectionName: 'a' }] }
    assert.match(
      await refused(client.resource(gatewayRefs.grpcRoutes).create(scope, { metadata: meta('p'), spec: parents })),
      /sectionName must be specified when parentRefs includes 2 or more references to the same parent/,
    )
    const tls = { hostnames: ['10.0.0.1'], rules: [{ backendRefs: [{ name: 'a', port: 443 }] }] }
    assert.match(
      await refused(client.resource(gatewayRefs.tlsRoutes).create(scope, { metadata: meta('t'), spec: tls })),
      /Hostnames cannot contain an IP/,
    )
    await client.resource(gatewayRefs.tlsRoutes).create(scope, { metadata: meta('t'), spec: { ...tls, hostnames: ['*.a.example'] } })
    const policy = { targetRefs: [{ group: '', kind: 'Service', name: 'a' }], validation: { hostname: 'a.example' } }
    assert.match(
      await refused(client.resource(gatewayRefs.backendTLSPolicies).create(scope, { metadata: meta('b'), spec: policy })),
      /must specify either CACertificateRefs or WellKnownCACertificates/,
    )
  } finally {
    scope.cancel()
    await api.close()
  }
})

test('kinds of others are let be, and those that lack what is needed are named', async () => {
  const api = await testApiServer()
  const scope = rootScope()
  try {
    const client = createClient({ transport: inProcessTransport(api.server.handler) })
    const { GATEWAY_DEFINITIONS } = await import('./definitions.ts')
    const own = GATEWAY_DEFINITIONS.find(({ metadata }) => metadata?.name === 'tlsroutes.gateway.networking.k8s.io')
    assert.ok(own !== undefined)
    await client.resource(refs.customresourcedefinitions).create(scope, {
      ...own,
      metadata: { ...own.metadata, annotations: { ...own.metadata?.annotations, 'gateway.networking.k8s.io/bundle-version': 'v1.1.0' } },
      spec: { ...own.spec, versions: own.spec.versions.map((version) => ({ ...version, name: 'v1alpha2' })) },
    })
    const found = await installGatewayApi(scope, client)
    assert.equal(found.isUsable, false)
    assert.deepEqual(found.problems, [
      'tlsroutes.gateway.networking.k8s.io is there as of v1.1.0 and does not serve v1: install the standard channel of Gateway API v1.5.0 or newer',
    ])
  } finally {
    scope.cancel()
    await api.close()
  }
})
