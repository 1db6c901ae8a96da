import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { repackSubsets } from './repack-subsets.ts'

const [a, b, c] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((ip): core.EndpointAddress => ({ ip })) as [
  core.EndpointAddress,
  core.EndpointAddress,
  core.EndpointAddress,
]
const web = { name: 'web', port: 80 }
const admin = { name: 'admin', port: 81 }

test('ports stand together when the same addresses offer them', () => {
  assert.deepEqual(
    repackSubsets([
      { addresses: [b], ports: [web] },
      { addresses: [a], ports: [web, admin] },
      { addresses: [b], ports: [admin] },
    ]),
    [{ addresses: [a, b], ports: [admin, web] }],
  )
  assert.deepEqual(
    repackSubsets([
      { addresses: [a], ports: [web, admin] },
      { addresses: [b], ports: [admin] },
    ]),
    [
      { addresses: [a, b], ports: [admin] },
      { addresses: [a], ports: [web] },
    ],
  )
})

test('an address that is not ready for a port is not ready, whoever else says so', () => {
  assert.deepEqual(
    repackSubsets([
      { addresses: [c, a], ports: [web] },
      { notReadyAddresses: [a], ports: [web] },
    ]),
    [{ addresses: [c], notReadyAddresses: [a], ports: [web] }],
  )
})

test('addresses without ports stay', () => {
  assert.deepEqual(repackSubsets([{ addresses: [a] }, { notReadyAddresses: [b], ports: [] }]), [{ addresses: [a], notReadyAddresses: [b] }])
})
