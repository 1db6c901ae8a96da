import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Scope } from '#base'
import type { Query } from './message.ts'
import { RESPONSE, readWire, sameQuestion } from './wire.ts'

export interface Upstream {
  readonly address: string
  readonly port: number
}

const TRY_TIMEOUT_MS = 2000

/**
 * One try over UDP, with an id and a port of its own so that answers cannot be guessed. Whatever is no answer to the question is passed over. Rejects when
 * there is none in time.
 */
export async function askUdp(scope: Scope, upstream: Upstream, query: Query): Promise<Buffer> {
  using within = scope.child({ timeoutMs: TRY_TIMEOUT_MS })
  within.check()
  const id = Buffer.from(scope.random.bytes(2)).readUInt16BE(0)
  return await new Promise<Buffer>((resolve, reject) => {
    const socket = createSocket(upstream.address.includes(':') ? 'udp6' : 'udp4')
    within.signal.addEventListener('abort', () => reject(within.signal.reason), { once: true })
    within.signal.addEventListener('abort', () => socket.close(), { once: true })
    socket.on('error', reject)
    socket.on('message', (raw) => {
      if (answers(raw, id, query)) resolve(raw)
    })
    // A callback would be told of failures too, instead of the listener for errors.
    socket.once('connect', () => {
      if (!within.signal.aborted) socket.send(withId(query.raw, id))
    })
    socket.connect(upstream.port, upstream.address)
  })
}

/** One try over TCP. */
export async function askTcp(scope: Scope, upstream: Upstream, query: Query): Promise<Buffer> {
  using within = scope.child({ timeoutMs: TRY_TIMEOUT_MS })
  within.check()
  const id = Buffer.from(scope.random.bytes(2)).readUInt16BE(0)
  return await new Promise<Buffer>((resolve, reject) => {
    const socket = connect(upstream.port, upstream.address)
    let received = Buffer.alloc(0)
    within.signal.addEventListener('abort', () => reject(within.signal.reason), { once: true })
    within.signal.addEventListener('abort', () => socket.destroy(), { once: true })
    socket.on('error', reject)
    socket.on('end', () => reject(new Error('the connection was closed')))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return
      const raw = received.subarray(2, received.readUInt16BE(0) + 2)
      if (answers(raw, id, query)) resolve(raw)
      else reject(new Error('the answer was to another question'))
    })
    socket.write(framed(withId(query.raw, id)))
  })
}

function answers(raw: Buffer, id: number, query: Query): boolean {
  const message = readWire(raw)
  return message !== undefined && message.id === id && (message.flags & RESPONSE) !== 0 && sameQuestion(message.question, query.rawQuestion)
}

function withId(raw: Buffer, id: number): Buffer {
  const copy = Buffer.from(raw)
  copy.writeUInt16BE(id, 0)
  return copy
}

/** A message with its length in front, as it travels over TCP. */
export function framed(raw: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(raw.length, 0)
  return Buffer.concat([length, raw])
}
