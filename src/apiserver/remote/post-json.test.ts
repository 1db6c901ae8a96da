import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createAuthority, issueLeaf, rootScope } from '#base'
import { refs } from '#api'
import { fakeObjects } from '../auth/reader.fake.ts'
import { RemoteCaller } from './post-json.ts'

const DAY_MS = 86_400_000
const POSTING = { timeoutMs: 5000, mostBytes: 100 }

async function world(t: TestContext, isAllowed: (ip: string) => boolean) {
  const scope = rootScope()
  const authority = await createAuthority(scope, 'hooks', DAY_MS)
  const leaf = await issueLeaf(scope, authority, {
    subject: { commonName: 'hook' },
    usages: ['serverAuth'],
    names: ['hook.a.svc'],
    lifetimeMs: DAY_MS,
  })
  const asked: { readonly host: string | undefined; readonly url: string | undefined }[] = []
  let answer: string | ((response: ServerResponse) => void) = '{"ok":true}'
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, response) => {
    asked.push({ host: request.headers.host, url: request.url })
    request.resume()
    if (typeof answer === 'string') response.end(answer)
    else answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const objects = fakeObjects()
  objects.put(refs.services, { metadata: { name: 'hook', namespace: 'a' }, spec: { ports: [{ name: 'https', port: 443 }] } })
  objects.put(refs.endpointslices, {
    metadata: { name: 'hook-1', namespace: 'a', labels: { 'kubernetes.io/service-name': 'hook' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'] }, { addresses: ['10.255.255.1'], conditions: { ready: false } }],
    ports: [{ name: 'https', port }],
  })
  t.after(() => {
    scope.cancel()
    server.close()
    server.closeAllConnections()
  })
  const caBundle = Buffer.from(authority.certificate).toString('base64')
  const caller = new RemoteCaller(scope, { reader: objects, isAllowed })
  const post = (name = 'hook'): Promise<unknown> =>
    caller.post(scope, { service: { namespace: 'a', name, path: 'check' }, caBundle }, {}, POSTING)
  return { objects, asked, post, say: (next: typeof answer) => void (answer = next) }
}

test('a service is called at a ready endpoint, under its own name', async (t) => {
  const { post, asked } = await world(t, () => true)
  assert.deepEqual(await post(), { ok: true })
  assert.deepEqual(asked, [{ host: 'hook.a.svc', url: '/check?timeout=5s' }])
})

test('an endpoint that is no address for requests is not dialled', async (t) => {
  const { post, asked } = await world(t, (ip) => ip !== '127.0.0.1')
  await assert.rejects(post(), /are no addresses that requests may go to/)
  assert.equal(asked.length, 0)
})

test('a certificate for another name is refused', async (t) => {
  const { post, objects, asked } = await world(t, () => true)
  objects.put(refs.services, { metadata: { name: 'other', namespace: 'a' }, spec: { ports: [{ name: 'https', port: 443 }] } })
  const [slice] = objects.list(refs.endpointslices)
  objects.put(refs.endpointslices, {
    ...(slice ?? assert.fail()),
    metadata: { name: 'other-1', namespace: 'a', labels: { 'kubernetes.io/service-name': 'other' } },
  })
  await assert.rejects(post('other'), /failed to verify certificate/)
  assert.equal(asked.length, 0)
})

test('answers that are too long, or no JSON, are refused', async (t) => {
  const { post, say } = await world(t, () => true)
  say(`"${'x'.repeat(200)}"`)
  await assert.rejects(post(), /more than 100 bytes/)
  say('<html>')
  await assert.rejects(post(), /json parse error/)
})

test('a body that breaks off is told from an answer that does not come', async (t) => {
  const { post, say } = await world(t, () => true)
  say((response) => {
    response.writeHead(200, { 'content-length': 50 })
    response.write('{"a', () => response.destroy())
  })
  await assert.rejects(post(), /^Error: unexpected error when reading response body. Please retry. Original error: unexpected EOF$/)
  say((response) => void response.destroy())
  await assert.rejects(post(), /Post "https:\/\/hook.a.svc:443\/check\?timeout=5s": EOF$/)
})

test('a packed body is unpacked, and no further than its limit', async (t) => {
  const { post, say } = await world(t, () => true)
  const packed = (text: string) => (response: ServerResponse) =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text))
  say(packed('{"packed":true}'))
  assert.deepEqual(await post(), { packed: true })
  say(packed(`"${'x'.repeat(100_000)}"`))
  await assert.rejects(post(), /more than 100 bytes/)
})

test('a busy server is asked again when it says so', async (t) => {
  const { post, say, asked } = await world(t, () => true)
  say((response) => {
    if (asked.length < 3) response.writeHead(503, { 'retry-after': '0' }).end()
    else response.end('{"ok":3}')
  })
  assert.deepEqual(await post(), { ok: 3 })
  assert.equal(asked.length, 3)
})

test('no URL leads to where clouds keep credentials', async (t) => {
  const scope = rootScope()
  t.after(() => scope.cancel())
  const caller = new RemoteCaller(scope, { reader: fakeObjects(), isAllowed: () => true })
  await assert.rejects(caller.post(scope, { url: 'https://169.254.169.254/latest' }, {}, POSTING), /address not allowed/)
  await assert.rejects(caller.post(scope, { url: 'http://127.0.0.1/' }, {}, POSTING), /unsupported protocol/)
})
