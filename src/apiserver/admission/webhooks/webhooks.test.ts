import assert from 'node:assert/strict'
import { type Server, createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type EndedSpan, type Scope, createAuthority, issueLeaf, rootScope } from '#base'
import { type TestApiServer, testApiServer } from '#testing'
import type { ApiServer } from '../../server.ts'
import { Tracer } from '../../trace/tracer.ts'
import { webhookSteps } from './steps.ts'

/* eslint-disable @typescript-eslint/no-explicit-any -- reviews are read as JSON */
interface Review {
  readonly path: string
  readonly traceparent: string | undefined
  readonly baggage: string | undefined
  readonly request: any
}
interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
  /** What is put into an AdmissionReview's response beside its uid. */
  readonly response?: Record<string, unknown>
  readonly delayMs?: number
}

interface World {
  readonly api: TestApiServer
  readonly asked: Review[]
  readonly port: number
  readonly caBundle: string
  readonly connections: () => number
  answer: (review: Review) => Answer
  configure(kind: 'mutating' | 'validating', name: string, ...webhooks: Record<string, unknown>[]): Promise<void>
  makeConfigMap(
    name: string,
    more?: Record<string, unknown>,
    query?: string,
    headers?: Record<string, string>,
  ): ReturnType<TestApiServer['request']>
}

const DAY_MS = 86_400_000
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps'

/** An API server whose webhooks are called over real TLS connections. */
async function world(t: TestContext, tracer?: Tracer): Promise<World> {
  const late: { server?: ApiServer } = {}
  const found = (): ApiServer => late.server ?? assert.fail('no server yet')
  const steps = (scope: Scope): ReturnType<typeof webhookSteps> =>
    webhookSteps(scope, {
      reader: {
        get: (...a) => found().reader.get(...a),
        list: (...a) => found().reader.list(...a),
        version: (ref) => found().reader.version(ref),
      },
      follow: (...a) => found().follow(...a),
      convert: (...all) => found().convert(...all),
      equivalents: (resource) => found().equivalents(resource),
      authorizers: [],
      isAllowed: () => true,
    })
  const outer = rootScope()
  const api = await testApiServer({ admission: steps(outer), tracer })
  late.server = api.server
  const authority = await createAuthority(outer, 'hooks', DAY_MS)
  const leaf = await issueLeaf(outer, authority, {
    subject: { commonName: 'hook' },
    usages: ['serverAuth'],
    names: ['127.0.0.1', 'hook.default.svc'],
    lifetimeMs: DAY_MS,
  })
  const hook: Server = createServer({ cert: leaf.certificate, key: leaf.key })
  let connections = 0
  hook.on('secureConnection', () => connections++)
  const made: World = {
    api,
    asked: [],
    port: 0,
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    connections: () => connections,
    answer: () => ({ response: { allowed: true } }),
    async configure(kind, name, ...webhooks) {
      const defaults = {
        clientConfig: { url: `https://127.0.0.1:${made.port}/${name}`, caBundle: made.caBundle },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      }
      const created = await api.request('POST', `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`, {
        body: {
          metadata: { name },
          webhooks: webhooks.map((webhook, at) => ({ name: `${name}-${at}.example.com`, ...defaults, ...webhook })),
        },
      })
      assert.equal(created.status, 201, created.text)
    },
    makeConfigMap: (name, more = {}, query = '', headers = {}) =>
      api.request('POST', `${CONFIG_MAPS}${query}`, {
        headers,
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more } },
      }),
  }
  hook.on('request', (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as any
      const { traceparent, baggage } = request.headers as Record<string, string | undefined>
      const one = { path: (request.url ?? '').split('?')[0] ?? '', traceparent, baggage, request: review.request }
      made.asked.push(one)
      const { status = 200, headers = {}, body, response: said, delayMs = 0 } = made.answer(one)
      const document = body ?? { apiVersion: review.apiVersion, kind: review.kind, response: { uid: review.request.uid, ...said } }
      setTimeout(() => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers })
        response.end(typeof document === 'string' ? document : JSON.stringify(document))
      }, delayMs)
    })
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  Object.assign(made, { port: (hook.address() as AddressInfo).port })
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default', labels: { team: 'a' } } } })
  t.after(async () => {
    outer.cancel()
    hook.close()
    hook.closeAllConnections()
    await api.close()
  })
  return made
}

