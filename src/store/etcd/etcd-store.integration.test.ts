import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { UserError, rootScope } from '#base'
import { put, record, until } from '../contract/harness.fixture.ts'
import { IDENTITY, aesGcm } from '../encryption/ciphers.ts'
import { EncryptedStore } from '../encryption/encrypted-store.ts'
import { type EtcdServer, WITHOUT_ETCD, startEtcd } from '#testing'
import { openEtcdStore } from './etcd-store.ts'

test('addresses and files that cannot be right are refused by name', async () => {
  const scope = rootScope()
  const wrong = [
    { endpoints: [] },
    { endpoints: ['127.0.0.1:2379'] },
    { endpoints: ['http://127.0.0.1:1'], certFile: 'alone' },
    { endpoints: ['http://127.0.0.1:1'], caFile: '/does/not/exist' },
  ]
  for (const target of wrong) await assert.rejects(openEtcdStore(scope, target), UserError)
})

describe('etcd that fails', { skip: WITHOUT_ETCD }, () => {
  let server: EtcdServer
  before(async () => {
    server = await startEtcd()
  })
  after(() => server[Symbol.asyncDispose]())

  test('a watch goes on over a kill of etcd without a gap or a repetition, and a write waits for it', async () => {
    const scope = rootScope()
    // The first member is never there.
    await using engine = await openEtcdStore(scope, { endpoints: ['http://127.0.0.1:1', server.url] })
    const first = engine.revision + 1
    const seen = record(engine, scope, { prefix: 'p/' })
    await put(engine, 'p/a')
    await server.stop('SIGKILL')
    const writing = put(engine, 'p/b')
    await server.start()
    assert.equal(await writing, first + 1)
    await put(engine, 'p/c')
    await until('all events', () => seen.batches.length >= 3)
    assert.deepEqual(seen.lines(), [`${first}:put:p/a`, `${first + 1}:put:p/b`, `${first + 2}:put:p/c`])
    assert.deepEqual(seen.ends, [])
  })

  test('another process is seen by a read point, and its writes by watches', async () => {
    const scope = rootScope()
    await using one = await openEtcdStore(scope, { endpoints: [server.url] })
    await using other = await openEtcdStore(scope, { endpoints: [server.url] })
    const seen = record(one, scope, { prefix: 'q/' })
    const elsewhere = await put(other, 'elsewhere')
    assert.equal((await one.commit({ operations: [] })).revision, elsewhere)
    await until('progress', () => seen.progress.at(-1) === elsewhere)
    await other.compact(elsewhere)
    await one.compact(elsewhere - 1)
    await put(other, 'q/a')
    await until('the event', () => seen.batches.length === 1)
  })

  test('a lease ends by the clock of etcd', async () => {
    const scope = rootScope()
    await using engine = await openEtcdStore(scope, { endpoints: [server.url] })
    const seen = record(engine, scope, { prefix: 'leased' })
    await put(engine, 'leased', 'v', await engine.grantLease(1))
    await until('its end', () => seen.batches.length === 2)
    assert.deepEqual(
      seen.batches[1]?.events.map(({ kind }) => kind),
      ['delete'],
    )
  })

  test('encrypted values lie encrypted', async () => {
    const scope = rootScope()
    const engine = await openEtcdStore(scope, { endpoints: [server.url] })
    const cipher = aesGcm({ name: 'k', secret: new Uint8Array(32) }, (count) => scope.random.bytes(count))
    await using store = new EncryptedStore(engine, [{ prefixes: ['s/'], ciphers: [cipher, IDENTITY] }])
    await put(store, 's/a', 'plain text')
    assert.equal(Buffer.from((await store.get('s/a'))?.value ?? []).toString(), 'plain text')
    assert.ok(
      Buffer.from((await engine.get('s/a'))?.value ?? [])
        .toString('latin1')
        .startsWith('k8s:enc:aesgcm:v1:k:'),
    )
  })
})
