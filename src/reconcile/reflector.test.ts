import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import type { KubeObject, ResourceRef } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createFakeApi } from '#testing'
import { createInformers } from './informers.ts'

interface Thing extends KubeObject {
  data?: Record<string, string>
}
const THINGS: ResourceRef<Thing> = { group: '', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true }
const thing = (name: string, data: Record<string, string> = {}): Thing => ({ metadata: { name, namespace: 'x' }, data })

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 4))
  assert.ok(condition())
}

test('shows what is there, then follows, with indexes and exact changes', async () => {
  const api = createFakeApi()
  const client = createClient({ transport: inProcessTransport(api.handler) })
  using scope = rootScope()
  const things = client.resource(THINGS)
  for (let i = 0; i < 1200; i++) await things.create(scope, thing(`t${i}`, { odd: String(i % 2) }))
  const informers = createInformers(client, { freeze: true })
  const informer = informers.informer(THINGS)
  informer.addIndex('odd', (object) => [object.data?.['odd'] ?? ''])
  const seen: string[] = []
  informer.onChange(({ key, old, now }) => seen.push(`${key} ${old === undefined ? 'new' : now === undefined ? 'gone' : 'changed'}`))
  await informers.start(scope)
  assert.equal(informer.list().length, 1200)
  assert.equal(informer.byIndex('odd', '1').length, 600)
  seen.length = 0
  await things.update(scope, { ...thing('t0'), data: { odd: '1' } })
  await things.delete(scope, { namespace: 'x', name: 't1' })
  await until(() => seen.length === 2)
  assert.deepEqual(seen, ['x/t0 changed', 'x/t1 gone'])
  assert.equal(informer.byIndex('odd', '1').length, 600)
  assert.throws(() => Object.assign(informer.get('x/t0') ?? {}, { kind: 'Other' }))
})

test('an index has one meaning for all who share the informer', () => {
  const api = createFakeApi()
  const informer = createInformers(createClient({ transport: inProcessTransport(api.handler) })).informer(THINGS)
  for (let twice = 0; twice < 2; twice++) informer.addIndex('odd', (object) => [object.data?.['odd'] ?? ''])
  assert.throws(() => informer.addIndex('odd', (object) => [object.kind ?? '']), /index 'odd' of .* has another meaning already/)
})

test('a cut watch resumes; a version that is gone is listed again, and the changes missed meanwhile are told exactly', async () => {
  const api = createFakeApi()
  const client = createClient({ transport: inProcessTransport(api.handler) })
  using scope = rootScope()
  const things = client.resource(THINGS)
  await things.create(scope, thing('stays'))
  await things.create(scope, thing('goes'))
  const informers = createInformers(client)
  const informer = informers.informer(THINGS)
  const seen: string[] = []
  informer.onChange(({ key, old, now }) => seen.push(`${key} ${old === undefined ? 'new' : now === undefined ? 'gone' : 'changed'}`))
  await informers.start(scope)
  await until(() => api.watches === 1)
  seen.length = 0
  api.cutWatches()
  await things.delete(scope, { namespace: 'x', name: 'goes' })
  await things.create(scope, thing('comes'))
  api.compact()
  await until(() => seen.length === 2)
  assert.deepEqual(seen.sort(), ['x/comes new', 'x/goes gone'])
  assert.deepEqual(
    informer
      .list()
      .map((object) => object.metadata?.name)
      .sort((a = '', b = '') => (a < b ? -1 : 1)),
    ['comes', 'stays'],
  )
})
