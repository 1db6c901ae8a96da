import assert from 'node:assert/strict'
import { type TestContext, before, test } from 'node:test'
import { type TLSSocket, connect } from 'node:tls'
import { type BodySink, type Clock, type HttpHandler, type HttpResponse, createAuthority, issueLeaf, rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { listen } from '../listener.ts'

const DAY_MS = 86_400_000
let leaf: { readonly certificate: string; readonly key: string }
before(async () => {
  const scope = rootScope()
  const authority = await createAuthority(scope, 'test', DAY_MS)
  leaf = await issueLeaf(scope, authority, {
    subject: { commonName: 'server' },
    names: ['127.0.0.1'],
    usages: ['serverAuth'],
    lifetimeMs: DAY_MS,
  })
})

const text = (status: number, body: string, headers: HttpResponse['headers'] = {}): HttpResponse => ({
  status,
  headers: { 'content-type': 'text/plain', ...headers },
  body: { kind: 'bytes', chunks: [Buffer.from(body)] },
})

const echo: HttpHandler = async (request) => {
  const body = Buffer.from(await request.readBody(4 << 20))
  return text(200, `${request.method} ${request.target} ${body.length > 100 ? body.length : body.toString()}`)
}

/** One raw connection: what is sent is exactly what the test says. */
class Client {
  readonly socket: TLSSocket
  #text = ''
  #wake: (() => void) | undefined
  closed = false
  constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake?.()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.closed = true
      this.#wake?.()
    })
  }
  send(raw: string): void {
    this.socket.write(raw, 'latin1')
  }
  /** All that has come, once it matches or the connection has ended. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text) && !this.closed) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#text
  }
  /** The next answer with a told length: its head and its body. */
  async answer(): Promise<{ readonly head: string; readonly body: string }> {
    await this.until(/\r\n\r\n/)
    const end = this.#text.indexOf('\r\n\r\n')
    const head = this.#text.slice(0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    while (this.#text.length < end + 4 + length && !this.closed) await new Promise<void>((resolve) => (this.#wake = resolve))
    const body = this.#text.slice(end + 4, end + 4 + length)
    this.#text = this.#text.slice(end + 4 + length)
    return { head, body }
  }
}

async function start(t: TestContext, handler: HttpHandler, clock?: Clock): Promise<() => Promise<Client>> {
  const listener = await listen(rootScope(clock === undefined ? {} : { clock }), { handler, port: 0, address: '127.0.0.1', ...leaf })
  const clients: Client[] = []
  t.after(async () => {
    for (const { socket } of clients) socket.destroy()
    await listener.close(0)
  })
  return () =>
    new Promise((resolve) => {
      const socket = connect({ port: listener.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        const client = new Client(socket)
        clients.push(client)
        resolve(client)
      })
    })
}

const HOST = 'Host: x\r\n'

test('answers one request after the other on a connection, with and without bodies', async (t) => {
  const client = await (await start(t, echo))()
  client.send(`GET /a HTTP/1.1\r\n${HOST}\r\n`)
  const { head, body } = await client.answer()
  assert.match(head, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\ncontent-length: 7\r\ndate: [A-Z][a-z]{2}, \d\d .* GMT$/)
  assert.equal(body, 'GET /a ')
  client.send(`POST /b?c=d HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`)
  assert.equal((await client.answer()).body, 'POST /b?c=d hello')
  client.send(`GET /a HTTP/1.1\r\n${HOST}\r\n`)
  assert.equal((await client.answer()).body, 'GET /a ')
})

test('a body may come in pieces, and be long', async (t) => {
  const client = await (await start(t, echo))()
  client.send(`POST /b HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nhe`)
  client.send('llo')
  await new Promise((resolve) => setImmediate(resolve))
  client.send('world')
  assert.equal((await client.answer()).body, 'POST /b helloworld')
  client.send(`PUT /b HTTP/1.1\r\n${HOST}Content-Length: 3000000\r\n\r\n${'x'.repeat(3_000_000)}GET /next HTTP/1.1\r\n${HOST}\r\n`)
  assert.equal((await client.answer()).body, 'PUT /b 3000000')
  assert.equal((await client.answer()).body, 'GET /next ')
})

test('requests that come together are answered in their order, one at a time', async (t) => {
  let underWay = 0
  let most = 0
  const client = await (
    await start(t, async (request) => {
      most = Math.max(most, ++underWay)
      await new Promise((resolve) => setImmediate(resolve))
      underWay--
      return text(200, request.target)
    })
  )()
  client.send([1, 2, 3].map((at) => `GET /${at} HTTP/1.1\r\n${HOST}\r\n`).join(''))
  assert.deepEqual(
    [await client.answer(), await client.answer(), await client.answer()].map(({ body }) => body),
    ['/1', '/2', '/3'],
  )
  assert.equal(most, 1)
})

