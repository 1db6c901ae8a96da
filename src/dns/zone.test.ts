import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, RecordType } from 'dns-packet'
import type { core, discovery } from '#api'
import { clusterAddresses } from '#reconcile'
import { type ServiceRecords, endpointsOf, isHeadless } from './records.ts'
import { type ClusterView, createZone } from './zone.ts'

/** The DNS specification for Kubernetes 1.1, as a table: a query, and what it says. */
const SERVICES: readonly core.Service[] = [
  {
    metadata: { name: 'web', namespace: 'ns' },
    spec: {
      clusterIP: '10.96.0.10',
      ports: [
        { name: 'http', port: 80, protocol: 'TCP' },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    },
  },
  { metadata: { name: 'db', namespace: 'ns' }, spec: { clusterIP: 'None', ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }] } },
  {
    metadata: { name: 'two', namespace: 'ns' },
    spec: { clusterIP: '10.96.0.12', clusterIPs: ['10.96.0.12', 'FD00:10:96::C'], ports: [{ name: 'http', port: 80 }] },
  },
  { metadata: { name: 'six', namespace: 'ns' }, spec: { clusterIP: 'fd00:10:96::d', ports: [{ name: 'http', port: 80 }] } },
  { metadata: { name: 'empty', namespace: 'ns' }, spec: { clusterIP: 'None' } },
  { metadata: { name: 'bare', namespace: 'ns' }, spec: { clusterIP: '10.96.0.11', ports: [] } },
  { metadata: { name: 'out', namespace: 'ns' }, spec: { type: 'ExternalName', externalName: 'www.example.com.' } },
]
const SLICES: Readonly<Record<string, readonly discovery.EndpointSlice[]>> = {
  db: [
    {
      addressType: 'IPv4',
      ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
      endpoints: [
        { addresses: ['10.244.0.5'], hostname: 'db-0' },
        { addresses: ['10.244.0.6'], conditions: { ready: true } },
        { addresses: ['10.244.0.7'], hostname: 'db-2', conditions: { ready: false } },
      ],
    },
    {
      addressType: 'IPv6',
      ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
      endpoints: [{ addresses: ['fd00::5'], hostname: 'db-0' }, { addresses: ['fd00:0::6'] }],
    },
  ],
}
const records = (service: core.Service): ServiceRecords => {
  const { name = '', namespace = '' } = service.metadata ?? {}
  return { name, namespace, service, endpoints: isHeadless(service) ? endpointsOf(SLICES[name] ?? []) : [] }
}
const view: ClusterView = {
  synced: () => true,
  service: (namespace, name) => {
    const found = SERVICES.find(({ metadata }) => metadata?.namespace === namespace && metadata.name === name)
    return found === undefined ? undefined : records(found)
  },
  hasNamespace: (name) => name === 'ns',
  serviceByAddress: (address) => SERVICES.filter((service) => clusterAddresses(service).includes(address)).map(records)[0],
  endpointByAddress: (address) => {
    for (const found of SERVICES.map(records))
      for (const endpoint of found.endpoints) if (endpoint.address === address) return { records: found, label: endpoint.label }
    return undefined
  },
}
const options = { domain: 'cluster.local', view, serial: () => 7, servers: ['10.96.0.53'] }
const zone = createZone(options)

function text(record: Answer): string {
  if (record.type === 'SRV') return `${record.data.priority} ${record.data.weight} ${record.data.port} ${record.data.target}`
  return 'data' in record ? String(record.data) : record.type
}

