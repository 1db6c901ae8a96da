import assert from 'node:assert/strict'
import { it } from 'node:test'
import { leadsOutward, leadsSomewhere } from './outward.ts'

it('addresses of this machine, of the link and of groups are not dialled, however they are written', () => {
  for (const ip of [
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    'localhost',
    '',
  ])
    assert.equal(leadsOutward(ip), false, ip)
  for (const ip of ['10.0.0.1', '192.168.1.1', '8.8.8.8', 'fd00::1', '::ffff:10.0.0.1']) assert.equal(leadsOutward(ip), true, ip)
})

it('an administrator may mean this machine too, and nothing else of what is refused', () => {
  for (const ip of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', 'fd00::1']) assert.equal(leadsSomewhere(ip), true, ip)
  for (const ip of ['0.0.0.0', '169.254.169.254', '224.0.0.1', '::', 'fe80::1', 'ff02::1', '::ffff:169.254.169.254', 'localhost', ''])
    assert.equal(leadsSomewhere(ip), false, ip)
})
