import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { networking } from '#api'
import { mayGo } from './plan.ts'

const range = (name: string, ...cidrs: string[]): networking.ServiceCIDR => ({ metadata: { name }, spec: { cidrs } })
const addresses = (...names: string[]): networking.IPAddress[] =>
  names.map((name) => ({ metadata: { name }, spec: { parentRef: { resource: 'services', name: 's' } } }))

test('a range goes when nobody has an address of it, or others hold its addresses too', () => {
  const own = range('own', '10.1.0.0/24', 'fd00::/120')
  assert.equal(mayGo(own, [own], addresses('10.2.0.1', 'fd01::1')), true)
  assert.equal(mayGo(own, [own], addresses('10.1.0.7')), false)
  assert.equal(mayGo(own, [own], addresses('fd00::7')), false)
  assert.equal(mayGo(own, [own, range('same', '10.1.0.0/24', 'fd00::/120')], addresses('10.1.0.7', 'fd00::7')), true)
  assert.equal(mayGo(own, [own, range('half', '10.1.0.0/16')], addresses('10.1.0.7')), true)
  assert.equal(mayGo(own, [own, range('half', '10.1.0.0/16')], addresses('fd00::7')), false)
  assert.equal(mayGo(own, [own, range('part', '10.1.0.0/25')], addresses('10.1.0.7')), true)
  assert.equal(mayGo(own, [own, range('part', '10.1.0.0/25')], addresses('10.1.0.200')), false)
})
