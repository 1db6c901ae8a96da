import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFamilies } from './families.ts'
import { type Instance, dnsService, familiesOf, hostInUrl, rangesIn, serviceCidrs } from './instance.ts'

const instance = (clusterCidr: string, ipv6?: Instance['ipv6']): Instance => ({
  version: 2,
  name: 'a',
  securePort: 1,
  machineAddress: '::1',
  networkMode: 'route',
  nodes: [{ name: 'a', address: '::2' }],
  clusterCidr,
  ...(ipv6 === undefined ? {} : { ipv6 }),
  dnsAddress: '::3',
})

describe('address families of a cluster', () => {
  it('are one, or both with IPv4 first', () => {
    assert.deepEqual(['IPv4', 'IPv6', 'IPv4,IPv6'].map(parseFamilies), [['IPv4'], ['IPv6'], ['IPv4', 'IPv6']])
    for (const wrong of ['', 'ipv4', 'IPv6,IPv4', 'IPv6,IPv6', 'IPv4,', 'IPv4,IPv6,IPv4'])
      assert.throws(() => parseFamilies(wrong), /address families|has IPv4 first/, wrong)
  })
  it('are told by the ranges that it was made with', () => {
    const six = instance(rangesIn('IPv6', 3).clusterCidr)
    assert.deepEqual(familiesOf(six), ['IPv6'])
    assert.deepEqual(serviceCidrs(six), ['fd53:616d:ffff::/112'])
    assert.equal(dnsService(six), 'fd53:616d:ffff::a')
    const four = rangesIn('IPv4', 3).clusterCidr
    assert.deepEqual(familiesOf(instance(four)), ['IPv4'])
    assert.equal(dnsService(instance(four)), '10.96.0.10')
    assert.deepEqual(familiesOf(instance(four, { clusterCidr: 'fd00::/56', serviceCidr: 'fd01::/112' })), ['IPv4', 'IPv6'])
  })
  it('make no address of one instance that of another, nor of a node that of the names', () => {
    const [a, b] = [rangesIn('IPv6', 1), rangesIn('IPv6', 2)]
    const all = [a, b].flatMap(({ machineAddress, dnsAddress, addressOf }) => [
      machineAddress,
      dnsAddress,
      ...Array.from({ length: 16 }, (_, i) => addressOf(i)),
    ])
    assert.equal(new Set(all).size, all.length)
    assert.deepEqual(['fd00::1', '10.0.0.1'].map(hostInUrl), ['[fd00::1]', '10.0.0.1'])
  })
})
