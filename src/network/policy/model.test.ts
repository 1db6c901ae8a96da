import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { core, networking } from '#api'
import { type PolicyWorld, planPolicies } from './model.ts'
import { mergePorts } from './ports.ts'
import { changeOf, rulesetOf } from './ruleset.ts'

const pod = (
  name: string,
  address: string,
  labels: Record<string, string>,
  more: Partial<core.PodSpec> = {},
  namespace = 'x',
): core.Pod => ({
  metadata: { name, namespace, labels },
  spec: { nodeName: 'here', containers: [{ name: 'main', ports: [{ name: 'web', containerPort: 8080 }] }], ...more },
  status: { podIP: address, phase: 'Running' },
})
const policy = (spec: networking.NetworkPolicySpec, name = 'p'): networking.NetworkPolicy => ({ metadata: { name, namespace: 'x' }, spec })
const world = (policies: readonly networking.NetworkPolicy[], pods: readonly core.Pod[]): PolicyWorld => ({
  family: 'IPv4',
  nodeName: 'here',
  policies,
  pods,
  namespaces: [{ metadata: { name: 'x', labels: { team: 'a' } } }, { metadata: { name: 'y', labels: { team: 'b' } } }],
  standIns: [{ namespace: 'dns', labels: { app: 'dns' }, address: '10.9.9.9', ports: [{ name: 'dns', protocol: 'UDP', port: 53 }] }],
})
const web = { app: 'web' }

describe('what pods may do', () => {
  test('without a policy that selects it, a pod is in no group', () => {
    assert.deepEqual(
      planPolicies(world([policy({ podSelector: { matchLabels: { app: 'other' } } })], [pod('a', '10.0.0.2', web)])).groups,
      [],
    )
  })
  test('policy types that are not written follow from the rules', () => {
    const directions = (spec: networking.NetworkPolicySpec): readonly string[] =>
      planPolicies(world([policy({ podSelector: {}, ...spec })], [pod('a', '10.0.0.2', web)])).groups.map(({ direction }) => direction)
    assert.deepEqual(directions({}), ['ingress'])
    assert.deepEqual(directions({ egress: [{}] }), ['ingress', 'egress'])
    assert.deepEqual(directions({ policyTypes: ['Egress'] }), ['egress'])
  })
  test('pods of other nodes, of the host network and finished ones are not kept in', () => {
    const pods = [
      pod('far', '10.0.1.2', web, { nodeName: 'there' }),
      pod('host', '192.168.0.1', web, { hostNetwork: true }),
      { ...pod('done', '10.0.0.3', web), status: { podIP: '10.0.0.3', phase: 'Succeeded' } },
      pod('a', '10.0.0.2', web),
    ]
    assert.deepEqual(
      planPolicies(world([policy({ podSelector: {} })], pods)).groups.map(({ addresses }) => addresses),
      [['10.0.0.2']],
    )
  })
  test('peers: pods of the same namespace, of others by label, both together, and what stands for pods', () => {
    const pods = [
      pod('a', '10.0.0.2', web),
      pod('b', '10.0.1.2', { app: 'db' }, { nodeName: 'there' }),
      pod('c', '10.0.1.3', { app: 'db' }, {}, 'y'),
      pod('d', '10.0.1.4', web, {}, 'y'),
    ]
    const peers = (from: networking.NetworkPolicyPeer): readonly string[] => {
      const found = planPolicies(world([policy({ podSelector: { matchLabels: web }, ingress: [{ from: [from] }] })], pods)).groups[0]
        ?.policies[0]
      const rule = found?.rules[0]?.peers
      return rule === undefined || rule === 'all' ? [] : rule.addresses
    }
    assert.deepEqual(peers({ podSelector: { matchLabels: { app: 'db' } } }), ['10.0.1.2'])
    assert.deepEqual(peers({ namespaceSelector: { matchLabels: { team: 'b' } } }), ['10.0.1.3', '10.0.1.4'])
    assert.deepEqual(peers({ namespaceSelector: {}, podSelector: { matchLabels: { app: 'db' } } }), ['10.0.1.2', '10.0.1.3'])
    assert.deepEqual(peers({ namespaceSelector: {}, podSelector: { matchLabels: { app: 'dns' } } }), ['10.9.9.9'])
  })
  test('a named port is the number on each receiving pod', () => {
    const pods = [
      pod('a', '10.0.0.2', web),
      pod('b', '10.0.0.3', web, { containers: [{ name: 'main', ports: [{ name: 'web', containerPort: 9090 }] }] }),
    ]
    const rules = planPolicies(world([policy({ podSelector: {}, ingress: [{ ports: [{ port: 'web' }] }] })], pods)).groups[0]?.policies[0]
      ?.rules
    assert.deepEqual(rules, [
      {
        peers: 'all',
        ports: {
          ranges: [],
          named: [
            { address: '10.0.0.2', protocol: 'TCP', port: 8080 },
            { address: '10.0.0.3', protocol: 'TCP', port: 9090 },
          ],
        },
      },
    ])
  })
  test('blocks of another family allow nothing', () => {
    const spec = { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 'fd00::/8' } }] }] }
    const { groups } = planPolicies(world([policy(spec)], [pod('a', '10.0.0.2', web)]))
    assert.deepEqual(groups[0]?.policies[0]?.rules, [{ peers: { addresses: [], blocks: [] }, ports: 'all' }])
  })
  test('each family is planned for itself, of the addresses and blocks that it has', () => {
    const two = {
      ...pod('a', '10.0.0.2', web),
      status: { podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }, { ip: 'FD00::2' }], phase: 'Running' },
    }
    const block = (cidr: string, except: string[] = []): networking.NetworkPolicyPeer => ({ ipBlock: { cidr, except } })
    const spec = {
      podSelector: {},
      ingress: [{ from: [block('10.0.0.0/8'), block('fd00::/8', ['fd00:1::/32']), block('::ffff:10.0.0.0/104')] }],
    }
    const { groups } = planPolicies({ ...world([policy(spec)], [two, pod('b', '10.0.0.3', web)]), family: 'IPv6' })
    assert.deepEqual(
      groups.map(({ addresses }) => addresses),
      [['fd00::2']],
    )
    assert.deepEqual(groups[0]?.policies[0]?.rules[0]?.peers, {
      addresses: [],
      blocks: [{ cidr: 'fd00::/8', except: ['fd00:1::/32'] }],
    })
    const { chains } = rulesetOf({ groups }, 'IPv6')
    assert.doesNotMatch(chains, /\bip [sd]addr|ipv4_addr/)
    assert.match(chains, /nd-neighbor-solicit.*accept/)
  })
  test('port ranges are joined where they meet', () => {
    const range = (first: number, last: number, protocol = 'TCP'): { protocol: string; first: number; last: number } => ({
      protocol,
      first,
      last,
    })
    assert.deepEqual(mergePorts([range(80, 90), range(85, 95), range(96, 96), range(53, 53, 'UDP'), range(200, 100)]), [
      range(80, 96),
      range(53, 53, 'UDP'),
    ])
  })
})