const patchOf = (...operations: unknown[]): Record<string, unknown> => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})

test('a webhook sees the whole request, and may refuse it in its own words', async (t) => {
  const w = await world(t)
  await w.configure('validating', 'v', {})
  assert.equal((await w.makeConfigMap('a')).status, 201)
  const { request } = w.asked[0] ?? assert.fail('not asked')
  assert.deepEqual(request.kind, { group: '', version: 'v1', kind: 'ConfigMap' })
  assert.deepEqual(request.resource, { group: '', version: 'v1', resource: 'configmaps' })
  assert.equal(request.operation, 'CREATE')
  assert.equal(request.namespace, 'default')
  assert.equal(request.userInfo.username, 'admin')
  assert.equal(request.object.metadata.name, 'a')
  assert.equal(request.oldObject, null)
  assert.equal(request.dryRun, false)
  assert.equal(request.options.kind, 'CreateOptions')
  w.answer = () => ({ response: { allowed: false, status: { code: 403, message: 'no such thing', reason: 'Forbidden' } } })
  const refused = await w.makeConfigMap('b')
  assert.equal(refused.status, 403)
  assert.equal(refused.body.message, 'admission webhook "v-0.example.com" denied the request: no such thing')
  w.answer = () => ({ response: { allowed: false } })
  const silent = await w.makeConfigMap('b')
  assert.equal(silent.status, 400)
  assert.equal(silent.body.message, 'admission webhook "v-0.example.com" denied the request without explanation')
  w.answer = () => ({ response: { allowed: false, status: { code: 429, details: { retryAfterSeconds: 7 } } } })
  assert.equal((await w.makeConfigMap('b')).headers['retry-after'], '7')
  w.answer = ({ request: { operation } }) => ({ response: { allowed: operation !== 'DELETE', warnings: ['mind this'] } })
  const kept = await w.api.request('DELETE', `${CONFIG_MAPS}/a`)
  assert.equal(kept.status, 400)
  assert.equal(w.asked.at(-1)?.request.oldObject.metadata.name, 'a')
  const warned = await w.makeConfigMap('c')
  assert.match(JSON.stringify(warned.headers['warning']), /mind this/)
})

test('mutating webhooks run in order, and those that ask for it are told of later changes', async (t) => {
  const w = await world(t)
  const label = (name: string): unknown => ({ op: 'add', path: `/metadata/labels/${name}`, value: 'x' })
  w.answer = ({ path, request }) => ({
    response: request.object.metadata.labels?.[path.slice(1)] === undefined ? patchOf(label(path.slice(1))) : { allowed: true },
  })
  await w.configure('mutating', 'b', {})
  await w.configure('mutating', 'a', { reinvocationPolicy: 'IfNeeded' })
  const made = await w.makeConfigMap('m', { labels: { own: 'y' } })
  assert.equal(made.status, 201, made.text)
  assert.deepEqual(made.body.metadata.labels, { own: 'y', a: 'x', b: 'x' })
  assert.deepEqual(
    w.asked.map(({ path }) => path),
    ['/a', '/b', '/a'],
  )
  assert.deepEqual(w.asked[2]?.request.object.metadata.labels, { own: 'y', a: 'x', b: 'x' })
  assert.equal(w.connections(), 1)
})

