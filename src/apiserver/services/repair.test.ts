import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Scope, rfc3339, rootScope } from '#base'
import { type core, refs } from '#api'
import { type Engine, TranslatedStore, openMemoryStore } from '#store'
import { manualClock } from '#testing'
import { fakeObjects } from '../auth/reader.fake.ts'
import { PortClaims, addressObject, ownerOf } from './claims.ts'
import { serviceRepair } from './repair.ts'

const MINUTE_MS = 60_000
class SharedStore extends TranslatedStore {
  override get shared(): boolean {
    return true
  }
}
const clock = manualClock()
const scope: Scope = rootScope({ clock })
const service = (name: string, address: string, nodePort: number): core.Service => ({
  metadata: { name, namespace: 'a' },
  spec: { clusterIP: address, clusterIPs: [address], ports: [{ port: 80, protocol: 'TCP', nodePort }] },
})
const shared = (): Engine => new SharedStore(openMemoryStore(scope), (_, value) => value)

test('what Services hold is claimed, what nobody holds is given back', async () => {
  const objects = fakeObjects()
  const engine = shared()
  const ports = new PortClaims(engine)
  const repair = serviceRepair({ reader: objects, writer: objects, engine })
  const [kept, gone, other] = [
    service('kept', '10.96.0.1', 30_001),
    service('gone', '10.96.0.2', 30_002),
    service('other', '10.96.0.3', 30_003),
  ]
  objects.put(refs.services, kept, other)
  const made = (name: string, by: core.Service): void => {
    const address = addressObject(name, by)
    objects.put(refs.ipaddresses, { ...address, metadata: { ...address.metadata, creationTimestamp: rfc3339(clock.now()) } })
  }
  made('10.96.0.2', gone)
  made('10.96.0.3', gone)
  objects.put(refs.ipaddresses, { metadata: { name: '10.96.0.9' }, spec: { parentRef: { group: 'g', resource: 'r', name: 'own' } } })
  await ports.claim(scope, 30_002, gone)
  const owners = (): unknown => Object.fromEntries(objects.list(refs.ipaddresses).map((one) => [one.metadata?.name, ownerOf(one)]))

  await repair(scope)
  assert.deepEqual(
    owners(),
    { '10.96.0.1': 'a/kept', '10.96.0.2': 'a/gone', '10.96.0.3': 'a/other', '10.96.0.9': undefined },
    'a claim may be of a create that is under way',
  )
  clock.advance(3 * MINUTE_MS)
  await repair(scope)
  assert.deepEqual(owners(), { '10.96.0.1': 'a/kept', '10.96.0.3': 'a/other', '10.96.0.9': undefined })
  assert.deepEqual(Object.fromEntries(await ports.all()), { 30001: 'a/kept', 30003: 'a/other' })
})

test('of two Services with one address neither loses it', async () => {
  const objects = fakeObjects()
  objects.put(refs.services, service('one', '10.96.0.1', 30_001), service('two', '10.96.0.1', 30_002))
  const repair = serviceRepair({ reader: objects, writer: objects, engine: openMemoryStore(scope) })
  await repair(scope)
  await repair(scope)
  assert.deepEqual(objects.list(refs.ipaddresses).map(ownerOf), ['a/one'])
})
