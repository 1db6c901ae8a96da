import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcp } from 'node:net'
import { type Duplex, PassThrough, type Readable, type Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { type TestContext, describe, it } from 'node:test'
import { type MessageSocket, SpdySession, connectWebSocket, requestUpgrade, rootScope } from '#base'
import { StatusError } from '#api'
import { type CommandResult, type CommandStreams, type RemoteProcess, spdyCommand, spdyPortForwarder, websocketCommand } from '#client'
import { sessionOf } from '../node-server.ts'
import type { Streams } from '../streams.ts'
import { protocolsOver } from './stream-protocols.ts'

const ALL: CommandStreams = { stdin: true, stdout: true, stderr: true, tty: false }
const EXEC = '/exec/ns/p/c?command=cat&input=1&output=1&error=1'

/** A runtime whose processes give back what they are given, and end with `ends` when their input does. */
function echoing(ends: CommandResult, sizes: [number, number][] = []): Streams {
  return {
    exec: async (_scope, { container }, { tty }): Promise<RemoteProcess> => {
      if (container === 'missing') throw new StatusError({ code: 404, reason: 'NotFound', message: 'no such container' })
      const stdin = new PassThrough()
      const stdout = new PassThrough()
      const stderr = tty ? undefined : new PassThrough()
      stderr?.end('begun')
      stdin.pipe(stdout)
      return {
        stdin,
        stdout,
        stderr,
        resize: (columns, rows) => void sizes.push([columns, rows]),
        result: new Promise((resolve) => stdin.once('end', () => resolve(ends))),
        close: () => undefined,
      }
    },
    attach: () => Promise.reject(new Error('not in this test')),
    portForward: async () => {
      const closed = Promise.withResolvers<void>()
      return { open: async (port) => connect(port, '127.0.0.1'), closed: closed.promise, close: () => closed.resolve() }
    },
  }
}

async function serve(t: TestContext, streams: Streams): Promise<string> {
  const scope = rootScope()
  const server = createServer()
  const sockets = new Set<Duplex>()
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket)
    const url = new URL(request.url ?? '/', 'http://node')
    const session = sessionOf(
      url.pathname.split('/').filter((part) => part !== ''),
      url.searchParams,
    )
    if (session === undefined) return void socket.destroy()
    protocolsOver(streams)
      .serve(scope, session, request, socket, head)
      .catch(
        (error: unknown) =>
          void socket.end(`HTTP/1.1 ${error instanceof StatusError ? error.httpStatus : 500} x\r\ncontent-length: 0\r\n\r\n`),
      )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    scope.cancel()
    server.close()
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function spdy(address: string, path: string, protocol: string): Promise<SpdySession> {
  const { socket, head } = await requestUpgrade(rootScope(), `http://${address}${path}`, 'SPDY/3.1', {
    'X-Stream-Protocol-Version': protocol,
  })
  return new SpdySession(socket, { role: 'client', head })
}
const webSocket = (address: string, path: string, ...protocols: string[]): Promise<MessageSocket> =>
  connectWebSocket(rootScope(), { url: `ws://${address}${path}`, protocols })
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
function there<T extends Readable | Writable>(stream: T | undefined): T {
  assert.ok(stream !== undefined)
  return stream
}

describe('a command', { timeout: 20_000 }, () => {
  const transports: Readonly<Record<string, (address: string, path: string, wants: CommandStreams) => Promise<RemoteProcess>>> = {
    'SPDY version 4': async (address, path, wants) => spdyCommand(rootScope(), await spdy(address, path, 'v4.channel.k8s.io'), wants),
    'WebSocket version 5': async (address, path, wants) =>
      websocketCommand(rootScope(), await webSocket(address, path, 'v5.channel.k8s.io'), wants),
  }
  for (const [name, open] of Object.entries(transports)) {
    it(`over ${name} gets all of its input, hears its end, and says its exit code`, async (t) => {
      const process = await open(await serve(t, echoing({ kind: 'exited', exitCode: 3 })), EXEC, ALL)
      const sent = randomBytes(5_000_000)
      there(process.stdin).end(sent)
      const [out, err, result] = await Promise.all([buffer(there(process.stdout)), text(there(process.stderr)), process.result])
      assert.equal(digest(out), digest(sent))
      assert.equal(err, 'begun')
      assert.deepEqual(result, { kind: 'exited', exitCode: 3 })
    })

    it(`over ${name} tells its terminal's size`, async (t) => {
      const sizes: [number, number][] = []
      const process = await open(
        await serve(t, echoing({ kind: 'exited', exitCode: 0 }, sizes)),
        '/exec/ns/p/c?command=sh&input=1&output=1&tty=1',
        { stdin: true, stdout: true, stderr: false, tty: true },
      )
      process.resize(80, 24)
      process.resize(100, 50)
      const out = there(process.stdout)
      there(process.stdin).write('x')
      await new Promise((resolve) => out.once('data', resolve))
      while (sizes.length < 2) await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(sizes, [
        [80, 24],
        [100, 50],
      ])
      process.close()
    })
  }

  it('that cannot be found is refused before the protocol changes', async (t) => {
    const address = await serve(t, echoing({ kind: 'exited', exitCode: 0 }))
    await assert.rejects(spdy(address, '/exec/ns/p/missing?command=cat&output=1', 'v4.channel.k8s.io'), {
      code: 'UPGRADE_REFUSED',
      httpStatus: 404,
    })
    await assert.rejects(webSocket(address, '/exec/ns/p/missing?command=cat&output=1', 'v5.channel.k8s.io'), {
      code: 'WEBSOCKET_FAILED',
      httpStatus: 404,
    })
    await assert.rejects(webSocket(address, '/exec/ns/p/c?command=cat', 'v5.channel.k8s.io'), { httpStatus: 400 })
    await assert.rejects(webSocket(address, EXEC, 'v9.channel.k8s.io'), { httpStatus: 403 })
  })

  it('speaks base64 with clients that have only text', async (t) => {
    const socket = await webSocket(await serve(t, echoing({ kind: 'exited', exitCode: 0 })), EXEC, 'v4.base64.channel.k8s.io')
    await socket.send(`0${Buffer.from('hello').toString('base64')}`)
    let out = ''
    for await (const { data, isText } of socket.messages()) {
      assert.equal(isText, true)
      if (data[0] === 0x31) out += Buffer.from(data.toString().slice(1), 'base64').toString()
      if (out === 'hello') break
    }
    assert.equal(out, 'hello')
    socket.destroy()
  })
})

describe('port-forward', { timeout: 20_000 }, () => {
  async function pod(t: TestContext): Promise<number> {
    const server = createTcp({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => void server.close())
    return (server.address() as AddressInfo).port
  }
  const FORWARD = '/portForward/ns/p'
  it('over SPDY joins many connections with the pod, and says why one failed', async (t) => {
    const port = await pod(t)
    const session = await spdy(await serve(t, echoing({ kind: 'exited', exitCode: 0 })), FORWARD, 'portforward.k8s.io')
    const forwarder = spdyPortForwarder(rootScope(), session)
    const bodies = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const connection = await forwarder.open(port)
        connection.end(Buffer.alloc(200_000, index))
        return buffer(connection)
      }),
    )
    bodies.forEach((body, index) => assert.ok(body.equals(Buffer.alloc(200_000, index))))
    const refused = await forwarder.open(1)
    const failure = new Promise((resolve) => refused.once('error', resolve))
    refused.resume()
    assert.match(String(await failure), /ECONNREFUSED/)
    forwarder.close()
    await forwarder.closed
  })

  it('has two channels a port for clients with plain WebSockets', async (t) => {
    const port = await pod(t)
    const socket = await webSocket(await serve(t, echoing({ kind: 'exited', exitCode: 0 })), `${FORWARD}?port=${port}`, 'v4.channel.k8s.io')
    await socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('ping')]))
    const seen: Buffer[] = []
    for await (const { data } of socket.messages()) if (seen.push(data) === 3) break
    const said = Buffer.alloc(2)
    said.writeUInt16LE(port)
    assert.deepEqual(
      seen.map((data) => data.toString('hex')),
      [`00${said.toString('hex')}`, `01${said.toString('hex')}`, `00${Buffer.from('ping').toString('hex')}`],
    )
    socket.destroy()
  })
})
