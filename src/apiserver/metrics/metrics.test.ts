import assert from 'node:assert/strict'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type TestApiServer, testApiServer } from '#testing'
import { type Clock, createAuthority, issueLeaf, rootScope, systemClock } from '#base'
import { builtInResources, metricsResources } from '#api'
import type { ObjectReader } from '../contract.ts'
import { metricsSpecials } from './metrics-specials.ts'
import { readLook, usableLooks, usedBetween } from './node-usage.ts'
import { readSamples } from './prometheus-text.ts'

const YEAR_MS = 365 * 86_400_000
const API = '/apis/metrics.k8s.io/v1beta1'
/** The wait between two looks is shorter; limits stay as they are. */
const HASTY: Clock = { ...systemClock, after: (delayMs, run, how) => systemClock.after(delayMs === 1_000 ? 10 : delayMs, run, how) }

const TEXT = (atMs: number, seconds: number): string => `# HELP node_cpu_usage_seconds_total x
node_cpu_usage_seconds_total ${seconds * 4} ${atMs}
node_memory_working_set_bytes 2097152
container_cpu_usage_seconds_total{container="c",namespace="default",pod="p"} ${seconds} ${atMs}
container_memory_working_set_bytes{container="c",namespace="default",pod="p"} 1048576 ${atMs}
`

async function world(t: TestContext): Promise<{ readonly api: TestApiServer; readonly looks: () => number }> {
  const scope = rootScope()
  const authority = await createAuthority(scope, 'test', YEAR_MS)
  const leaf = (usage: 'clientAuth' | 'serverAuth') =>
    issueLeaf(scope, authority, { subject: { commonName: usage }, usages: [usage], names: ['127.0.0.1'], lifetimeMs: YEAR_MS })
  const [ours, nodes] = await Promise.all([leaf('clientAuth'), leaf('serverAuth')])
  let looks = 0
  const node = https.createServer({ cert: nodes.certificate, key: nodes.key }, (request, response) => {
    assert.equal(request.url, '/metrics/resource')
    looks++
    response.end(TEXT(1_000_000 + looks * 2_000, looks))
  })
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve))
  const late: { reader?: ObjectReader } = {}
  const found = (): ObjectReader => late.reader ?? assert.fail('the server is not there yet')
  const reader: ObjectReader = {
    get: (...of) => found().get(...of),
    list: (...of) => found().list(...of),
    version: (ref) => found().version(ref),
  }
  const api = await testApiServer({
    root: { clock: HASTY },
    resources: [...builtInResources(), ...metricsResources()],
    specials: metricsSpecials({ credentials: { ...ours, authority: authority.certificate }, isAllowed: () => true, reader }),
  })
  late.reader = api.server.reader
  t.after(async () => {
    node.close()
    node.closeAllConnections()
    await api.close()
  })
  const merge = { 'content-type': 'application/merge-patch+json' }
  for (const name of ['n', 'simulated']) await api.request('POST', '/api/v1/nodes', { body: { metadata: { name } } })
  const { port } = node.address() as AddressInfo
  const placed = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  }
  await api.request('PATCH', '/api/v1/nodes/n/status', { body: { status: placed }, headers: merge })
  for (const [name, nodeName] of [
    ['p', 'n'],
    ['other', 'simulated'],
  ]) {
    const spec = { nodeName, containers: [{ name: 'c', image: 'i' }] }
    await api.request('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name, labels: { app: name } }, spec } })
    const status = {
      phase: 'Running',
      containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0, state: { running: {} } }],
    }
    await api.request('PATCH', `/api/v1/namespaces/default/pods/${name}/status`, { body: { status }, headers: merge })
  }
  return { api, looks: () => looks }
}

test('what pods and nodes use is asked of the nodes when somebody wants to know', async (t) => {
  const { api, looks } = await world(t)
  const { body } = await api.request('GET', `${API}/namespaces/default/pods`)
  assert.equal(body.kind, 'PodMetricsList')
  assert.deepEqual(
    body.items.map((item: { metadata: { name: string }; window: string; containers: unknown }) => [
      item.metadata.name,
      item.window,
      item.containers,
    ]),
    [['p', '2s', [{ name: 'c', usage: { cpu: '500000000n', memory: '1Mi' } }]]],
  )
  assert.equal(looks(), 2)
  const node = await api.request('GET', `${API}/nodes/n`)
  assert.deepEqual(node.body.usage, { cpu: '2000000000n', memory: '2Mi' })
  assert.equal(looks(), 2, 'an answer that is fresh is given again')
})

test('selectors, tables, and what is not there', async (t) => {
  const { api } = await world(t)
  const names = async (query: string): Promise<string[]> =>
    (await api.request('GET', `${API}/pods?${query}`)).body.items.map((item: { metadata: { name: string } }) => item.metadata.name)
  assert.deepEqual(await names('labelSelector=app%3Dp'), ['p'])
  assert.deepEqual(await names('labelSelector=app%3Dother'), [])
  const accept = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
  const table = (await api.request('GET', `${API}/nodes`, { headers: accept })).body
  assert.deepEqual(
    table.columnDefinitions.map(({ name }: { name: string }) => name),
    ['Name', 'cpu', 'memory', 'Window'],
  )
  assert.deepEqual(table.rows[0].cells.slice(0, 3), ['n', '2000000000n', '2Mi'])
  const missing = await api.request('GET', `${API}/namespaces/default/pods/nobody`)
  assert.deepEqual([missing.status, missing.body.message], [404, 'podmetrics.metrics.k8s.io "default/nobody" not found'])
  assert.equal((await api.request('DELETE', `${API}/nodes/n`)).status, 405)
})

test('usage is what lies between two looks', () => {
  const used = usedBetween(readLook(TEXT(1_000, 1), 0), readLook(TEXT(3_000, 2), 0))
  assert.deepEqual(used.node, { atMs: 3_000, windowMs: 2_000, nanocores: 2_000_000_000, memoryBytes: 2_097_152 })
  assert.equal(used.pods.get('default/p')?.get('c')?.nanocores, 500_000_000)
  // A container that began anew has counted less than before.
  assert.equal(usedBetween(readLook(TEXT(1_000, 5), 0), readLook(TEXT(3_000, 2), 0)).pods.size, 0)
})

test('reads lines of the text form, and passes over what is none', () => {
  const text = 'a{x="1\\"2",y="\\\\"} 1.5e3 77\na 2\nb 3\na{x= nonsense\na NaN\n# a 4\n'
  assert.deepEqual(readSamples(text, new Set(['a'])), [
    { name: 'a', labels: { x: '1"2', y: '\\' }, value: 1500, atMs: 77 },
    { name: 'a', labels: {}, value: 2, atMs: undefined },
  ])
})

test('rates begin with the newest look that is old enough, and with the oldest where none is', () => {
  const looks = [0, 700, 1_000, 1_400].map((atMs) => ({ atMs, samples: new Map() }))
  const usable = (nowMs: number, of = looks): readonly number[] => usableLooks(of, nowMs).map(({ atMs }) => atMs)
  assert.deepEqual(usable(1_400), [700, 1_000, 1_400])
  assert.deepEqual(usable(1_700), [1_000, 1_400])
  assert.deepEqual(usable(1_500, looks.slice(2)), [1_000, 1_400])
  assert.deepEqual(usable(90_000), [], 'too old')
  assert.deepEqual(usable(500), [0], 'the clock was set back')
})
