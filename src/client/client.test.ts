import assert from 'node:assert/strict'
import http from 'node:http'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type HttpHandler, rootScope } from '#base'
import { type KubeObject, type ResourceRef, StatusError, isConflict, isExpired, isNotFound } from '#api'
import { createFakeApi } from '#testing'
import { Unreachable } from './errors.ts'
import { inProcessTransport } from './in-process.ts'
import { loadKubeconfig } from './kubeconfig.ts'
import { createClient } from './rest.ts'
import { retryDelayMs } from './retry.ts'
import { socketTransport } from './socket.ts'
import type { Transport } from './transport.ts'
import { framesOf } from './watch/frames.ts'

interface Thing extends KubeObject {
  data?: Record<string, string>
}
const THINGS: ResourceRef<Thing> = { group: 'example.com', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true }

/** The handler behind a real socket on the loopback. */
async function listen(handler: HttpHandler): Promise<{ readonly url: string; close(): void }> {
  const serve = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const answer = await handler({
      method: request.method ?? '',
      target: request.url ?? '',
      headers: request.headers,
      readBody: async () => Buffer.concat(chunks),
      bodyStream: request,
      peer: { address: '127.0.0.1', inProcess: false },
      signal: gone.signal,
    })
    response.writeHead(
      answer.status,
      Object.entries(answer.headers).flatMap(([name, value]) => [name, String(value)]),
    )
    if (answer.body.kind === 'stream') {
      response.flushHeaders()
      answer.body.start({
        write: (chunk) => response.write(chunk),
        bufferedBytes: 0,
        onDrain: (run) => void response.once('drain', run),
        onClose: (run) => void response.once('close', run),
        end: () => void response.end(),
        destroy: () => void response.destroy(),
      })
    } else if (answer.body.kind === 'bytes') response.end(Buffer.concat(answer.body.chunks))
    else response.end()
  }
  const server = http.createServer((request, response) => void serve(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    close: () => void (server.closeAllConnections(), server.close()),
  }
}

async function throughBoth(run: (transport: Transport, api: ReturnType<typeof createFakeApi>) => Promise<void>): Promise<void> {
  const inside = createFakeApi()
  await run(inProcessTransport(inside.handler), inside)
  const outside = createFakeApi()
  const server = await listen(outside.handler)
  const transport = socketTransport({ server: server.url })
  try {
    await run(transport, outside)
  } finally {
    transport.close()
    server.close()
  }
}

test('one meaning over both transports: verbs, refusals, watch', async () => {
  await throughBoth(async (transport, api) => {
    using scope = rootScope()
    const things = createClient({ transport }).resource(THINGS)
    const made = await things.create(scope, { metadata: { namespace: 'x', name: 'a' }, data: { k: 'ä' } })
    assert.equal(made.data?.['k'], 'ä')
    await assert.rejects(things.get(scope, { namespace: 'x', name: 'b' }), isNotFound)
    await assert.rejects(things.update(scope, { ...made, metadata: { ...made.metadata, resourceVersion: '999' } }), isConflict)
    const patched = await things.patch(scope, { namespace: 'x', name: 'a' }, { type: 'merge', body: { data: { k: null, l: '2' } } })
    assert.deepEqual(patched.data, { l: '2' })

    const seen: string[] = []
    for await (const event of things.watch(scope, { namespace: 'x', resourceVersion: '1' })) {
      seen.push(`${event.type} ${event.object.metadata?.name}`)
      if (seen.length === 2) await things.create(scope, { metadata: { namespace: 'x', name: 'c' } })
      if (seen.length === 3) break
    }
    assert.deepEqual(seen, ['ADDED a', 'MODIFIED a', 'ADDED c'])
    api.compact()
    await assert.rejects(async () => {
      for await (const _ of things.watch(scope, { resourceVersion: '1' })) assert.fail('no event may come')
    }, isExpired)
  })
})

test('a cancelled scope ends a watch that is waiting', async () => {
  await throughBoth(async (transport) => {
    using scope = rootScope()
    const things = createClient({ transport }).resource(THINGS)
    using child = scope.child()
    const watching = (async () => {
      for await (const _ of things.watch(child, { resourceVersion: '1' })) assert.fail('no event may come')
    })()
    setTimeout(() => child.cancel(), 20)
    await Promise.race([
      watching.catch(() => undefined),
      new Promise((_, reject) => setTimeout(() => reject(new Error('still watching')), 5000).unref()),
    ])
  })
})

test('a server that is not there is Unreachable', async () => {
  using scope = rootScope()
  const client = createClient({ transport: socketTransport({ server: 'http://127.0.0.1:1' }) })
  await assert.rejects(client.raw(scope, { method: 'GET', path: '/version' }), Unreachable)
})

test('429 with Retry-After is sent again, other refusals are thrown at once with what the server said', async () => {
  using scope = rootScope()
  let asked = 0
  const handler: HttpHandler = async () => {
    asked++
    const isBusy = asked < 3
    return {
      status: isBusy ? 429 : 418,
      headers: isBusy ? { 'retry-after': '0' } : {},
      body: { kind: 'bytes', chunks: [Buffer.from('short and stout')] },
    }
  }
  const client = createClient({ transport: inProcessTransport(handler) })
  await assert.rejects(
    client.raw(scope, { method: 'POST', path: '/x' }),
    (error) => error instanceof StatusError && error.httpStatus === 418 && error.message === 'short and stout',
  )
  assert.equal(asked, 3)
  assert.equal(retryDelayMs('POST', 503, '1', 0), undefined)
  assert.equal(retryDelayMs('GET', 503, '1', 0), 1000)
  assert.equal(retryDelayMs('GET', 429, undefined, 0), undefined)
  assert.equal(retryDelayMs('GET', 429, '1', 10), undefined)
})

test('frames are cut right wherever the chunks end; a torn last frame is dropped', async () => {
  const text = Buffer.from('{"a":"ä"}\n{"b":2}\n\n{"c":3}\n{"torn')
  for (let size = 1; size <= text.length; size++) {
    const chunks = (async function* () {
      for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size)
    })()
    const frames: string[] = []
    for await (const frame of framesOf(chunks)) frames.push(Buffer.from(frame).toString())
    assert.deepEqual(frames, ['{"a":"ä"}', '{"b":2}', '{"c":3}'])
  }
})

test('a kubeconfig is read with data, files beside it and a token file; what is not supported is refused by name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  try {
    const path = join(folder, 'config')
    const write = (user: string): Promise<void> =>
      writeFile(
        path,
        `current-context: c\nclusters: [{name: k, cluster: {server: "https://h:6443", certificate-authority: ca.pem}}]\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: ns}}]\nusers: [{name: u, user: ${user}}]\n`,
      )
    await writeFile(join(folder, 'ca.pem'), 'CA')
    await writeFile(join(folder, 'token'), 'first\n')
    await write('{tokenFile: token}')
    const { namespace, connection } = await loadKubeconfig(path)
    assert.equal(namespace, 'ns')
    assert.equal(connection.server, 'https://h:6443')
    assert.equal(Buffer.from(connection.ca ?? '').toString(), 'CA')
    const { token } = connection
    assert.ok(typeof token === 'function')
    assert.equal(await token(), 'first')
    await writeFile(join(folder, 'token'), 'second')
    assert.equal(await token(), 'second')
    await write('{exec: {command: x}}')
    await assert.rejects(loadKubeconfig(path), /user "u": exec is not supported/)
    await assert.rejects(loadKubeconfig(path, 'other'), /has no context "other"/)
  } finally {
    await rm(folder, { recursive: true })
  }
})