test('what a patch breaks is refused like what a client sends, and nothing moves elsewhere', async (t) => {
  const w = await world(t)
  await w.configure('mutating', 'm', {})
  w.answer = () => ({ response: patchOf({ op: 'add', path: '/metadata/labels', value: { 'bad key': 'x' } }) })
  assert.equal((await w.makeConfigMap('a')).status, 422)
  w.answer = () => ({ response: patchOf({ op: 'replace', path: '/metadata/namespace', value: 'kube-system' }) })
  assert.equal((await w.makeConfigMap('a')).status, 400)
  w.answer = () => ({ response: patchOf({ op: 'add', path: '/bogus', value: 1 }, { op: 'add', path: '/data', value: { a: 'b' } }) })
  const made = await w.makeConfigMap('a')
  assert.deepEqual([made.body.bogus, made.body.data], [undefined, { a: 'b' }])
  // Whatever it makes of the object, it stays of its kind.
  for (const [path, value] of [
    ['/kind', 'Secret'],
    ['/apiVersion', 'v2'],
  ]) {
    w.answer = () => ({ response: patchOf({ op: 'replace', path, value }) })
    const refused = await w.makeConfigMap('c')
    assert.equal(refused.status, 500, refused.text)
    assert.match(refused.body.message, /an object of v1, Kind=ConfigMap was made one of (v1, Kind=Secret|v2, Kind=ConfigMap)$/)
  }
  const whole = { ...patchOf(), patch: Buffer.from('{}').toString('base64') }
  w.answer = () => ({ response: whole })
  assert.match(
    (await w.makeConfigMap('c')).body.message,
    /received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch/,
  )
  w.answer = () => ({ response: { allowed: true, patch: 'W10=' } })
  assert.match(
    (await w.makeConfigMap('b')).body.message,
    /received invalid webhook response: webhook returned response.patch but not response.patchType$/,
  )
})

test('a webhook that cannot be called follows its failure policy', async (t) => {
  const w = await world(t)
  const broken: readonly [Answer, RegExp][] = [
    [
      { status: 500, headers: { 'content-type': 'text/plain' }, body: 'oops' },
      /an error on the server \("oops"\) has prevented the request from succeeding/,
    ],
    [{ status: 302, headers: { location: `https://127.0.0.1:${w.port}/elsewhere` }, body: '' }, /status code 302/],
    [{ body: '' }, /failed to call webhook: 0-length response with status code: 200 and content type: application\/json$/],
    [{ response: { allowed: true, warnings: 'none' } }, /cannot unmarshal string into Go struct field AdmissionResponse.response.warnings/],
    [{ body: { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' } }, /webhook response was absent/],
    [{ response: { allowed: true, uid: 'another' } }, /expected response.uid=/],
    [{ response: { allowed: 'true' } }, /cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool$/],
    [{ delayMs: 3000, response: { allowed: true } }, /context deadline exceeded/],
  ]
  await w.configure('validating', 'closed', { timeoutSeconds: 1 })
  for (const [answer, words] of broken) {
    w.answer = () => answer
    const refused = await w.makeConfigMap('a')
    assert.equal(refused.status, 500, refused.text)
    assert.match(refused.body.message, /^Internal error occurred: failed calling webhook "closed-0.example.com": /)
    assert.match(refused.body.message, words)
  }
  assert.ok(w.asked.every(({ path }) => path === '/closed'))
  await w.api.request('DELETE', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/closed')
  await w.configure('validating', 'open', { failurePolicy: 'Ignore' })
  w.answer = () => ({ status: 500, body: 'oops' })
  assert.equal((await w.makeConfigMap('a')).status, 201)
  w.answer = () => ({ response: { allowed: true, warnings: ['first', '', 'second\nline', 'thïrd 世'] } })
  const warnings = [(await w.makeConfigMap('b')).headers['warning'] ?? []].flat()
  assert.deepEqual(
    warnings.map((one) => Buffer.from(one, 'latin1').toString()),
    ['299 - "first"', '299 - "thïrd 世"'],
  )
})

test('a certificate that the bundle does not vouch for is refused', async (t) => {
  const w = await world(t)
  const other = await createAuthority(w.api.scope, 'other', DAY_MS)
  const caBundle = Buffer.from(other.certificate).toString('base64')
  await w.configure('validating', 'v', { clientConfig: { url: `https://127.0.0.1:${w.port}/`, caBundle } })
  assert.match((await w.makeConfigMap('a')).body.message, /x509: certificate signed by unknown authority$/)
  assert.equal(w.asked.length, 0)
})

test('a service without endpoints cannot be called', async (t) => {
  const w = await world(t)
  const service = { namespace: 'default', name: 'hook', path: '/by-service', port: 8443 }
  await w.configure('validating', 'v', { clientConfig: { service, caBundle: w.caBundle } })
  assert.match((await w.makeConfigMap('a')).body.message, /service "hook" not found$/)
  await w.api.request('POST', '/api/v1/namespaces/default/services', {
    body: { metadata: { name: 'hook' }, spec: { ports: [{ port: 8443 }], clusterIP: 'None' } },
  })
  assert.match((await w.makeConfigMap('a')).body.message, /no endpoints available for service "hook"$/)
})

test('selectors, side effects and exemptions decide who is asked', async (t) => {
  const w = await world(t)
  await w.configure('validating', 'objects', { objectSelector: { matchLabels: { checked: 'yes' } } })
  await w.configure('validating', 'namespaces', { namespaceSelector: { matchLabels: { team: 'b' } } })
  await w.makeConfigMap('a')
  assert.equal(w.asked.length, 0)
  await w.makeConfigMap('b', { labels: { checked: 'yes' } })
  assert.deepEqual(
    w.asked.map(({ path }) => path),
    ['/objects'],
  )
  w.answer = () => ({ response: { allowed: false } })
  await w.configure('validating', 'all', { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }] })
  const mended = await w.api.request('DELETE', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/all')
  assert.equal(mended.status, 200)
})

test('a webhook for one version is asked about the others, in its own', async (t) => {
  const w = await world(t)
  const rules = [{ operations: ['CREATE'], apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] }]
  await w.configure('mutating', 'm', { rules })
  w.answer = () => ({ response: patchOf({ op: 'replace', path: '/spec/targetCPUUtilizationPercentage', value: 42 }) })
  const made = await w.api.request('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
    body: { metadata: { name: 'h' }, spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } } },
  })
  assert.equal(made.status, 201, made.text)
  const { request } = w.asked[0] ?? assert.fail('not asked')
  assert.equal(request.object.apiVersion, 'autoscaling/v1')
  assert.deepEqual([request.kind.version, request.requestKind.version], ['v1', 'v2'])
  assert.equal(made.body.spec.metrics[0].resource.target.averageUtilization, 42)
})

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CLIENT = `00-${TRACE}-00f067aa0ba902b7-01`