describe('the rules of the kernel', () => {
  const spec = {
    podSelector: {},
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'db' } } }], ports: [{ port: 80, endPort: 90 }] }],
  }
  const rulesFor = (...pods: readonly core.Pod[]): ReturnType<typeof rulesetOf> =>
    rulesetOf(planPolicies(world([policy(spec)], pods)), 'IPv4')
  test('pods that come and go change elements only', () => {
    const before = rulesFor(pod('a', '10.0.0.2', web))
    const after = rulesFor(pod('a', '10.0.0.2', web), pod('b', '10.0.0.3', { app: 'db' }))
    const change = changeOf('t', 'IPv4', before, after)
    assert.doesNotMatch(change, /chain|delete/)
    assert.match(change, /add element ip t isolated-ingress { 10\.0\.0\.3 : goto ingress-pods-\w+ }/)
    assert.match(change, /add element ip t ingress-policy-\w+-0-peers { 10\.0\.0\.3 }/)
    assert.equal(changeOf('t', 'IPv4', after, after), '')
  })
  test('another rule replaces the table as a whole', () => {
    const before = rulesFor(pod('a', '10.0.0.2', web))
    const after = rulesetOf(planPolicies(world([policy({ podSelector: {} })], [pod('a', '10.0.0.2', web)])), 'IPv4')
    assert.match(changeOf('t', 'IPv4', before, after), /^table ip t\ndelete table ip t\ntable ip t {/)
  })
})
