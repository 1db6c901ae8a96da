import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReadCertificate } from '../model/certificate.ts'
import type { Gateway, Listener, ReferenceGrant } from './kinds.ts'
import { type ApiWorld, apiModel, gatewayWith, http, meta } from './world.fixture.ts'

const certificate: ReadCertificate = { pem: 'pem\n', notAfterMs: Infinity, names: ['a.example'], isFor: () => true }
const https = (name: string, more: Partial<Listener> = {}): Listener => ({
  name,
  port: 443,
  protocol: 'HTTPS',
  tls: { mode: 'Terminate', certificateRefs: [{ name: 's' }] },
  ...more,
})
const passthrough = (name: string, more: Partial<Listener> = {}): Listener => ({
  name,
  port: 443,
  protocol: 'TLS',
  tls: { mode: 'Passthrough' },
  ...more,
})
/** What is said of the listeners of the first Gateway, without what says that all is well. */
function wrongWith(gateway: Gateway, more: Partial<ApiWorld> = {}): Readonly<Record<string, readonly string[]>> {
  const judged = apiModel({ certificates: { 'x/s': certificate }, ...more, gateways: [gateway, ...(more.gateways ?? [])] }).gateways
  const found = judged.find(({ key }) => key === `x/${gateway.metadata?.name ?? ''}`)
  return Object.fromEntries(
    (found?.listeners ?? []).map(({ listener, verdicts }) => [
      listener.name,
      verdicts
        .map(({ type, status, reason }) => `${type} ${status} ${reason}`)
        .filter((text) => !/^(Accepted|ResolvedRefs|Programmed) True|^Conflicted False/.test(text)),
    ]),
  )
}
const gatewaySays = (gateway: Gateway, more: Partial<ApiWorld> = {}): readonly string[] =>
  apiModel({ certificates: { 'x/s': certificate }, ...more, gateways: [gateway] }).gateways[0]?.verdicts.map(
    ({ type, status, reason }) => `${type} ${status} ${reason}`,
  ) ?? []

test('a Gateway is accepted with the listeners that can be, and says which cannot', () => {
  assert.deepEqual(gatewaySays(gatewayWith('g', http('a'))), ['Accepted True Accepted', 'Programmed True Programmed'])
  const tcp = { name: 'tcp', port: 5000, protocol: 'TCP' }
  assert.deepEqual(gatewaySays(gatewayWith('g', http('a'), tcp)), ['Accepted True ListenersNotValid', 'Programmed True Programmed'])
  assert.deepEqual(gatewaySays(gatewayWith('g', tcp)), ['Accepted False ListenersNotValid', 'Programmed False Invalid'])
  assert.deepEqual(wrongWith(gatewayWith('g', tcp)), { tcp: ['Accepted False UnsupportedProtocol', 'Programmed False Invalid'] })
  assert.deepEqual(wrongWith(gatewayWith('g', http('a', { protocol: 'hTtP' }))), { a: [] })
})

test('what is asked of a Gateway as a whole and is not done', () => {
  const spec = (more: Partial<Gateway['spec']>): Gateway => ({
    metadata: meta('g'),
    spec: { gatewayClassName: 'c', listeners: [http('a')], ...more },
  })
  const first = (more: Partial<Gateway['spec']>): readonly string[] => gatewaySays(spec(more))
  assert.equal(first({ infrastructure: { parametersRef: { name: 'p' } } })[0], 'Accepted False InvalidParameters')
  assert.equal(first({ tls: {} })[0], 'Accepted False Invalid')
  assert.equal(first({ addresses: [{ type: 'Hostname', value: 'h.example' }] })[0], 'Accepted False UnsupportedAddress')
  assert.deepEqual(first({ addresses: [{ type: 'IPAddress', value: '10.9.9.9' }] }), [
    'Accepted True Accepted',
    'Programmed False AddressNotUsable',
  ])
  assert.deepEqual(first({ addresses: [{ value: '10.0.0.1' }] }), ['Accepted True Accepted', 'Programmed True Programmed'])
  assert.deepEqual(first({ addresses: [{}] }), ['Accepted True Accepted', 'Programmed True Programmed'])
})

test('listeners that cannot both be: in one Gateway neither, in two the older', () => {
  assert.deepEqual(wrongWith(gatewayWith('g', https('a', { port: 8443 }), http('b', { port: 8443 }), http('c'))), {
    a: ['Accepted False ProtocolConflict', 'Conflicted True ProtocolConflict', 'Programmed False Invalid'],
    b: ['Accepted False ProtocolConflict', 'Conflicted True ProtocolConflict', 'Programmed False Invalid'],
    c: [],
  })
  assert.deepEqual(wrongWith(gatewayWith('g', https('a', { hostname: 'h.example' }), passthrough('b', { hostname: 'h.example' }))), {
    a: ['Accepted False HostnameConflict', 'Conflicted True HostnameConflict', 'Programmed False Invalid'],
    b: ['Accepted False HostnameConflict', 'Conflicted True HostnameConflict', 'Programmed False Invalid'],
  })
  const older: Gateway = { ...gatewayWith('old', http('a', { port: 8080 })), metadata: meta('old', 'x', '2025-01-01T00:00:00Z') }
  assert.deepEqual(wrongWith(gatewayWith('g', https('a', { port: 8080 })), { gateways: [older] }), {
    a: ['Accepted False ProtocolConflict', 'Conflicted True ProtocolConflict', 'Programmed False Invalid'],
  })
  // Listeners of two Gateways for the same are one.
  assert.deepEqual(wrongWith(gatewayWith('g', http('a', { port: 8080 })), { gateways: [older] }), { a: [] })
})

