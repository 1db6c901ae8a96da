import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { canonicalIpErrors, cidrContains, cidrErrors, cidrText, ipErrors, ipOf, parseCidr, strictCidrErrors, parseIp } from './ip.ts'

test('addresses and their one form', () => {
  const cases: Record<string, string | undefined> = {
    '10.0.0.1': '10.0.0.1',
    '010.001.0.1': '10.1.0.1',
    '255.255.255.255': '255.255.255.255',
    '256.0.0.1': undefined,
    '1.2.3': undefined,
    '1.2.3.4.5': undefined,
    '1.2.3.': undefined,
    '::': '::',
    '::1': '::1',
    'fd00::1': 'fd00::1',
    'FD00:0:0::1': 'fd00::1',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
    '2001:db8::1:0:0:1': '2001:db8::1:0:0:1',
    '::ffff:10.0.0.1': '10.0.0.1',
    '64:ff9b::1.2.3.4': '64:ff9b::102:304',
    '1:2:3:4:5:6:7:8:9': undefined,
    '1:2:3:4:5:6:7': undefined,
    '1::2::3': undefined,
    '1:2:3:4:5:6:7::8': undefined,
    ':1': undefined,
    '12345::': undefined,
    'fe80::1%eth0': undefined,
    '': undefined,
    x: undefined,
  }
  for (const [text, canonical] of Object.entries(cases)) assert.equal(parseIp(text)?.text, canonical, text)
})

test('every address is read back from its form', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 128n - 1n), (value) => {
      const ip = ipOf(6, value)
      assert.equal(isIP(ip.text), 6)
      if (value >> 32n !== 0xffffn) assert.deepEqual(parseIp(ip.text), ip)
    }),
    propertyRuns(100),
  )
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => assert.notEqual(parseIp(text), undefined, text)),
    propertyRuns(100),
  )
})

test('networks', () => {
  const cidr = parseCidr('10.1.2.3/16')
  assert.ok(cidr !== undefined)
  assert.equal(cidrText(cidr), '10.1.0.0/16')
  const inside = (text: string): boolean => {
    const ip = parseIp(text)
    return ip !== undefined && cidrContains(cidr, ip)
  }
  assert.ok(inside('10.1.255.255'))
  assert.ok(!inside('10.2.0.0'))
  assert.ok(!inside('::1'))
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '::/129', '/8']) assert.equal(parseCidr(text), undefined, text)
})

test('the messages', () => {
  assert.deepEqual(ipErrors('x'), ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'])
  assert.deepEqual(canonicalIpErrors('FD00::1'), ['must be in canonical form ("fd00::1")'])
  assert.deepEqual(cidrErrors('1.2.3.4'), ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'])
})

test('networks of mapped addresses hold IPv4 addresses, unless they are wider', () => {
  const ip = parseIp('10.1.2.3')
  const [mapped, wider] = [parseCidr('::ffff:10.0.0.0/104'), parseCidr('::ffff:10.0.0.0/90')]
  assert.ok(ip !== undefined && mapped !== undefined && wider !== undefined)
  assert.deepEqual([mapped.network.text, mapped.prefix, cidrContains(mapped, ip)], ['10.0.0.0', 104, true])
  assert.deepEqual([wider.network.family, cidrContains(wider, ip)], [6, false])
  assert.equal(parseCidr('::ffff:10.0.0.0/129'), undefined)
})

test('the one form of a network', () => {
  assert.deepEqual(strictCidrErrors('fd00::/64'), [])
  assert.deepEqual(strictCidrErrors('FD00:0::/64'), ['must be in canonical form ("fd00::/64")'])
  assert.deepEqual(strictCidrErrors('fd00::1/64'), ['must not have bits set beyond the prefix length'])
})