test('webhooks are told what their calls are a part of', async (t) => {
  const spans: EndedSpan[] = []
  const w = await world(t, new Tracer(rootScope(), { perMillion: 0, export: (span) => spans.push(span) }))
  await w.configure('mutating', 'm', {})
  await w.configure('validating', 'v', {}, {})
  await w.makeConfigMap('a', {}, '', { traceparent: CLIENT, baggage: 'k=v' })
  const calls = spans.filter(({ name }) => name === 'HTTP POST')
  assert.deepEqual(
    new Set(w.asked.map(({ traceparent }) => traceparent)),
    new Set(calls.map(({ context }) => `00-${TRACE}-${context.spanId}-01`)),
  )
  assert.deepEqual(new Set(w.asked.map(({ baggage }) => baggage)), new Set(['k=v']))
  const parents = calls.map(({ parentId }) => spans.find(({ context }) => context.spanId === parentId))
  assert.deepEqual(
    new Set(parents.map((span) => `${span?.name} ${String(span?.attributes['webhook'])}`)),
    new Set([
      'Call mutating webhook m-0.example.com',
      'Call validating webhook v-0.example.com',
      'Call validating webhook v-1.example.com',
    ]),
  )
  w.asked.length = 0
  await w.makeConfigMap('b')
  const told = w.asked.map(({ traceparent }) => traceparent)
  assert.match(told[0] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/, 'what is not recorded here is not to be recorded there')
  assert.equal(new Set(told.map((one) => one?.slice(0, 35))).size, 1, 'all of it is one trace')
})

test('a server that records nothing hands on what it is told, unless it is no trace', async (t) => {
  const w = await world(t)
  await w.configure('validating', 'v', {})
  for (const [name, traceparent] of Object.entries({ a: CLIENT, b: 'nonsense', c: `${CLIENT}\r\nx: y` }))
    await w.makeConfigMap(name, {}, '', { traceparent })
  assert.deepEqual(
    w.asked.map(({ traceparent }) => traceparent),
    [CLIENT, undefined, undefined],
  )
})
