import assert from 'node:assert/strict'
import { connect as connectHttp2, constants } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import {
  type BodySink,
  BodyTooLarge,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  createAuthority,
  issueLeaf,
  rootScope,
} from '#base'
import { type Listener, listen } from './listener.ts'

const DAY_MS = 86_400_000

async function start(t: TestContext, handler: HttpHandler): Promise<Listener> {
  const scope = rootScope()
  const authority = await createAuthority(scope, 'test', DAY_MS)
  const leaf = await issueLeaf(scope, authority, {
    subject: { commonName: 'server' },
    names: ['127.0.0.1'],
    usages: ['serverAuth'],
    lifetimeMs: DAY_MS,
  })
  const listener = await listen(scope, { handler, port: 0, address: '127.0.0.1', certificate: leaf.certificate, key: leaf.key })
  t.after(() => listener.close(0))
  return listener
}

const answer = (status: number, text: string): HttpResponse => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body: { kind: 'bytes', chunks: [Buffer.from(text)] },
})

const echo: HttpHandler = async (request) => {
  try {
    const body = await request.readBody(1000)
    return answer(200, `${request.method} ${request.target} ${Buffer.from(body).toString()}`)
  } catch (error) {
    return answer(error instanceof BodyTooLarge ? 413 : 500, 'refused')
  }
}

function overHttp1(port: number, method: string, path: string, body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host: '127.0.0.1', port, method, path, rejectUnauthorized: false, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

test('one port speaks HTTP/1.1 and HTTP/2', async (t) => {
  const { port } = await start(t, echo)
  assert.deepEqual(await overHttp1(port, 'PUT', '/a?b=c', 'hello'), { status: 200, text: 'PUT /a?b=c hello' })
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const text = await new Promise<string>((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': '/x' })
    let out = ''
    stream.on('response', (headers) => assert.equal(headers[':status'], 200))
    stream.on('data', (chunk: Buffer) => (out += chunk.toString()))
    stream.on('end', () => resolve(out))
    stream.on('error', reject)
    stream.end('over two')
  })
  assert.equal(text, 'POST /x over two')
})

test('a body over the limit is refused, whether its length is told or not', async (t) => {
  const { port } = await start(t, echo)
  assert.equal((await overHttp1(port, 'POST', '/', 'x'.repeat(1001))).status, 413)
  assert.equal((await overHttp1(port, 'POST', '/', 'x'.repeat(1000))).status, 200)
})

test('a streamed answer arrives as it is written, and the writer hears of the end', async (t) => {
  let sink: BodySink | undefined
  const closed = Promise.withResolvers<void>()
  const { port } = await start(t, () =>
    Promise.resolve({
      status: 200,
      headers: {},
      body: {
        kind: 'stream',
        start: (opened) => {
          sink = opened
          opened.onClose(() => closed.resolve())
          opened.write(Buffer.from('one'))
        },
      },
    }),
  )
  const request = httpsRequest({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false })
  const first = await new Promise<Buffer>((resolve) => {
    request.on('response', (response) => response.once('data', resolve))
    request.on('error', () => undefined)
    request.end()
  })
  assert.equal(first.toString(), 'one')
  assert.ok(sink !== undefined)
  request.destroy()
  await closed.promise
})

test('a request over HTTP/2 ends with its stream, whether one asks before or after', async (t) => {
  const requests: HttpRequest[] = []
  let arrived = Promise.withResolvers<HttpRequest>()
  const { port } = await start(t, (request) => {
    requests.push(request)
    arrived.resolve(request)
    return new Promise<never>(() => undefined)
  })
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const late = session.request({ ':path': '/late' }).on('error', () => undefined)
  await arrived.promise
  late.close(constants.NGHTTP2_CANCEL)
  arrived = Promise.withResolvers()
  const early = session.request({ ':path': '/early' }).on('error', () => undefined)
  const { signal } = await arrived.promise
  assert.equal(signal.aborted, false)
  const ended = new Promise((resolve) => signal.addEventListener('abort', resolve))
  early.close(constants.NGHTTP2_CANCEL)
  await ended
  // The first one was reset before the second began.
  assert.equal(requests[0]?.signal.aborted, true)
})

test('closing lets a request that is under way finish', async (t) => {
  const entered = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const listener = await start(t, async () => {
    entered.resolve()
    await release.promise
    return answer(200, 'late')
  })
  const asked = overHttp1(listener.port, 'GET', '/')
  await entered.promise
  const stopped = listener.close(5_000)
  release.resolve()
  assert.equal((await asked).text, 'late')
  await stopped
})

test('a client that opens and resets streams without end loses its connection, and others are served', async (t) => {
  let begun = 0
  const { port } = await start(t, () => {
    begun++
    return new Promise<HttpResponse>(() => undefined)
  })
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  session.on('error', () => undefined)
  const ended = new Promise<void>((resolve) => session.on('close', () => resolve()))
  const flood = async (): Promise<number> => {
    let sent = 0
    for (; sent < 20_000 && !session.destroyed && !session.closed; sent++) {
      const stream = session.request({ ':path': '/' })
      stream.on('error', () => undefined)
      stream.close(constants.NGHTTP2_CANCEL)
      if (sent % 50 === 49) await new Promise((resolve) => setImmediate(resolve))
    }
    return sent
  }
  const sent = await flood()
  await ended
  assert.ok(sent < 20_000, 'the server has ended it')
  assert.ok(begun < 5_000, `${begun} were begun`)
})

/** A frame of HTTP/2 for the connection as a whole. */
function frameOf(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  return Buffer.concat([head, payload])
}
const SETTINGS = 4
const PING = 6

for (const [what, type, size] of [
  ['pings', PING, 8],
  ['changes of settings', SETTINGS, 0],
] as const)
  test(`a client that sends ${what} without end, and reads no answer, is cut off, and others are served`, async (t) => {
    const { port } = await start(t, echo)
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    t.after(() => socket.destroy())
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()).on('error', () => resolve()))
    socket.pause()
    const start100 = Buffer.concat(Array.from({ length: 100 }, () => frameOf(type, 0, Buffer.alloc(size))))
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frameOf(SETTINGS, 0, Buffer.alloc(0))]))
    const most = 2_000_000 / start100.length
    for (let at = 0; at < most && !socket.destroyed && socket.writable; at++) {
      if (!socket.write(start100)) await Promise.race([closed, new Promise((resolve) => setImmediate(resolve))])
      if (at % 100 === 0) assert.equal((await overHttp1(port, 'GET', '/other')).status, 200)
    }
    socket.resume()
    await closed
    assert.equal((await overHttp1(port, 'GET', '/other')).status, 200)
  })
