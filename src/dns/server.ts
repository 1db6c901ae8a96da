import { createSocket } from 'node:dgram'
import { type Socket, createServer } from 'node:net'
import { type Scope, UserError, messageOf } from '#base'
import type { Informers } from '#reconcile'
import { type Forwarder, type Upstream, createForwarder, framed, systemUpstreams } from './forward.ts'
import { type Query, RCODE, readQuery, writeRefusal } from './message.ts'
import { resolve } from './resolve.ts'
import { clusterView } from './view.ts'
import { type Zone, createZone } from './zone.ts'

export interface DnsOptions {
  readonly informers: Informers
  /** Where to listen, over UDP and TCP. */
  readonly addresses: readonly string[]
  readonly port: number
  /** Default `cluster.local`. */
  readonly domain?: string
  /** For other names. Default: those of /etc/resolv.conf. */
  readonly upstreams?: readonly Upstream[]
}

export interface DnsServer {
  /** Milliseconds from a change in the cluster to the answer: none, answers are looked up in the caches. */
  readonly stats: () => { readonly queries: number; readonly refused: number }
}

const IDLE_TCP_MS = 10_000
const MOST_TCP_CONNECTIONS = 256
const UDP_BUFFER_BYTES = 1024 * 1024

/**
 * Answers the cluster's names until the scope is cancelled. The informers must be started by the caller, after this call; names are not known
 * before they are synced. Rejects with `UserError` when an address cannot be listened on.
 */
export async function startDns(scope: Scope, options: DnsOptions): Promise<DnsServer> {
  const { view, changes } = clusterView(options.informers)
  const zone = createZone(options.domain ?? 'cluster.local', view, changes)
  const forwarder = createForwarder(scope, options.upstreams ?? systemUpstreams())
  const counts = { queries: 0, refused: 0 }
  const answer = async (raw: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> => {
    counts.queries++
    const query = readQuery(raw)
    if (query === undefined || 'refuse' in query) {
      counts.refused++
      return query === undefined ? undefined : writeRefusal(query.id, query.refuse)
    }
    return answerSafely(scope, zone, forwarder, query, transport)
  }
  await Promise.all(options.addresses.flatMap((address) => [listenUdp(scope, address, options.port, answer), listenTcp(scope, address, options.port, answer)]))
  return { stats: () => ({ ...counts }) }
}

async function answerSafely(scope: Scope, zone: Zone, forwarder: Forwarder, query: Query, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
  try {
    return await resolve(scope, zone, forwarder, query, transport)
  } catch (error) {
    if (scope.signal.aborted) return undefined
    scope.log.warn('query not answered', { name: query.question.name, type: query.question.type, error: messageOf(error) })
    return writeRefusal(query.id, RCODE.serverFailure)
  }
}

type AnswerRaw = (raw: Buffer, transport: 'udp' | 'tcp') => Promise<Buffer | undefined>

function listenUdp(scope: Scope, address: string, port: number, answer: AnswerRaw): Promise<void> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: UDP_BUFFER_BYTES })
  scope.signal.addEventListener('abort', () => socket.close(), { once: true })
  socket.on('message', (raw, peer) => {
    void answer(raw, 'udp').then((reply) => {
      if (reply !== undefined && !scope.signal.aborted) socket.send(reply, peer.port, peer.address)
    })
  })
  return new Promise((started, failed) => {
    socket.once('error', (error) => failed(cannotListen(address, port, error)))
    socket.bind(port, address, () => {
      socket.removeAllListeners('error')
      socket.on('error', (error) => scope.log.warn('socket failed', { error: messageOf(error) }))
      started()
    })
  })
}

function listenTcp(scope: Scope, address: string, port: number, answer: AnswerRaw): Promise<void> {
  const server = createServer((socket) => serve(socket, answer))
  server.maxConnections = MOST_TCP_CONNECTIONS
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  const stop = (): void => {
    server.close()
    for (const socket of open) socket.destroy()
  }
  scope.signal.addEventListener('abort', stop, { once: true })
  return new Promise((started, failed) => {
    server.once('error', (error) => failed(cannotListen(address, port, error)))
    server.listen(port, address, () => started())
  })
}

/** Queries of one connection are answered in their order. */
function serve(socket: Socket, answer: AnswerRaw): void {
  let received = Buffer.alloc(0)
  let last = Promise.resolve()
  socket.setTimeout(IDLE_TCP_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
      const length = received.readUInt16BE(0)
      const raw = Buffer.from(received.subarray(2, length + 2))
      received = received.subarray(length + 2)
      last = last.then(async () => {
        const reply = await answer(raw, 'tcp')
        if (reply === undefined) socket.destroy()
        else socket.write(framed(reply))
      })
    }
  })
}

const cannotListen = (address: string, port: number, error: Error): UserError =>
  new UserError(`DNS cannot listen on ${address}:${port}: ${error.message}`, 'another DNS server may be using the address; stop it, or choose another address')
