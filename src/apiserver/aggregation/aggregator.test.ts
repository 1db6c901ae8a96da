import assert from 'node:assert/strict'
import type { ClientRequest, IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type TestContext, test } from 'node:test'
import { type Scope, createAuthority, issueLeaf, rootScope } from '#base'
import { refs } from '#api'
import { type TestApiServer, testApiServer } from '#testing'
import { eventually } from '#testing/basics'
import { fakeObjects } from '../auth/reader.fake.ts'
import { listen } from '../http/listener.ts'
import type { ApiServer } from '../server.ts'
import { createAggregator } from './aggregator.ts'

const DAY_MS = 86_400_000
const SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices'

interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly client: string | undefined
}
interface World {
  readonly api: TestApiServer
  readonly scope: Scope
  readonly asked: Asked[]
  readonly caBundle: string
  answer: (asked: Asked, response: ServerResponse) => void
  onUpgrade: (socket: Duplex) => void
  register(more?: Record<string, unknown>): Promise<void>
  /** Makes the service one that stands for a name, and says the port of the extension server. */
  nameService(): number
}

const RESOURCES = [
  {
    resource: 'fishes',
    responseKind: { group: 'sea.example.com', version: 'v1', kind: 'Fish' },
    scope: 'Namespaced',
    singularResource: 'fish',
    verbs: ['get'],
  },
]

