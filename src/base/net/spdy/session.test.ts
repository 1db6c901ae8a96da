import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { SpdySession } from './session.ts'
import { type SpdyStream, StreamReset } from './stream.ts'

async function pair(
  onStream: (stream: SpdyStream) => void,
): Promise<{ readonly client: SpdySession; readonly server: SpdySession; readonly socket: Socket; [Symbol.dispose](): void }> {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<SpdySession>((resolve) =>
    listener.once('connection', (socket) => resolve(new SpdySession(socket, { role: 'server', onStream }))),
  )
  const socket = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  const client = new SpdySession(socket, { role: 'client' })
  const server = await accepted
  listener.close()
  return {
    client,
    server,
    socket,
    [Symbol.dispose]() {
      client.destroy()
      server.destroy()
    },
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** What can be read of a stream that its peer did not end. */
async function untilBroken(stream: SpdyStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  await assert.rejects(async () => {
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  })
  return Buffer.concat(chunks)
}

describe('a SPDY session', { timeout: 20_000 }, () => {
  it('carries headers and bytes both ways, with each side ended on its own', async () => {
    const seen: SpdyStream[] = []
    using both = await pair((stream) => {
      seen.push(stream)
      stream.pipe(stream)
    })
    const sent = randomBytes(3_000_000)
    const stream = await both.client.open({ streamtype: 'stdin', port: '80' })
    stream.end(sent)
    assert.equal(digest(await buffer(stream)), digest(sent))
    const second = await both.client.open({ streamtype: 'data' })
    second.end('x')
    assert.equal((await buffer(second)).toString(), 'x')
    assert.deepEqual(
      seen.map(({ headers }) => headers),
      [{ streamtype: 'stdin', port: '80' }, { streamtype: 'data' }],
    )
  })

  it('stops reading while a stream has no reader, and goes on when it has', async () => {
    const ready = Promise.withResolvers<SpdyStream>()
    using both = await pair(ready.resolve)
    const stream = await both.client.open({})
    const sent = randomBytes(30_000_000)
    stream.end(sent)
    const received = await ready.promise
    while (!received.isFull) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(received.readableLength < 1_000_000)
    assert.equal(digest(await buffer(received)), digest(sent))
  })

  it('has no more than a piece under way to a reader of a paced stream', async () => {
    const ready = Promise.withResolvers<SpdyStream>()
    using both = await pair(ready.resolve)
    const stream = await both.client.open({}, { isPaced: true })
    const pieces = Array.from({ length: 100 }, () => randomBytes(50_000))
    for (const piece of pieces) stream.write(piece)
    stream.end()
    const received = await ready.promise
    while (!received.isFull) await new Promise((resolve) => setImmediate(resolve))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(both.socket.bytesWritten < received.readableLength + 60_000, `${both.socket.bytesWritten} for ${received.readableLength}`)
    assert.equal(digest(await buffer(received)), digest(Buffer.concat(pieces)))
  })

  it('lets what has arrived be read after the connection has ended', async () => {
    const ready = Promise.withResolvers<SpdyStream>()
    using both = await pair(ready.resolve)
    const stream = await both.client.open({})
    await new Promise((resolve) => stream.end('last words', () => resolve(undefined)))
    const received = await ready.promise
    both.client.close()
    await both.server.closed
    assert.equal((await buffer(received)).toString(), 'last words')
  })

  it('gives the readers everything that came before the connection ended, however late they read', async () => {
    const streams: SpdyStream[] = []
    const came = Promise.withResolvers<void>()
    using both = await pair((stream) => void (streams.push(stream) === 2 && came.resolve()))
    const [output, status] = [await both.client.open({}), await both.client.open({})]
    await came.promise
    const [slow, last] = streams
    assert.ok(slow !== undefined && last !== undefined)
    const sent = randomBytes(140_000)
    output.write(sent)
    status.write('0')
    both.client.close()
    await both.server.closed
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    const [bytes, text] = await Promise.all([untilBroken(slow), untilBroken(last)])
    assert.equal(digest(bytes), digest(sent))
    assert.equal(text.toString(), '0')
  })

  it('tells the reader when a stream is reset, and when the connection is lost', async () => {
    const streams: SpdyStream[] = []
    using both = await pair((stream) => void streams.push(stream))
    const reset = await both.client.open({})
    const lost = await both.client.open({})
    const cancelled = await both.client.open({})
    const [first, second, third] = streams
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    reset.destroy(new Error('broken'))
    await assert.rejects(buffer(first), StreamReset)
    cancelled.write('all there is')
    cancelled.destroy()
    assert.equal((await buffer(third)).toString(), 'all there is')
    both.client.destroy()
    await assert.rejects(buffer(second), { code: 'SPDY_CLOSED' })
    assert.equal(lost.destroyed, true)
  })

  it('refuses streams above the limit and where nobody takes them', async () => {
    using both = await pair(() => undefined)
    await assert.rejects(both.server.open({}), StreamReset)
  })
})
