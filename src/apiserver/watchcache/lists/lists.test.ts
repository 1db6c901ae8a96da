import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type TestApiServer, testApiServer } from '#testing'

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

async function serverWith(t: TestContext, names: readonly string[], labels: Readonly<Record<string, string>> = {}): Promise<TestApiServer> {
  const api = await testApiServer()
  t.after(() => api.close())
  for (const name of names)
    await api.request('POST', CONFIG_MAPS, { body: { metadata: { name, labels: { ...labels, name } }, data: { x: '1' } } })
  return api
}

const names = (body: { items: { metadata: { name: string } }[] }): string[] => body.items.map((item) => item.metadata.name)

test('pages of a list show the state of its start, whatever happens between them', async (t) => {
  const api = await serverWith(t, ['a', 'b', 'c', 'd', 'e'])
  const first = await api.request('GET', `${CONFIG_MAPS}?limit=2`)
  assert.deepEqual(names(first.body), ['a', 'b'])
  assert.equal(first.body.metadata.remainingItemCount, 3)
  await api.request('DELETE', `${CONFIG_MAPS}/d`)
  await api.request('POST', CONFIG_MAPS, { body: { metadata: { name: 'bb' } } })
  const rest = await api.request('GET', `${CONFIG_MAPS}?limit=10&continue=${first.body.metadata.continue}`)
  assert.deepEqual(names(rest.body), ['c', 'd', 'e'])
  assert.equal(rest.body.metadata.resourceVersion, first.body.metadata.resourceVersion)
  assert.equal(rest.body.metadata.continue, undefined)
})

test('a page whose history is gone is refused with a token that goes on in the present', async (t) => {
  const api = await serverWith(t, ['a', 'b', 'c'])
  const created = await api.request('GET', `${CONFIG_MAPS}/a`)
  const old = Number(created.body.metadata.resourceVersion)
  const first = await api.request('GET', `${CONFIG_MAPS}?limit=1&resourceVersion=${old}&resourceVersionMatch=Exact`)
  assert.deepEqual(names(first.body), ['a'])
  const page = await api.request('GET', `${CONFIG_MAPS}?limit=1&resourceVersion=${old + 1}&resourceVersionMatch=Exact`)
  await api.request('DELETE', `${CONFIG_MAPS}/c`)
  await api.engine.compact(api.engine.revision)
  const refused = await api.request('GET', `${CONFIG_MAPS}?limit=1&continue=${page.body.metadata.continue}`)
  assert.equal(refused.status, 410)
  assert.equal(refused.body.reason, 'Expired')
  const goesOn = await api.request('GET', `${CONFIG_MAPS}?continue=${refused.body.metadata.continue}`)
  assert.deepEqual(names(goesOn.body), ['b'])
})

test('a page expires with its revision also when nothing of the list has changed', async (t) => {
  const api = await serverWith(t, ['a', 'b', 'c'])
  const first = await api.request('GET', `${CONFIG_MAPS}?limit=1`)
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'other' } } })
  const next = `${CONFIG_MAPS}?limit=1&continue=${first.body.metadata.continue}`
  assert.deepEqual(names((await api.request('GET', next)).body), ['b'])
  await api.engine.compact(api.engine.revision)
  const refused = await api.request('GET', next)
  assert.equal(refused.status, 410)
  const goesOn = await api.request('GET', `${CONFIG_MAPS}?limit=1&continue=${refused.body.metadata.continue}`)
  assert.deepEqual(names(goesOn.body), ['b'])
  assert.equal(goesOn.body.metadata.remainingItemCount, 1)
})

test('labels and fields select, and values that nobody has select nothing', async (t) => {
  const api = await serverWith(t, ['a', 'b', 'c'], { app: 'web' })
  const select = async (query: string): Promise<string[]> => names((await api.request('GET', `${CONFIG_MAPS}?${query}`)).body)
  assert.deepEqual(await select('labelSelector=name%3Db'), ['b'])
  assert.deepEqual(await select('labelSelector=app%3Dweb,name!%3Db'), ['a', 'c'])
  assert.deepEqual(await select('labelSelector=app%3Dnope'), [])
  assert.deepEqual(await select('fieldSelector=metadata.name%3Dc'), ['c'])
  assert.deepEqual(await select('fieldSelector=metadata.name!%3Dc'), ['a', 'b'])
})

test('a list at a revision of the past is what it was, one of the future is refused after a while', async (t) => {
  const api = await serverWith(t, ['a', 'b'])
  const { resourceVersion } = (await api.request('GET', `${CONFIG_MAPS}/a`)).body.metadata
  const past = await api.request('GET', `${CONFIG_MAPS}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`)
  assert.deepEqual(names(past.body), ['a'])
})

test('a long list is streamed and complete', async (t) => {
  const api = await serverWith(t, [])
  const text = 'x'.repeat(20_000)
  const all = Array.from({ length: 120 }, (_, at) => `n-${String(at).padStart(3, '0')}`)
  await Promise.all(all.map((name) => api.request('POST', CONFIG_MAPS, { body: { metadata: { name }, data: { text } } })))
  const list = await api.request('GET', CONFIG_MAPS)
  assert.deepEqual(names(list.body), all)
  assert.ok(list.body.items.every((item: { data: { text: string } }) => item.data.text === text))
})
