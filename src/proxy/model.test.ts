import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core, discovery } from '#api'
import { type ProxyNode, ignoredParts, localReadyEndpoints, servicePorts } from './model.ts'
import { narrowRanges } from './kernel/ranges.ts'

const NODE: ProxyNode = { name: 'n1', zone: 'z1', families: ['IPv4'], externalIPs: false }
const service = (spec: core.ServiceSpec = {}, more: Partial<core.Service> = {}): core.Service => ({
  metadata: { name: 's', namespace: 'x' },
  spec: {
    type: 'ClusterIP',
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1'],
    ports: [{ name: 'web', port: 80, protocol: 'TCP' }],
    ...spec,
  },
  ...more,
})
const slice = (endpoints: readonly discovery.Endpoint[], over: Partial<discovery.EndpointSlice> = {}): discovery.EndpointSlice => ({
  addressType: 'IPv4',
  ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
  endpoints: [...endpoints],
  ...over,
})
const at = (n: number, over: Partial<discovery.Endpoint> = {}): discovery.Endpoint => ({
  addresses: [`10.244.0.${n}`],
  conditions: { ready: true },
  nodeName: 'n1',
  ...over,
})
const ENDING = { ready: false, serving: true, terminating: true }
const NOT_READY = { ready: false, serving: false, terminating: false }
const there = { nodeName: 'n2' }

interface Case {
  readonly name: string
  readonly spec?: core.ServiceSpec
  readonly endpoints: readonly discovery.Endpoint[]
  readonly inside: string
  readonly outside?: string
  readonly fromHere?: string
}

const cases: readonly Case[] = [
  { name: 'ready endpoints of all nodes', endpoints: [at(2, there), at(1)], inside: '1 2' },
  { name: 'no word on readiness is ready', endpoints: [at(1, { conditions: {} })], inside: '1' },
  { name: 'none', endpoints: [], inside: 'refuse' },
  { name: 'not ready', endpoints: [at(1, { conditions: NOT_READY })], inside: 'refuse' },
  { name: 'ending ones beside ready ones', endpoints: [at(1, { conditions: ENDING }), at(2)], inside: '2' },
  { name: 'only ending ones', endpoints: [at(1, { conditions: ENDING }), at(2, { conditions: NOT_READY })], inside: '1' },
  { name: 'ending ones that serve no more', endpoints: [at(1, { conditions: { ...ENDING, serving: false } })], inside: 'refuse' },
  { name: 'internal Local', spec: { internalTrafficPolicy: 'Local' }, endpoints: [at(1), at(2, there)], inside: '1', outside: '1 2' },
  { name: 'internal Local, none here', spec: { internalTrafficPolicy: 'Local' }, endpoints: [at(2, there)], inside: 'drop', outside: '2' },
  { name: 'internal Local, none anywhere', spec: { internalTrafficPolicy: 'Local' }, endpoints: [], inside: 'refuse' },
  {
    name: 'external Local',
    spec: { type: 'NodePort', externalTrafficPolicy: 'Local' },
    endpoints: [at(1), at(2, there)],
    inside: '1 2',
    outside: '1',
    fromHere: '1 2',
  },
  {
    name: 'external Local, here only ending ones',
    spec: { type: 'NodePort', externalTrafficPolicy: 'Local' },
    endpoints: [at(1, { conditions: ENDING }), at(2, there)],
    inside: '2',
    outside: '1',
    fromHere: '2',
  },
  { name: 'hints for zones', endpoints: [at(1, hint('z1')), at(2, hint('z2')), at(3, hint('z1', 'z2'))], inside: '1 3' },
  { name: 'a zone without any', endpoints: [at(1, hint('z2')), at(2, hint('z3'))], inside: '1 2' },
  { name: 'an endpoint without a hint', endpoints: [at(1, hint('z1')), at(2)], inside: '1 2' },
  { name: 'hints for nodes go before those for zones', endpoints: [at(1, node('n1')), at(2, node('n2'))], inside: '1' },
  { name: 'a node without any falls back to its zone', endpoints: [at(1, node('n2')), at(2, node('n3', 'z2'))], inside: '1' },
  {
    name: 'an address that is none',
    endpoints: [at(1, { addresses: ['10.0.0.1 }; flush ruleset; #'] }), at(2, { addresses: ['300.1.1.1'] })],
    inside: 'refuse',
  },
]

function hint(...zones: readonly string[]): Partial<discovery.Endpoint> {
  return { hints: { forZones: zones.map((name) => ({ name })) } }
}
function node(name: string, zone = 'z1'): Partial<discovery.Endpoint> {
  return { hints: { forNodes: [{ name }], forZones: [{ name: zone }] } }
}

for (const { name, spec, endpoints, inside, outside = inside, fromHere } of cases)
  test(`endpoints: ${name}`, () => {
    const [port] = servicePorts(service(spec), [slice(endpoints)], NODE)
    const text = (choice: { targets: readonly { address: string }[]; otherwise: string } | undefined): string | undefined =>
      choice?.targets.length === 0 ? choice.otherwise : choice?.targets.map(({ address }) => address.split('.')[3]).join(' ')
    assert.deepEqual([text(port?.inside), text(port?.outside), text(port?.outsideFromHere)], [inside, outside, fromHere])
  })

test('Services that lead nowhere here give nothing', () => {
  for (const none of [
    service({ type: 'ExternalName', externalName: 'example.com' }),
    service({ clusterIP: 'None' }),
    service({ clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] }),
    service({}, { metadata: { name: 's', namespace: 'x', labels: { 'service.kubernetes.io/service-proxy-name': 'other' } } }),
    service({}, { metadata: { name: 's', namespace: 'x', labels: { 'service.kubernetes.io/headless': '' } } }),
  ])
    assert.deepEqual(servicePorts(none, [slice([at(1)])], NODE), [])
})

