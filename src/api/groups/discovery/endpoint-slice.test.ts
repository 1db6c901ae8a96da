import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice } from '../../types/discovery-v1.gen.ts'
import { endpointSlices } from './endpoint-slice.ts'

test('a type of addresses that goes out of use is warned of when the slice is new', () => {
  const slice: EndpointSlice = { metadata: { name: 's' }, addressType: 'FQDN', endpoints: [] }
  const { warnings } = endpointSlices.strategy
  assert.deepEqual(warnings?.(slice, undefined), ['spec.addressType: FQDN endpoints are deprecated'])
  assert.deepEqual(warnings?.(slice, slice), [])
})