/** An extension server over real TLS, behind an API server. Endpoints come from a fake, since the API takes no loopback addresses. */
async function world(t: TestContext): Promise<World> {
  const scope = rootScope()
  const late: { server?: ApiServer } = {}
  const found = (): ApiServer => late.server ?? assert.fail('no server yet')
  const objects = fakeObjects()
  const authority = await createAuthority(scope, 'extension', DAY_MS)
  const frontProxy = await createAuthority(scope, 'front-proxy-ca', DAY_MS)
  const leaf = await issueLeaf(scope, authority, {
    subject: { commonName: 'ext' },
    usages: ['serverAuth'],
    names: ['ext.a.svc'],
    lifetimeMs: DAY_MS,
  })
  const credentials = await issueLeaf(scope, frontProxy, {
    subject: { commonName: 'front-proxy-client' },
    usages: ['clientAuth'],
    lifetimeMs: DAY_MS,
  })
  const server = createServer({ cert: leaf.certificate, key: leaf.key, ca: frontProxy.certificate, requestCert: true })
  const aggregator = createAggregator(scope, {
    reader: {
      get: (ref, ...more) => (ref.plural === 'services' ? objects.get(ref, ...more) : found().reader.get(ref, ...more)),
      list: (ref, ...more) => (ref.plural === 'endpointslices' ? objects.list(ref, ...more) : found().reader.list(ref, ...more)),
      version: (ref) => found().reader.version(ref),
    },
    follow: (...all) => found().follow(...all),
    credentials,
    isAllowed: () => true,
  })
  const api = await testApiServer({ aggregator })
  late.server = api.server
  const made: World = {
    api,
    scope,
    asked: [],
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    answer: (asked, response) => {
      if (asked.url === '/apis')
        response.end(
          JSON.stringify({
            kind: 'APIGroupDiscoveryList',
            items: [{ metadata: { name: 'sea.example.com' }, versions: [{ version: 'v1', resources: RESOURCES }] }],
          }),
        )
      else if (asked.url === '/openapi/v3')
        response.end(
          JSON.stringify({ paths: { 'apis/sea.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/sea.example.com/v1?hash=1' } } }),
        )
      else if (asked.url === '/openapi/v2')
        response.end(
          JSON.stringify({
            paths: { '/apis/sea.example.com/v1/fish': { get: { schema: { $ref: '#/definitions/Fish' } } }, '/api/v1/stolen': {} },
            definitions: { Fish: { type: 'object' } },
          }),
        )
      else response.end('{"kind":"APIResourceList"}')
    },
    onUpgrade: (socket) => void socket.destroy(),
    nameService() {
      objects.put(refs.services, { metadata: { name: 'ext', namespace: 'a' }, spec: { type: 'ExternalName', externalName: 'localhost' } })
      return (server.address() as AddressInfo).port
    },
    async register(more = {}) {
      const created = await api.request('POST', SERVICES, {
        body: {
          metadata: { name: 'v1.sea.example.com' },
          spec: {
            group: 'sea.example.com',
            version: 'v1',
            groupPriorityMinimum: 17_900,
            versionPriority: 10,
            service: { namespace: 'a', name: 'ext' },
            caBundle: made.caBundle,
            ...more,
          },
        },
      })
      assert.equal(created.status, 201, created.text)
      aggregator.start(api.server.writer)
    },
  }
  server.on('request', (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        client: (request.socket as TLSSocket).getPeerX509Certificate()?.subject,
      }
      made.asked.push(one)
      made.answer(one, response)
    })
  })
  server.on('upgrade', (_request, socket) => made.onUpgrade(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  objects.put(refs.services, { metadata: { name: 'ext', namespace: 'a' }, spec: { ports: [{ port: 443 }] } })
  objects.put(refs.endpointslices, {
    metadata: { name: 'ext-1', namespace: 'a', labels: { 'kubernetes.io/service-name': 'ext' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'] }],
    ports: [{ port: (server.address() as AddressInfo).port }],
  })
  t.after(async () => {
    scope.cancel()
    server.close()
    server.closeAllConnections()
    await api.close()
  })
  return made
}

const conditionOf = async ({ api }: World): Promise<Record<string, string> | undefined> =>
  (await api.request('GET', `${SERVICES}/v1.sea.example.com`)).body.status?.conditions?.[0]
const available = (w: World): Promise<unknown> =>
  eventually('the extension server is available', async () => (await conditionOf(w))?.['status'] === 'True')

test('requests are passed on for the user, by a server that proves who it is', async (t) => {
  const w = await world(t)
  await w.register()
  await available(w)
  assert.deepEqual([(await conditionOf(w))?.['reason'], (await conditionOf(w))?.['message']], ['Passed', 'all checks passed'])
  const path = '/apis/sea.example.com/v1/namespaces/a/fishes?limit=5'
  const answered = await w.api.request('POST', path, {
    body: { kind: 'Fish' },
    headers: { authorization: 'Bearer secret', 'x-remote-user': 'mallory', 'x-remote-extra-scopes': 'all', 'impersonate-uid': 'x' },
  })
  assert.equal(answered.status, 200)
  const asked = w.asked.find(({ url }) => url === path) ?? assert.fail('not asked')
  assert.deepEqual([asked.method, asked.url, asked.body], ['POST', path, '{"kind":"Fish"}'])
  assert.equal(asked.client, 'CN=front-proxy-client')
  assert.equal(asked.headers['x-remote-user'], 'admin')
  assert.equal(asked.headers['x-remote-group'], 'system:masters, system:authenticated')
  for (const name of ['authorization', 'x-remote-extra-scopes', 'impersonate-uid']) assert.equal(asked.headers[name], undefined)
  assert.equal(asked.headers.host, 'ext.a.svc:443')
})

test('its groups are announced among the others, by their priority', async (t) => {
  const w = await world(t)
  await w.register()
  await available(w)
  const aggregated = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }
  const item = await eventually('the group is described', async () => {
    const { items } = (await w.api.request('GET', '/apis', { headers: aggregated })).body
    const found = items.find((one: { metadata: { name: string } }) => one.metadata.name === 'sea.example.com')
    return found?.versions[0].freshness === 'Current' ? found : undefined
  })
  assert.deepEqual(item.versions, [{ version: 'v1', resources: RESOURCES, freshness: 'Current' }])
  const { groups } = (await w.api.request('GET', '/apis')).body
  assert.deepEqual(
    groups.slice(0, 3).map(({ name }: { name: string }) => name),
    ['apiregistration.k8s.io', 'sea.example.com', 'apps'],
  )
  assert.equal((await w.api.request('GET', '/apis/sea.example.com')).body.preferredVersion.groupVersion, 'sea.example.com/v1')
  const { paths } = (await w.api.request('GET', '/openapi/v3')).body
  assert.equal(paths['apis/sea.example.com/v1'].serverRelativeURL, '/openapi/v3/apis/sea.example.com/v1?hash=1')
  const whole = (await w.api.request('GET', '/openapi/v2')).body
  assert.deepEqual(whole.definitions.Fish, { type: 'object' })
  assert.ok(whole.paths['/apis/sea.example.com/v1/fish'] !== undefined && whole.paths['/api/v1/stolen'] === undefined)
  await w.api.request('GET', '/openapi/v3/apis/sea.example.com/v1?hash=1')
  assert.ok(w.asked.some(({ url }) => url === '/openapi/v3/apis/sea.example.com/v1?hash=1'))
})

test('neither the client nor this server goes where the other server sends them', async (t) => {
  const w = await world(t)
  await w.register()
  await available(w)
  w.answer = (_asked, response) => response.writeHead(302, { location: 'https://169.254.169.254/' }).end('elsewhere')
  const answered = await w.api.request('GET', '/apis/sea.example.com/v1/fishes')
  assert.equal(answered.status, 502)
  assert.equal(answered.headers['location'], undefined)
  assert.equal(answered.text, 'the backend attempted to redirect this request, which is not permitted')
  assert.equal(w.asked.filter(({ url }) => url.includes('fishes')).length, 1)
})

test('a server that is away, or is not who it should be, is unavailable', async (t) => {
  const w = await world(t)
  const other = await createAuthority(w.scope, 'other', DAY_MS)
  await w.register({ caBundle: Buffer.from(other.certificate).toString('base64') })
  const condition = await eventually('the check has failed', async () =>
    (await conditionOf(w))?.['status'] === 'False' ? conditionOf(w) : undefined,
  )
  assert.equal(condition?.['reason'], 'FailedDiscoveryCheck')
  assert.match(condition?.['message'] ?? '', /certificate signed by unknown authority/)
  const answered = await w.api.request('GET', '/apis/sea.example.com/v1/fishes')
  assert.deepEqual([answered.status, answered.text], [503, 'service unavailable\n'])
  assert.equal(w.asked.length, 0)
  const removed = await w.api.request('DELETE', `${SERVICES}/v1.sea.example.com`)
  assert.equal(removed.status, 200)
  assert.equal((await w.api.request('GET', '/apis/sea.example.com/v1/fishes')).status, 404)
})

test('a condition that somebody takes away comes back', async (t) => {
  const w = await world(t)
  await w.register()
  await available(w)
  const headers = { 'content-type': 'application/merge-patch+json' }
  const emptied = await w.api.request('PATCH', `${SERVICES}/v1.sea.example.com/status`, { body: { status: { conditions: null } }, headers })
  assert.equal(emptied.status, 200, emptied.text)
  await available(w)
})

test('an upgrade is joined only when the other server has agreed to it', async (t) => {
  const w = await world(t)
  await w.register()
  await available(w)
  const own = await createAuthority(w.scope, 'own', DAY_MS)
  const leaf = await issueLeaf(w.scope, own, {
    subject: { commonName: 's' },
    usages: ['serverAuth'],
    names: ['127.0.0.1'],
    lifetimeMs: DAY_MS,
  })
  const listener = await listen(w.scope, {
    handler: w.api.server.handler,
    port: 0,
    address: '127.0.0.1',
    certificate: leaf.certificate,
    key: leaf.key,
  })
  t.after(() => listener.close(0))
  const open = (): Promise<{ status: number; socket?: Duplex }> =>
    new Promise((resolve, reject) => {
      const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGVzdA==', 'sec-websocket-version': '13' }
      const sent: ClientRequest = request({
        host: '127.0.0.1',
        port: listener.port,
        path: '/apis/sea.example.com/v1/namespaces/a/fishes/x/swim',
        ca: own.certificate,
        headers,
      })
      sent.on('upgrade', (head, socket) => resolve({ status: head.statusCode ?? 0, socket }))
      sent.on('response', (answer) => {
        answer.resume()
        resolve({ status: answer.statusCode ?? 0 })
      })
      sent.on('error', reject)
      sent.end()
    })
  w.onUpgrade = (socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.on('data', (chunk: Buffer) => socket.write(`echo ${chunk.toString()}`))
  }
  const { status, socket } = await open()
  assert.equal(status, 101)
  assert.ok(socket !== undefined)
  socket.write('hello')
  const heard = await new Promise<string>((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())))
  assert.equal(heard, 'echo hello')
  socket.destroy()
  w.onUpgrade = (refused) => void refused.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
  assert.equal((await open()).status, 403)
})

test('a service that stands for a name is asked where that name leads', async (t) => {
  const w = await world(t)
  const port = w.nameService()
  await w.register({ service: { namespace: 'a', name: 'ext', port } })
  await available(w)
  assert.equal((await w.api.request('GET', '/apis/sea.example.com/v1/fishes')).status, 200)
  const asked = w.asked.find(({ url }) => url.endsWith('/fishes'))
  assert.equal(asked?.headers['x-forwarded-for'], '127.0.0.1')
})

test('an answer without a body stays one, and says nothing of a body', async (t) => {
  const w = await world(t)
  await w.register()
  await available(w)
  const usual = w.answer
  w.answer = (asked, response) => (asked.url.endsWith('/none') ? void response.writeHead(204).end() : usual(asked, response))
  const { status, text, headers } = await w.api.request('GET', '/apis/sea.example.com/v1/none')
  assert.deepEqual([status, text, headers['content-type']], [204, '', undefined])
})