test('ports that others have', () => {
  assert.deepEqual(wrongWith(gatewayWith('g', http('a', { port: 443 }))), {
    a: ['Accepted False PortUnavailable', 'Programmed False Invalid'],
  })
  assert.deepEqual(wrongWith(gatewayWith('g', http('a', { port: 8080 })), { unavailable: ['8080'] }), {
    a: ['Accepted False PortUnavailable', 'Programmed False Invalid'],
  })
})

test('certificates: of the own namespace, of others that allow it, and those that are of no use', () => {
  const refer = (ref: object): Gateway => gatewayWith('g', https('a', { tls: { certificateRefs: [{ name: 's', ...ref }] } }))
  const bad = ['ResolvedRefs False InvalidCertificateRef', 'Programmed False Invalid']
  assert.deepEqual(wrongWith(refer({})), { a: [] })
  assert.deepEqual(wrongWith(refer({ name: 'gone' })), { a: bad })
  assert.deepEqual(wrongWith(refer({ kind: 'Other' })), { a: bad })
  assert.deepEqual(wrongWith(refer({ group: 'other.example' })), { a: bad })
  assert.deepEqual(wrongWith(refer({}), { certificates: { 'x/s': { problem: 'it is broken' } } }), { a: bad })
  const certificates = { 'y/s': certificate }
  const grant = (from: object = {}, to: object = {}): ReferenceGrant => ({
    metadata: meta('grant', 'y'),
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'x', ...from }],
      to: [{ group: '', kind: 'Secret', ...to }],
    },
  })
  const refused = { a: ['ResolvedRefs False RefNotPermitted', 'Programmed False Invalid'] }
  const elsewhere = refer({ namespace: 'y' })
  assert.deepEqual(wrongWith(elsewhere, { certificates }), refused)
  assert.deepEqual(wrongWith(elsewhere, { certificates, grants: [grant()] }), { a: [] })
  assert.deepEqual(wrongWith(elsewhere, { certificates, grants: [grant({}, { name: 's' })] }), { a: [] })
  for (const wrong of [grant({ namespace: 'z' }), grant({ kind: 'HTTPRoute' }), grant({}, { name: 't' }), grant({}, { kind: 'Service' })])
    assert.deepEqual(wrongWith(elsewhere, { certificates, grants: [wrong] }), refused)
})

test('kinds of routes that a listener cannot have', () => {
  const kinds = (...of: readonly string[]): Listener => http('a', { allowedRoutes: { kinds: of.map((kind) => ({ kind })) } })
  const supported = (listener: Listener): readonly string[] | undefined =>
    apiModel({ gateways: [gatewayWith('g', listener)] }).gateways[0]?.listeners[0]?.supportedKinds.map(({ kind }) => kind)
  assert.deepEqual(supported(http('a')), ['HTTPRoute', 'GRPCRoute'])
  assert.deepEqual(supported(passthrough('a')), ['TLSRoute'])
  assert.deepEqual(supported(kinds('HTTPRoute', 'TCPRoute')), ['HTTPRoute'])
  assert.deepEqual(supported(kinds('TCPRoute')), [])
  assert.deepEqual(wrongWith(gatewayWith('g', kinds('HTTPRoute', 'TCPRoute'))), { a: ['ResolvedRefs False InvalidRouteKinds'] })
})

test('listeners whose hosts overlap are told so, and still served', () => {
  const gateway = gatewayWith(
    'g',
    https('a', { hostname: '*.a.example' }),
    https('b', { hostname: 'b.a.example' }),
    https('c', { hostname: 'c.example' }),
  )
  assert.deepEqual(wrongWith(gateway), {
    a: ['OverlappingTLSConfig True OverlappingHostnames'],
    b: ['OverlappingTLSConfig True OverlappingHostnames'],
    c: [],
  })
})

test('where to listen', () => {
  const portsFor = (...listeners: readonly Listener[]) =>
    apiModel({ gateways: [gatewayWith('g', ...listeners)], certificates: { 'x/s': certificate } }).model.ports()
  assert.deepEqual(portsFor(http('a'), http('b', { port: 8080 }), passthrough('c', { port: 8443 })), [
    { port: 8080, kind: 'http' },
    { port: 8443, kind: 'passthrough' },
  ])
  // Ingresses are served at 443 whatever Gateways want there.
  assert.deepEqual(portsFor(passthrough('a')), [{ port: 443, kind: 'both' }])
  assert.deepEqual(portsFor(https('a', { port: 8443, hostname: 'a.example' }), passthrough('b', { port: 8443, hostname: 'b.example' })), [
    { port: 8443, kind: 'both' },
  ])
})
