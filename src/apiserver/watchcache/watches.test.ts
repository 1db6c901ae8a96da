import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type TestApiServer, testApiServer } from '#testing'

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

async function start(t: TestContext, options: Parameters<typeof testApiServer>[0] = {}): Promise<TestApiServer> {
  const api = await testApiServer(options)
  t.after(() => api.close())
  return api
}

const put = (api: TestApiServer, name: string, labels: Readonly<Record<string, string>>, text = '1'): Promise<unknown> =>
  api.request('PUT', `${CONFIG_MAPS}/${name}`, { body: { metadata: { name, labels }, data: { text } } })

test('objects enter and leave a selection as if they came and went', async (t) => {
  const api = await start(t)
  await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' } } })
  const watch = await api.watch(`${CONFIG_MAPS}?watch=1&labelSelector=x%3D1`)
  await put(api, 'a', { x: '1' })
  await put(api, 'a', { x: '1' }, '2')
  await put(api, 'a', { x: '2' })
  await put(api, 'a', { x: '1' })
  await api.request('DELETE', `${CONFIG_MAPS}/a`)
  const events = []
  for (let at = 0; at < 5; at++) events.push(await watch.next())
  assert.deepEqual(
    events.map((event) => event.type),
    ['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED'],
  )
  // What leaves is shown as it was, at the revision at which it left.
  assert.deepEqual(events[2].object.metadata.labels, { x: '1' })
  assert.ok(Number(events[2].object.metadata.resourceVersion) > Number(events[1].object.metadata.resourceVersion))
})

test('a watch from a revision misses nothing that came after it', async (t) => {
  const api = await start(t)
  const first = await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' } } })
  for (let at = 0; at < 50; at++) await put(api, 'a', { at: String(at) })
  const watch = await api.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${first.body.metadata.resourceVersion}`)
  const seen = []
  for (let at = 0; at < 50; at++) seen.push((await watch.next()).object.metadata.labels.at)
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, at) => String(at)),
  )
})

test('a revision that the ring no longer holds is told to be too old', async (t) => {
  const api = await start(t, { cache: { ringBytes: 4_000 } })
  const first = await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' } } })
  for (let at = 0; at < 50; at++) await put(api, 'a', { at: String(at) })
  const watch = await api.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=${first.body.metadata.resourceVersion}`)
  const event = await watch.next()
  assert.equal(event.type, 'ERROR')
  assert.equal(event.object.code, 410)
  assert.equal(await watch.next(), undefined)
})

test('the initial objects end with a bookmark', async (t) => {
  const api = await start(t)
  await put(api, 'ignored', {})
  await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' } } })
  const watch = await api.watch(`${CONFIG_MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`)
  assert.equal((await watch.next()).object.metadata.name, 'a')
  const bookmark = await watch.next()
  assert.equal(bookmark.type, 'BOOKMARK')
  assert.deepEqual(bookmark.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' })
})

test('tables say their columns once', async (t) => {
  const api = await start(t)
  const watch = await api.watch(`${CONFIG_MAPS}?watch=1`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })
  await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'a' }, data: { x: '1' } } })
  await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'b' } } })
  const events = [await watch.next(), await watch.next()]
  assert.deepEqual(
    events.map((event) => event.object.rows[0].cells.slice(0, 2)),
    [
      ['a', 1],
      ['b', 0],
    ],
  )
  assert.equal(events[0].object.columnDefinitions.length, 3)
  assert.equal(events[1].object.columnDefinitions, null)
})

test('the first who asks for a field is told of what was there before in terms of it', async (t) => {
  const api = await start(t)
  const secrets = '/api/v1/namespaces/n/secrets'
  await api.request('GET', secrets)
  const first = await api.request('POST', secrets, { body: { metadata: { name: 'a' }, type: 'x/y' } })
  await api.request('POST', secrets, { body: { metadata: { name: 'b' }, type: 'x/y' } })
  await api.request('POST', secrets, { body: { metadata: { name: 'c' }, type: 'other/z' } })
  await api.request('DELETE', `${secrets}/b`)
  await api.request('DELETE', `${secrets}/c`)
  const since = first.body.metadata.resourceVersion
  const watch = await api.watch(`${secrets}?watch=1&resourceVersion=${since}&fieldSelector=type%3Dx/y`)
  const others = await api.watch(`${secrets}?watch=1&resourceVersion=${since}&fieldSelector=type!%3Dx/y`)
  for (const [one, name] of [
    [watch, 'b'],
    [others, 'c'],
  ] as const) {
    const events = [await one.next(), await one.next()]
    assert.deepEqual(
      events.map((event) => `${event.type} ${event.object.metadata.name}`),
      [`ADDED ${name}`, `DELETED ${name}`],
    )
  }
})
