import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, manualClock } from '#testing/basics'
import { testApiServer } from '#testing'
import { keepIdentity } from './identity-lease.ts'

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
const PLACE = { address: 'fd00::1', port: 6443 }
const lease = (name: string, renewTime: string, labels: object = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' }) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, labels },
  spec: { holderIdentity: name, leaseDurationSeconds: 3600, renewTime },
})

test('a server keeps its Lease, and removes only the Leases of servers that have said nothing for an hour', async () => {
  const clock = manualClock(Date.parse('2026-11-30T12:00:00Z'))
  const api = await testApiServer({ root: { clock } })
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kube-system' } } })
  for (const body of [
    lease('gone', '2026-11-30T10:59:59.000000Z'),
    lease('there', '2026-11-30T11:00:01.000000Z'),
    lease('other', '2026-11-30T10:00:00.000000Z', {}),
  ])
    assert.equal((await api.request('POST', LEASES, { body })).status, 201)
  const names = async () => {
    const { body } = await api.request('GET', LEASES)
    return (body.items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)
  }
  const first = await keepIdentity(api.scope, api.server, PLACE)
  const own = (await names()).find((name) => name.startsWith('apiserver-')) ?? ''
  assert.deepEqual(await names(), [own, 'other', 'there'])
  const before = (await api.request('GET', `${LEASES}/${own}`)).body
  assert.equal(before.metadata.annotations['kubernetes.io/peer-advertise-address'], '[fd00::1]:6443')
  clock.advance(10_000)
  await eventually(
    'a renewal',
    async () => (await api.request('GET', `${LEASES}/${own}`)).body.spec.renewTime === '2026-11-30T12:00:10.000000Z',
  )
  await first.end()
  // The same place comes back under the same name, as another holder.
  const second = await keepIdentity(api.scope, api.server, PLACE)
  const after = (await api.request('GET', `${LEASES}/${own}`)).body
  assert.equal(after.metadata.uid, before.metadata.uid)
  assert.notEqual(after.spec.holderIdentity, before.spec.holderIdentity)
  await second.end()
  await api.close()
})
