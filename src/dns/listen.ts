import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import { type Scope, messageOf } from '#base'
import { framed } from './ask.ts'

/** The answer to a message, or undefined for what gets none. */
export type Answerer = (raw: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>

const IDLE_TCP_MS = 10_000
const MOST_TCP_CONNECTIONS = 256
const UDP_BUFFER_BYTES = 1024 * 1024

/** How often another port is tried, where any will do, when one of the two protocols has it already. */
const TRIES = 8

/** Both protocols at one port; 0: at any. Resolves with the port. */
export async function listenBoth(scope: Scope, address: string, port: number, answer: Answerer): Promise<number> {
  for (let tries = 1; ; tries++) {
    const own = scope.child()
    try {
      return await listenUdp(own, address, await listenTcp(own, address, port, answer), answer)
    } catch (error) {
      own.cancel()
      if (port !== 0 || tries === TRIES) throw error
    }
  }
}

/** Listens until the scope is cancelled; resolves to the port. Rejects when the address cannot be had. */
async function listenUdp(scope: Scope, address: string, port: number, answer: Answerer): Promise<number> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: UDP_BUFFER_BYTES })
  let closed = false
  const close = (): void => {
    if (!closed) socket.close()
    closed = true
  }
  scope.signal.addEventListener('abort', close, { once: true })
  socket.on('message', (raw, peer) => {
    answer(raw, 'udp').then(
      (reply) => {
        if (reply !== undefined && !closed) socket.send(reply, peer.port, peer.address, () => undefined)
      },
      (error: unknown) => scope.log.warn('query not answered', { error: messageOf(error) }),
    )
  })
  socket.bind(port, address)
  try {
    await once(socket, 'listening')
  } catch (error) {
    close()
    throw error
  }
  socket.on('error', (error) => scope.log.warn('socket failed', { error: messageOf(error) }))
  return socket.address().port
}

/** As `listenUdp`. */
async function listenTcp(scope: Scope, address: string, port: number, answer: Answerer): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    // Whatever goes wrong with a connection ends it and nothing else.
    serve(socket, answer).catch(() => socket.destroy())
  })
  server.maxConnections = MOST_TCP_CONNECTIONS
  scope.signal.addEventListener(
    'abort',
    () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
    { once: true },
  )
  server.listen(port, address)
  await once(server, 'listening')
  server.on('error', (error) => scope.log.warn('socket failed', { error: messageOf(error) }))
  return (server.address() as AddressInfo).port
}

/** Queries of one connection are answered one after the other, and none is read before there is room for the answer to the one before. */
async function serve(socket: Socket, answer: Answerer): Promise<void> {
  socket.setTimeout(IDLE_TCP_MS, () => socket.destroy())
  let received = Buffer.alloc(0)
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
      const length = received.readUInt16BE(0)
      const reply = await answer(received.subarray(2, length + 2), 'tcp')
      received = received.subarray(length + 2)
      if (reply === undefined) return void socket.destroy()
      if (!socket.write(framed(reply))) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    }
  }
}
