import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type TestAnswer, type TestApiServer, testApiServer } from '#testing'
import type { ObjectReader } from '../../contract.ts'
import { quotaGuard } from './quota-guard.ts'

const BASE = '/api/v1/namespaces/default'
const PATCH = { 'content-type': 'application/merge-patch+json' }

describe('quotas', () => {
  let api: TestApiServer
  afterEach(() => api.close())

  async function open(hard: Record<string, string>, spec: object = {}): Promise<void> {
    const late: { reader?: ObjectReader } = {}
    const reader = (): ObjectReader => late.reader as ObjectReader
    api = await testApiServer({
      guard: quotaGuard({
        get: (ref, namespace, name) => reader().get(ref, namespace, name),
        list: (ref, namespace) => reader().list(ref, namespace),
        version: (ref) => reader().version(ref),
      }),
    })
    late.reader = api.server.reader
    await api.request('POST', `${BASE}/resourcequotas`, { body: { metadata: { name: 'q' }, spec: { hard, ...spec } } })
    await takeIn(hard, Object.fromEntries(Object.keys(hard).map((name) => [name, '0'])))
  }
  const takeIn = (hard: object, used: object): Promise<TestAnswer> =>
    api.request('PATCH', `${BASE}/resourcequotas/q/status`, { headers: PATCH, body: { status: { hard, used } } })
  const used = async (): Promise<unknown> => (await api.request('GET', `${BASE}/resourcequotas/q`)).body.status.used
  const create = (name: string, query = ''): Promise<TestAnswer> =>
    api.request('POST', `${BASE}/configmaps${query}`, { body: { metadata: { name } } })

  it('are never exceeded by requests that come together', async () => {
    await open({ configmaps: '10' })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => create(`m${at}`)))
    assert.equal(answers.filter(({ status }) => status === 201).length, 10)
    assert.deepEqual(await used(), { configmaps: '10' })
    const refused = answers.find(({ status }) => status === 403)
    assert.match(
      refused?.body.message,
      /^configmaps "m\d+" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=10, limited: configmaps=10$/,
    )
  })

  it('are charged for what is stored only', async () => {
    await open({ configmaps: '5' })
    await create('a')
    const [again, dry] = await Promise.all([create('a'), create('b', '?dryRun=All')])
    assert.deepEqual([again.status, dry.status], [409, 201])
    assert.deepEqual(await used(), { configmaps: '1' })
  })

  it('are looked at anew when somebody else has changed them meanwhile', async () => {
    await open({ configmaps: '20' })
    const writes = Array.from({ length: 10 }, (_, at) => create(`m${at}`))
    const labels = Array.from({ length: 10 }, (_, at) =>
      api.request('PATCH', `${BASE}/resourcequotas/q`, { headers: PATCH, body: { metadata: { labels: { at: String(at) } } } }),
    )
    for (const { status } of await Promise.all([...writes, ...labels])) assert.ok(status < 300)
    assert.deepEqual(await used(), { configmaps: '10' })
  })

  it('are charged for what an update adds, and not for what it frees', async () => {
    await open({ 'services.nodeports': '2' })
    const port = (nodes: number): object[] => Array.from({ length: nodes }, (_, at) => ({ port: at + 1, name: `p${at}` }))
    await api.request('POST', `${BASE}/services`, { body: { metadata: { name: 's' }, spec: { ports: port(3) } } })
    const change = (spec: object): Promise<TestAnswer> => api.request('PATCH', `${BASE}/services/s`, { headers: PATCH, body: { spec } })
    assert.equal((await change({ type: 'NodePort' })).status, 403)
    assert.equal((await change({ type: 'NodePort', ports: port(2) })).status, 200)
    assert.deepEqual(await used(), { 'services.nodeports': '2' })
    assert.equal((await change({ type: 'ClusterIP' })).status, 200)
    assert.deepEqual(await used(), { 'services.nodeports': '2' })
  })

  it('refuse while it is unknown what is used', async () => {
    await open({ configmaps: '5' })
    await takeIn({ secrets: '1' }, {})
    const { body } = await api.request('POST', `${BASE}/secrets`, { body: { metadata: { name: 's' } } })
    assert.equal(body.message, 'secrets "s" is forbidden: status unknown for quota: q, resources: secrets')
  })
})
