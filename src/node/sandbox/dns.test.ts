import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { dnsOf, parseResolvConf } from './dns.ts'
import { hostsFile, hostnameOf } from './hosts-file.ts'

const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' }
const node = { servers: ['1.1.1.1'], searches: ['corp'], options: ['rotate'] }
const pod = (spec: Partial<core.PodSpec>): core.Pod => ({ metadata: { name: 'web', namespace: 'shop' }, spec: { containers: [], ...spec } })
const own = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp']

const cases: readonly [what: string, spec: Partial<core.PodSpec>, expected: object][] = [
  ['the cluster first', {}, { servers: ['10.96.0.10'], searches: own, options: ['ndots:5'] }],
  ['the node on its network', { hostNetwork: true }, node],
  [
    "the cluster first on the node's network when asked",
    { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
    { servers: ['10.96.0.10'], searches: own, options: ['ndots:5'] },
  ],
  ["the node's", { dnsPolicy: 'Default' }, node],
  [
    'only what the pod says',
    {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['9.9.9.9'], searches: ['x'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] },
    },
    { servers: ['9.9.9.9'], searches: ['x'], options: ['ndots:2', 'edns0'] },
  ],
  [
    "the pod's options win",
    { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } },
    { servers: ['10.96.0.10'], searches: own, options: ['ndots:1'] },
  ],
  [
    'never more servers than a resolver reads',
    { dnsConfig: { nameservers: ['a', 'b', 'c'] } },
    { servers: ['10.96.0.10', 'a', 'b'], searches: own, options: ['ndots:5'] },
  ],
]
for (const [what, spec, expected] of cases)
  test(`names are resolved by ${what}`, () => assert.deepEqual(dnsOf(pod(spec), cluster, node), expected))

test('a resolver configuration is read as the C library does', () => {
  const text = '# made\nnameserver 1.1.1.1 # first\nsearch a.\nsearch b c.\noptions ndots:2 rotate\n'
  assert.deepEqual(parseResolvConf(text), { servers: ['1.1.1.1'], searches: ['b', 'c'], options: ['ndots:2', 'rotate'] })
})
test('/etc/hosts has the pod under all its names, and its aliases', () => {
  const of = pod({ hostname: 'box', subdomain: 'sub', hostAliases: [{ ip: '1.2.3.4', hostnames: ['foo', 'bar'] }] })
  const text = hostsFile(of, ['10.0.0.1'], hostnameOf(of, 'cluster.local'), '')
  assert.ok(text.startsWith('# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n'))
  assert.ok(text.endsWith('10.0.0.1\tbox.sub.shop.svc.cluster.local\tbox\n\n# Entries added by HostAliases.\n1.2.3.4\tfoo\tbar\n'))
})
test('a long name is cut to what the kernel takes', () => {
  const of: core.Pod = { metadata: { name: `${'a'.repeat(62)}-bcd` } }
  assert.equal(hostnameOf(of, 'cluster.local').hostname, 'a'.repeat(62))
})
