import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HTTPIngressPath, Ingress, NetworkPolicy } from '../../types/networking-v1.gen.ts'
import { changeRefusals, created, refusals } from '../refusals.fixture.ts'
import { ingresses } from './ingress.ts'
import { networkPolicies } from './network-policy.ts'
import { serviceCidrs } from './service-cidr.ts'

const metadata = { name: 'x', namespace: 'n' }

describe('Ingress', () => {
  const ingress = (path: Partial<HTTPIngressPath>, host = 'a.example.com'): Ingress => ({
    metadata,
    spec: {
      rules: [
        { host, http: { paths: [{ path: '/x', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } }, ...path }] } },
      ],
    },
  })
  const at = 'spec.rules[0].http.paths[0]'
  const cases: readonly (readonly [path: Partial<HTTPIngressPath>, refused: readonly string[]])[] = [
    [{}, []],
    [{ path: 'x' }, [`${at}.path: Invalid value: "x": must be an absolute path`]],
    [{ path: '/x/../y' }, [`${at}.path: Invalid value: "/x/../y": must not contain '/../'`]],
    [{ path: '/x/.' }, [`${at}.path: Invalid value: "/x/.": cannot end with '/.'`]],
    [{ path: '', pathType: 'ImplementationSpecific' }, []],
    [{ backend: {} }, [`${at}.backend: Invalid value: "": resource or service backend is required`]],
    [{ backend: { service: { name: 's' } } }, [`${at}.backend: Required value: port name or number is required`]],
  ]
  for (const [path, refused] of cases)
    it(`checks ${JSON.stringify(path)}`, () => assert.deepEqual(refusals(ingresses, ingress(path)), refused))

  it('wants names as hosts', () => {
    assert.deepEqual(refusals(ingresses, ingress({}, '*.example.com')), [])
    assert.equal(
      refusals(ingresses, ingress({}, '1.2.3.4'))[0],
      'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    )
  })
})

describe('NetworkPolicy', () => {
  const policy = (spec: NetworkPolicy['spec']): NetworkPolicy => ({ metadata, spec })

  it('says what it is about', () => {
    assert.deepEqual(created(networkPolicies, policy({})).spec?.policyTypes, ['Ingress'])
    assert.deepEqual(created(networkPolicies, policy({ egress: [] })).spec?.policyTypes, ['Ingress'])
    assert.deepEqual(created(networkPolicies, policy({ egress: [{}] })).spec?.policyTypes, ['Ingress', 'Egress'])
  })

  const peer = 'spec.ingress[0].from[0]'
  const cases = [
    [
      { ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } },
      [`${peer}.ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of \`cidr\``],
    ],
    [
      { ipBlock: { cidr: '010.0.0.0/8' } },
      [`${peer}.ipBlock.cidr: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length`],
    ],
    [{}, [`${peer}: Required value: must specify a peer`]],
    [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }, [`${peer}: Forbidden: may not specify both ipBlock and another peer`]],
  ] as const
  for (const [from, refused] of cases) {
    it(`checks ${JSON.stringify(from)}`, () =>
      assert.deepEqual(refusals(networkPolicies, policy({ ingress: [{ from: [structuredClone(from) as never] }] })), refused))
  }
})

describe('ServiceCIDR', () => {
  const range = { metadata: { name: 'r' }, spec: { cidrs: ['10.96.0.0/16'] } }
  it('may grow by the other family and changes in nothing else', () => {
    assert.deepEqual(
      changeRefusals(serviceCidrs, range, (draft) => draft.spec?.cidrs?.push('fd00::/108')),
      [],
    )
    assert.deepEqual(
      changeRefusals(serviceCidrs, range, (draft) => {
        draft.spec = { cidrs: ['10.95.0.0/16'] }
      }),
      ['spec.cidrs[0]: Invalid value: "10.95.0.0/16": field is immutable'],
    )
  })
})
