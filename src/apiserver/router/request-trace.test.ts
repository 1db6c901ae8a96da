import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type EndedSpan, rootScope } from '#base'
import { type TestApiServer, testApiServer } from '#testing'
import { Tracer } from '../trace/tracer.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CLIENT = '00f067aa0ba902b7'
const header = (flags: '00' | '01'): Record<string, string> => ({ traceparent: `00-${TRACE}-${CLIENT}-${flags}` })
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

interface World {
  readonly api: TestApiServer
  readonly spans: EndedSpan[]
  /** The names of a trace's spans, each behind the one that it is a part of. */
  tree(traceId?: string): string[]
}

async function world(t: TestContext, perMillion: number, groups: readonly string[] = ['system:masters']): Promise<World> {
  const spans: EndedSpan[] = []
  const tracer = new Tracer(rootScope(), { perMillion, export: (span) => spans.push(span) })
  const somebody = { name: 'somebody', authenticate: () => ({ name: 'somebody', groups: [...groups], extra: {} }) }
  const api = await testApiServer({ tracer, authenticators: [somebody] })
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } })
  spans.length = 0
  const tree = (traceId = TRACE): string[] => {
    const all = spans.filter(({ context }) => context.traceId === traceId)
    const under = (parentId: string): string[] =>
      all.filter((span) => span.parentId === parentId).flatMap((span) => [span.name, ...under(span.context.spanId)])
    return all
      .filter(({ parentId }) => !all.some(({ context }) => context.spanId === parentId))
      .flatMap((span) => [span.name, ...under(span.context.spanId)])
  }
  return { api, spans, tree }
}

const FILTERS = ['audit', 'constrainedimpersonation', 'priorityandfairness', 'authorization']

test('what a request is made of is told under the names of kube-apiserver', async (t) => {
  const w = await world(t, 0)
  const cases: readonly (readonly [string, string, unknown, readonly string[]])[] = [
    [
      'POST',
      CONFIG_MAPS,
      { metadata: { name: 'a' } },
      ['POST /api/v1/namespaces/{:namespace}/configmaps', ...FILTERS, 'Create', 'Create etcd3', 'SerializeObject'],
    ],
    [
      'GET',
      `${CONFIG_MAPS}/a`,
      undefined,
      ['GET /api/v1/namespaces/{:namespace}/configmaps/{:name}', ...FILTERS, 'Get', 'cacher.Get', 'SerializeObject'],
    ],
    [
      'GET',
      CONFIG_MAPS,
      undefined,
      ['GET /api/v1/namespaces/{:namespace}/configmaps', ...FILTERS, 'List', 'cacher.GetList', 'SerializeObject'],
    ],
    [
      'PUT',
      `${CONFIG_MAPS}/a`,
      { metadata: { name: 'a' }, data: { a: 'b' } },
      ['PUT /api/v1/namespaces/{:namespace}/configmaps/{:name}', ...FILTERS, 'Update', 'GuaranteedUpdate etcd3', 'SerializeObject'],
    ],
    ['DELETE', `${CONFIG_MAPS}/a`, undefined, ['DELETE /api/v1/namespaces/{:namespace}/configmaps/{:name}', ...FILTERS, 'Delete']],
    ['GET', '/apis', undefined, ['GET', ...FILTERS]],
  ]
  for (const [method, path, body, names] of cases) {
    w.spans.length = 0
    await w.api.request(method, path, { headers: header('01'), ...(body === undefined ? {} : { body }) })
    assert.deepEqual(w.tree(), names, `${method} ${path}`)
  }
  w.spans.length = 0
  const refused = await w.api.request('POST', CONFIG_MAPS, { headers: header('01'), body: { metadata: { name: 'A B' } } })
  assert.equal(refused.status, 422)
  const [root] = w.spans.filter(({ kind }) => kind === 'server')
  assert.equal(root?.attributes['http.response.status_code'], 422)
  assert.equal(root?.parentId, CLIENT)
  assert.deepEqual(w.tree(), ['POST /api/v1/namespaces/{:namespace}/configmaps', ...FILTERS, 'Create'])
})

test('a watch is over when its connection is', async (t) => {
  const w = await world(t, 0)
  const watch = await w.api.watch(`${CONFIG_MAPS}?watch=1`, { headers: header('01') })
  assert.deepEqual(
    w.spans.map(({ name }) => name),
    ['cacher.Watch'],
  )
  watch.cancel()
  assert.deepEqual(w.tree(), ['GET /api/v1/namespaces/{:namespace}/configmaps', ...FILTERS, 'cacher.Watch'])
})

test('the word of those who are trusted counts, both ways; of others it is noted only', async (t) => {
  const trusted = await world(t, 1_000_000)
  await trusted.api.request('GET', '/version', { headers: header('00') })
  assert.deepEqual(
    trusted.spans.map(({ name }) => name),
    ['authentication'],
    'not recorded, as the client says',
  )
  const others = await world(t, 0, ['dev'])
  await others.api.request('GET', '/version', { headers: header('01') })
  assert.deepEqual(others.spans, [])
  const all = await world(t, 1_000_000, ['dev'])
  await all.api.request('GET', '/version', { headers: header('01') })
  assert.deepEqual(all.tree(), [])
  const [root] = all.spans.filter(({ kind }) => kind === 'server')
  assert.equal(root?.link?.traceId, TRACE)
  assert.equal(root?.parentId, '')
})
