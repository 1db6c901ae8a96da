import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cidrFormWarnings, ingressWarnings, ipFormWarnings } from './form-warnings.ts'

test('addresses that are not written in their one form are told', () => {
  const warnings: string[] = []
  ipFormWarnings('2001:DB8::1', 'a', warnings)
  ipFormWarnings('2001:db8::1', 'a', warnings)
  ipFormWarnings('10.0.0.1', 'a', warnings)
  ipFormWarnings('no address', 'a', warnings)
  cidrFormWarnings('2001:DB8::/64', 'b', warnings)
  cidrFormWarnings('10.0.0.0/8', 'b', warnings)
  assert.deepEqual(warnings, [
    'a: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
    'b: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")',
  ])
  assert.deepEqual(ingressWarnings([{}, { ip: 'FD00::1' }]), [
    'status.loadBalancer.ingress[1]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
  ])
})
