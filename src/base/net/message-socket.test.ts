import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type TestContext, describe, it } from 'node:test'
import { rootScope } from '../scope.ts'
import { type MessageSocket, acceptWebSocket, connectWebSocket, messageDuplex } from './message-socket.ts'
import { SpdySession } from './spdy/session.ts'

async function pair(t: TestContext): Promise<{ readonly client: MessageSocket; readonly server: MessageSocket }> {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<MessageSocket>((resolve) =>
    listener.on('upgrade', (request, socket, head) => void acceptWebSocket(request, socket, head, 'b').then(resolve)),
  )
  const client = await connectWebSocket(rootScope(), {
    url: `ws://127.0.0.1:${(listener.address() as AddressInfo).port}/`,
    protocols: ['a', 'b'],
  })
  const server = await accepted
  t.after(() => {
    client.destroy()
    server.destroy()
    listener.close()
  })
  return { client, server }
}

describe('a WebSocket', { timeout: 20_000 }, () => {
  it('agrees on a protocol and carries text and bytes in order', async (t) => {
    const { client, server } = await pair(t)
    assert.equal(client.protocol, 'b')
    assert.equal(server.protocol, 'b')
    await client.send('text')
    await client.send(Buffer.from([1, 2]))
    client.close()
    const seen: unknown[] = []
    for await (const { data, isText } of server.messages()) seen.push([data.toString('hex'), isText])
    assert.deepEqual(seen, [
      ['74657874', true],
      ['0102', false],
    ])
    await client.closed
  })

  it('makes a fast sender wait for a slow reader', async (t) => {
    const { client, server } = await pair(t)
    const piece = Buffer.alloc(1_000_000, 1)
    let sent = 0
    const sending = (async () => {
      for (; sent < 25; sent++) await client.send(piece)
      client.close()
    })()
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(sent < 25)
    let received = 0
    for await (const { data } of server.messages()) received += data.length
    assert.equal(received, 25 * piece.length)
    await sending
  })

  it('carries a SPDY session in its messages', async (t) => {
    const { client, server } = await pair(t)
    new SpdySession(messageDuplex(server), { role: 'server', onStream: (stream) => stream.pipe(stream) })
    const session = new SpdySession(messageDuplex(client), { role: 'client' })
    const stream = await session.open({ streamtype: 'data' })
    const sent = Buffer.alloc(3_000_000, 7)
    stream.end(sent)
    assert.ok((await buffer(stream)).equals(sent))
    session.close()
    await session.closed
  })
})