test('ports go together by name and protocol; other families and slices without the port are passed over', () => {
  const spec = {
    ports: [
      { name: 'web', port: 80 },
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns', port: 53, protocol: 'TCP' },
    ],
  }
  const slices = [
    slice([at(1)], {
      ports: [
        { name: 'web', port: 8080, protocol: 'TCP' },
        { name: 'dns', port: 5353, protocol: 'UDP' },
      ],
    }),
    slice([at(2)], {
      ports: [
        { name: 'web', port: 9090, protocol: 'TCP' },
        { name: 'dns', protocol: 'TCP' },
      ],
    }),
    slice([{ addresses: ['fd00::1'] }], { addressType: 'IPv6' }),
  ]
  const found = servicePorts(service(spec), slices, NODE).map(
    ({ protocol, inside }) => `${protocol} ${inside.targets.map(({ address, port }) => `${address}:${port}`)}`,
  )
  assert.deepEqual(found, ['tcp 10.244.0.1:8080,10.244.0.2:9090', 'udp 10.244.0.1:5353', 'tcp '])
})

test('addresses of load balancers, external ones only where they are on, and source ranges for the former', () => {
  const spec = { type: 'LoadBalancer', externalIPs: ['198.51.100.1'], loadBalancerSourceRanges: ['10.1.0.0/16', '10.0.0.0/8', 'fd00::/8'] }
  const made = service(spec, {
    status: {
      loadBalancer: {
        ingress: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', ipMode: 'Proxy' }, { ip: 'fd00::9' }, { hostname: 'lb.example.com' }],
      },
    },
  })
  assert.deepEqual(servicePorts(made, [], NODE)[0]?.externals, [{ address: '192.0.2.1', sources: ['10.0.0.0/8'] }])
  const on = { ...NODE, externalIPs: true }
  const external = { address: '198.51.100.1', sources: undefined }
  assert.deepEqual(servicePorts(made, [], on)[0]?.externals, [external, { address: '192.0.2.1', sources: ['10.0.0.0/8'] }])
  assert.deepEqual(ignoredParts(made, NODE), [
    'address fd00::9: only IPv4 is served',
    'external address 198.51.100.1: external addresses are off',
    'source range fd00::/8: only IPv4 is served',
  ])
  assert.deepEqual(ignoredParts(service(), NODE), [])
})

test('a Service of two families is one port in each that the node serves, with the endpoints, addresses and networks of that family', () => {
  const spec = {
    type: 'LoadBalancer',
    clusterIPs: ['fd00:10:96:0::a', '10.96.0.1'],
    clusterIP: 'fd00:10:96:0::a',
    loadBalancerSourceRanges: ['10.0.0.0/8', 'fd00:7::1/32', 'fd00:7:1::/48'],
  }
  const made = service(spec, { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: 'FD00::9' }] } } })
  const slices = [slice([at(1)]), slice([{ addresses: ['fd00::1'], nodeName: 'n1' }], { addressType: 'IPv6' })]
  const both: ProxyNode = { ...NODE, families: ['IPv4', 'IPv6'] }
  assert.deepEqual(
    servicePorts(made, slices, both).map(({ family, clusterAddress, inside, externals }) => [
      family,
      clusterAddress,
      inside.targets.map(({ address }) => address),
      externals,
    ]),
    [
      ['IPv4', '10.96.0.1', ['10.244.0.1'], [{ address: '192.0.2.1', sources: ['10.0.0.0/8'] }]],
      ['IPv6', 'fd00:10:96::a', ['fd00::1'], [{ address: 'fd00::9', sources: ['fd00:7::/32'] }]],
    ],
  )
  assert.deepEqual(ignoredParts(made, both), [])
  assert.deepEqual(
    servicePorts(made, slices, NODE).map(({ family }) => family),
    ['IPv4'],
  )
  assert.equal(localReadyEndpoints([slices[1] ?? slice([])], 'n1'), 1)
})

test('affinity lasts three hours unless it says otherwise', () => {
  const seconds = (spec: core.ServiceSpec): number | undefined => servicePorts(service(spec), [], NODE)[0]?.affinitySeconds
  assert.equal(seconds({}), undefined)
  assert.equal(seconds({ sessionAffinity: 'ClientIP' }), 10_800)
  assert.equal(seconds({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 7 } } }), 7)
})

test('the health check counts ready endpoints of this node, each once', () => {
  assert.equal(localReadyEndpoints([slice([at(1), at(2, there), at(3, { conditions: NOT_READY })]), slice([at(1), at(4)])], 'n1'), 2)
})

test('networks are narrowed to those that do not lie in another', () => {
  assert.deepEqual(narrowRanges(['10.1.2.3/8', '10.200.0.0/16', '192.168.0.1/32', ' 172.16.0.0/12 ', '10.0.0.0/8']), [
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.1/32',
  ])
  assert.deepEqual(narrowRanges(['1.2.3.4/0', '9.9.9.9/32']), ['0.0.0.0/0'])
  assert.deepEqual(narrowRanges(['10.0.0.0', '10.0.0.0/33', '300.0.0.0/8', 'fd00::/8', '10.0.0.0/8/8', '']), [])
  assert.deepEqual(narrowRanges(['255.255.255.255/32', '255.255.255.254/31']), ['255.255.255.254/31'])
})