const NODATA = ''
const cases: readonly (readonly [RecordType, string, string])[] = [
  ['A', 'web.ns.svc.cluster.local', '10.96.0.10'],
  ['A', 'WEB.Ns.sVc.Cluster.LOCAL', '10.96.0.10'],
  ['AAAA', 'web.ns.svc.cluster.local', NODATA],
  ['SRV', '_http._tcp.web.ns.svc.cluster.local', '0 100 80 web.ns.svc.cluster.local'],
  ['SRV', '_dns._udp.web.ns.svc.cluster.local', '0 100 53 web.ns.svc.cluster.local'],
  ['SRV', '_http._udp.web.ns.svc.cluster.local', 'missing'],
  ['SRV', 'http.tcp.web.ns.svc.cluster.local', 'missing'],
  ['SRV', 'web.ns.svc.cluster.local', '0 50 80 web.ns.svc.cluster.local|0 50 53 web.ns.svc.cluster.local'],
  ['SRV', 'bare.ns.svc.cluster.local', NODATA],
  ['A', '_http._tcp.web.ns.svc.cluster.local', NODATA],
  ['A', 'x.web.ns.svc.cluster.local', 'missing'],
  ['A', 'db.ns.svc.cluster.local', '10.244.0.5|10.244.0.6'],
  ['A', 'db-0.db.ns.svc.cluster.local', '10.244.0.5'],
  ['A', '10-244-0-6.db.ns.svc.cluster.local', '10.244.0.6'],
  ['A', 'db-2.db.ns.svc.cluster.local', 'missing'],
  [
    'SRV',
    '_sql._tcp.db.ns.svc.cluster.local',
    '0 33 5432 db-0.db.ns.svc.cluster.local|0 33 5432 10-244-0-6.db.ns.svc.cluster.local|0 33 5432 fd00--6.db.ns.svc.cluster.local',
  ],
  ['A', 'empty.ns.svc.cluster.local', 'missing'],
  ['A', 'out.ns.svc.cluster.local', 'alias www.example.com'],
  ['CNAME', 'out.ns.svc.cluster.local', 'alias www.example.com'],
  ['A', 'x.out.ns.svc.cluster.local', 'missing'],
  ['PTR', '10.0.96.10.in-addr.arpa', 'web.ns.svc.cluster.local'],
  ['PTR', '5.0.244.10.in-addr.arpa', 'db-0.db.ns.svc.cluster.local'],
  ['PTR', '6.0.244.10.in-addr.arpa', '10-244-0-6.db.ns.svc.cluster.local'],
  ['PTR', '7.0.244.10.in-addr.arpa', 'foreign'],
  ['PTR', '1.2.3.in-addr.arpa', 'foreign'],
  ['A', '10-1-2-3.ns.pod.cluster.local', '10.1.2.3'],
  ['AAAA', '10-1-2-3.ns.pod.cluster.local', NODATA],
  ['A', '10-1-2-3.other.pod.cluster.local', 'missing'],
  ['A', '10-1-2-256.ns.pod.cluster.local', 'missing'],
  ['A', '10-1-2-03.ns.pod.cluster.local', 'missing'],
  ['A', 'nobody.ns.svc.cluster.local', 'missing'],
  ['A', 'web.other.svc.cluster.local', 'missing'],
  ['A', 'www.example.com.ns.svc.cluster.local', 'missing'],
  ['A', 'web.ns.svc.cluster.local.cluster.local', 'missing'],
  ['A', 'two.ns.svc.cluster.local', '10.96.0.12'],
  ['AAAA', 'two.ns.svc.cluster.local', 'fd00:10:96::c'],
  ['A', 'six.ns.svc.cluster.local', NODATA],
  ['AAAA', 'six.ns.svc.cluster.local', 'fd00:10:96::d'],
  ['AAAA', 'db.ns.svc.cluster.local', 'fd00::5|fd00::6'],
  ['AAAA', 'db-0.db.ns.svc.cluster.local', 'fd00::5'],
  ['AAAA', 'fd00--6.db.ns.svc.cluster.local', 'fd00::6'],
  ['A', 'fd00--6.db.ns.svc.cluster.local', NODATA],
  ['AAAA', 'fd00--9.ns.pod.cluster.local', 'fd00::9'],
  ['A', 'fd00--9.ns.pod.cluster.local', NODATA],
  ['PTR', `c.0.0.0.${'0.'.repeat(16)}6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa`, 'two.ns.svc.cluster.local'],
  ['PTR', `6.0.0.0.${'0.'.repeat(24)}0.0.d.f.ip6.arpa`, 'fd00--6.db.ns.svc.cluster.local'],
  ['PTR', `6.0.0.0.${'0.'.repeat(23)}0.0.d.f.ip6.arpa`, 'foreign'],
  ['A', 'ns.svc.cluster.local', NODATA],
  ['A', 'other.svc.cluster.local', 'missing'],
  ['A', 'svc.cluster.local', NODATA],
  ['A', 'cluster.local', NODATA],
  ['NS', 'cluster.local', 'ns.dns.cluster.local'],
  ['A', 'ns.dns.cluster.local', '10.96.0.53'],
  ['TXT', 'dns-version.cluster.local', '1.1.0'],
  ['A', 'local', 'foreign'],
  ['A', 'notcluster.local', 'foreign'],
  ['A', 'www.example.com', 'foreign'],
  ['A', '.', 'foreign'],
]

for (const [type, name, expected] of cases)
  test(`${type} ${name}: ${expected === NODATA ? 'no data' : expected}`, () => {
    const found = zone.answer({ type, name })
    if (found.kind === 'records') assert.equal(found.answers.map(text).join('|'), expected)
    else assert.equal(found.kind === 'alias' ? `alias ${found.target}` : found.kind, expected)
    for (const answer of found.kind === 'records' ? found.answers : []) assert.equal('ttl' in answer && answer.ttl, 5)
  })

test('targets of SRV records come with their addresses', () => {
  const found = zone.answer({ type: 'SRV', name: '_sql._tcp.db.ns.svc.cluster.local' })
  const additionals = found.kind === 'records' ? (found.additionals ?? []).map((record) => `${record.name} ${text(record)}`) : []
  assert.deepEqual(additionals, [
    'db-0.db.ns.svc.cluster.local 10.244.0.5',
    'db-0.db.ns.svc.cluster.local fd00::5',
    '10-244-0-6.db.ns.svc.cluster.local 10.244.0.6',
    'fd00--6.db.ns.svc.cluster.local fd00::6',
  ])
  const two = zone.answer({ type: 'SRV', name: '_http._tcp.two.ns.svc.cluster.local' })
  assert.deepEqual(two.kind === 'records' && (two.additionals ?? []).map(text), ['10.96.0.12', 'fd00:10:96::c'])
})

test('before the cluster has been seen, none of its names is denied', () => {
  const early = createZone({ ...options, view: { ...view, synced: () => false } })
  assert.equal(early.answer({ type: 'A', name: 'nobody.ns.svc.cluster.local' }).kind, 'unknown')
  assert.equal(early.answer({ type: 'PTR', name: '10.0.96.10.in-addr.arpa' }).kind, 'unknown')
  assert.equal(early.answer({ type: 'A', name: 'www.example.com' }).kind, 'foreign')
})