test('a body that nobody reads does not become the next request', async (t) => {
  const client = await (await start(t, (request) => Promise.resolve(text(401, request.target))))()
  const smuggled = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`
  client.send(`POST /a HTTP/1.1\r\n${HOST}Content-Length: ${smuggled.length + 100_000}\r\n\r\n${smuggled}`)
  assert.equal((await client.answer()).body, '/a')
  client.send(`${'x'.repeat(100_000)}GET /b HTTP/1.1\r\n${HOST}\r\n`)
  assert.equal((await client.answer()).body, '/b')
})

test('requests that are not plain are served on the same connection, after plain ones', async (t) => {
  const connected = await start(t, echo)
  for (const [raw, body] of [
    [`POST /c HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`, 'POST /c abcde'],
    [`GET /c HTTP/1.1\r\n${HOST}X-Twice: 1\r\nX-Twice: 2\r\n\r\n`, 'GET /c '],
    [`GET /c HTTP/1.1\r\n${HOST}X-Under_Score: \x80\r\n\r\n`, 'GET /c '],
    [`GET /c HTTP/1.1\r\n${HOST}X-Long: ${'x'.repeat(40_000)}\r\n\r\n`, 'GET /c '],
  ] as const) {
    const client = await connected()
    client.send(`GET /a HTTP/1.1\r\n${HOST}\r\n`)
    assert.equal((await client.answer()).body, 'GET /a ')
    client.send(raw)
    assert.equal((await client.answer()).body, body)
    client.send(`POST /d HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\n!`)
    assert.equal((await client.answer()).body, 'POST /d !')
  }
})

test('a head in pieces, and one that asks to close, are served', async (t) => {
  const connected = await start(t, echo)
  const client = await connected()
  client.send('GET /a HT')
  await new Promise((resolve) => setImmediate(resolve))
  client.send(`TP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  assert.match(await client.until(/never/), /connection: close[^]*GET \/a $/i)
})

test('messages that could be read in two ways are refused, and nothing behind them is read', async (t) => {
  const seen: string[] = []
  const connected = await start(t, (request) => {
    seen.push(request.target)
    return echo(request)
  })
  const behind = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`
  for (const raw of [
    `POST /a HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc${behind}`,
    `POST /a HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${behind}`,
    `POST /a HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc${behind}`,
    `POST /a HTTP/1.1\r\n${HOST}Content-Length : 3\r\n\r\nabc${behind}`,
    `GET /a HTTP/1.1\r\n${HOST}X: a\nContent-Length: 3\r\n\r\nabc${behind}`,
    `GET /a HTTP/1.1\r\n${HOST}X: a\r\n folded: 1\r\n\r\n`,
    `GET /a HTTP/1.1\r\n\r\n`,
    `GET /a b HTTP/1.1\r\n${HOST}\r\n`,
    `GET http://[ HTTP/1.1\n${HOST}\r\n`,
    '\x00\x01\x02\r\n\r\n',
  ]) {
    const client = await connected()
    client.send(raw)
    const answer = await client.until(/never/)
    assert.match(answer, /^HTTP\/1\.1 400 /, raw)
  }
  assert.deepEqual(seen, [])
})

test('a streamed answer ends and the connection goes on', async (t) => {
  const sinks: BodySink[] = []
  const handler: HttpHandler = (request) =>
    request.target === '/stream'
      ? Promise.resolve({ status: 200, headers: {}, body: { kind: 'stream', start: (opened) => void sinks.push(opened) } })
      : echo(request)
  const client = await (await start(t, handler))()
  client.send(`GET /stream HTTP/1.1\r\n${HOST}\r\n`)
  assert.match(await client.until(/\r\n\r\n/), /transfer-encoding: chunked/)
  let closes = 0
  sinks[0]?.onClose(() => closes++)
  sinks[0]?.write(Buffer.from('first event\n'))
  await client.until(/c\r\nfirst event\n\r\n$/)
  sinks[0]?.write(Buffer.alloc(100_000, 0x79))
  sinks[0]?.end()
  await client.until(/\r\n186a0\r\ny{100000}\r\n0\r\n\r\n$/)
  assert.equal(closes, 1)
  client.send(`GET /a HTTP/1.1\r\n${HOST}\r\n`)
  assert.match(await client.until(/GET \/a $/), /GET \/a $/)
})

test('the handler hears when its peer goes away, and a slow reader is waited for', async (t) => {
  let opened: BodySink | undefined
  const gone = Promise.withResolvers<void>()
  const handler: HttpHandler = (request) => {
    request.signal.addEventListener('abort', () => gone.resolve())
    return Promise.resolve({ status: 200, headers: {}, body: { kind: 'stream', start: (sink) => void (opened = sink) } })
  }
  const client = await (await start(t, handler))()
  client.send(`GET /stream HTTP/1.1\r\n${HOST}\r\n`)
  await client.until(/\r\n\r\n/)
  client.socket.pause()
  let writes = 0
  while (writes++ < 1000 && opened?.write(Buffer.alloc(1 << 20)) === true);
  assert.ok(writes < 1000 && (opened?.bufferedBytes ?? 0) > 0)
  const drained = new Promise<void>((resolve) => opened?.onDrain(resolve))
  client.socket.resume()
  await drained
  client.socket.destroy()
  await gone.promise
})

test('no value of a header can end its line', async (t) => {
  const client = await (await start(t, () => Promise.resolve(text(200, 'x', { warning: 'a\r\nset-cookie: b' }))))()
  client.send(`GET /a HTTP/1.1\r\n${HOST}\r\n`)
  assert.equal(await client.until(/never/), '')
})

test('who sends half a body, or nothing, is not waited for without end', async (t) => {
  const clock = manualClock()
  const connected = await start(t, echo, clock)
  const half = await connected()
  half.send(`POST /a HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nhalf`)
  const silent = await connected()
  const idle = await connected()
  idle.send(`GET /a HTTP/1.1\r\n${HOST}\r\n`)
  await idle.answer()
  const turns = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at++) {
      clock.advance(5_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await turns(4)
  await silent.until(/never/)
  assert.deepEqual([silent.closed, half.closed, idle.closed], [true, false, false])
  await turns(10)
  assert.match(await half.until(/never/), /^HTTP\/1\.1 408 /)
  assert.equal(idle.closed, false)
  await turns(6)
  assert.equal(await idle.until(/never/), '')
})
