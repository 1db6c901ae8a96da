import type { TLSSocket } from 'node:tls'
import type { HttpHandler, Scope, Timer } from '#base'
import type { HttpLimits } from '../limits.ts'
import type { Turn } from '../turn.ts'
import { AnswerWriter } from './answer.ts'
import { ChunkFramer } from './chunks.ts'
import { PlainConnection, type PlainShared } from './connection.ts'

export interface PlainHttp {
  /** Takes a new connection that speaks HTTP/1.1. */
  accept(socket: TLSSocket): void
  /** Ends connections with the answer that is under way; idle ones now. */
  finish(): void
}

const SWEEP_MS = 5_000

/**
 * The short way through HTTP/1.1, for the requests that nearly all clients send: half of what Node's own server costs. Whatever is
 * not plain goes to that server, which `takeOver` leads to. Ends with the scope.
 */
export function plainHttp(
  scope: Scope,
  options: {
    readonly handler: HttpHandler
    readonly limits: HttpLimits
    readonly turn: Turn
    takeOver(socket: TLSSocket, unread: Buffer): void
  },
): PlainHttp {
  const { clock } = scope
  const { limits } = options
  const connections = new Set<PlainConnection>()
  let coarseMs = clock.monotonic()
  let sweeper: Timer | undefined
  let isFinishing = false
  const shared: PlainShared = {
    handler: options.handler,
    turn: options.turn,
    writer: new AnswerWriter(clock),
    framer: new ChunkFramer(),
    takeOver: options.takeOver,
    closed: (connection) => {
      connections.delete(connection)
    },
    coarseNow: () => coarseMs,
  }

  /** Times are as coarse as the sweep, so each limit is kept to within one more of it. */
  const limitOf = (connection: PlainConnection): number => {
    if (connection.isReceiving) return limits.requestTimeoutMs
    if (!connection.isIdle) return Number.POSITIVE_INFINITY
    return connection.hasAsked ? limits.idleTimeoutMs : limits.headersTimeoutMs
  }
  const sweep = (): void => {
    coarseMs = clock.monotonic()
    for (const connection of connections) if (coarseMs - connection.sinceMs > limitOf(connection)) connection.expire()
    sweeper = connections.size === 0 ? undefined : clock.after(SWEEP_MS, sweep, { background: true })
  }
  scope.signal.addEventListener('abort', () => sweeper?.cancel(), { once: true })

  return {
    accept(socket) {
      if (sweeper === undefined) {
        coarseMs = clock.monotonic()
        sweeper = clock.after(SWEEP_MS, sweep, { background: true })
      }
      const connection = new PlainConnection(socket, shared)
      connections.add(connection)
      if (isFinishing) connection.finishSoon()
    },
    finish() {
      isFinishing = true
      for (const connection of connections) connection.finishSoon()
    },
  }
}
