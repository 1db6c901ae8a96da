import { SampanError } from '../../errors.ts'

/**
 * Frames of SPDY/3.1 (draft-mbelshe-httpbis-spdy). Header blocks are still compressed here. SETTINGS and WINDOW_UPDATE are passed over: no
 * peer that still speaks SPDY keeps its windows, and one that waited for them would wait for ever.
 */
export type Frame =
  | DataPiece
  | {
      readonly type: 'syn-stream'
      readonly streamId: number
      readonly fin: boolean
      readonly unidirectional: boolean
      readonly block: Uint8Array
    }
  | { readonly type: 'syn-reply' | 'headers'; readonly streamId: number; readonly fin: boolean; readonly block: Uint8Array }
  | { readonly type: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway'; readonly lastStreamId: number }

/** A part of a DATA frame, as it arrives; `fin` on the last part of a frame that ends the stream. */
export interface DataPiece {
  readonly type: 'data'
  readonly streamId: number
  readonly data: Uint8Array
  readonly fin: boolean
}

/** The peer does not speak SPDY/3.1, or wants more than the limits allow: the session ends. */
export class SpdyProtocolError extends SampanError {
  readonly code = 'SPDY_PROTOCOL'
}

export const RST = { protocolError: 1, refusedStream: 3, cancel: 5, internalError: 6 } as const

const CONTROL = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goaway: 7, headers: 8 } as const
const VERSION_3 = 0x8003
const FIN = 0x01
const UNIDIRECTIONAL = 0x02
const HEAD_BYTES = 8
const ID_MASK = 0x7fffffff
const MOST_CONTROL_BYTES = 64 * 1024

/** Cuts a byte stream into frames. DATA is handed out in the pieces in which it arrives, so its length needs no limit. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0)
  #data: { readonly streamId: number; readonly fin: boolean; left: number } | undefined;

  /** Throws `SpdyProtocolError`. */
  *read(chunk: Uint8Array): Iterable<Frame> {
    const joined =
      this.#pending.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([this.#pending, chunk])
    let at = 0
    // What is not consumed stays for the next chunk, also when the caller stops early.
    this.#pending = joined
    for (;;) {
      const data = this.#data
      if (data !== undefined) {
        if (at === joined.length) break
        const piece = joined.subarray(at, at + data.left)
        at += piece.length
        data.left -= piece.length
        if (data.left === 0) this.#data = undefined
        this.#pending = joined.subarray(at)
        yield { type: 'data', streamId: data.streamId, data: piece, fin: data.fin && data.left === 0 }
        continue
      }
      if (joined.length - at < HEAD_BYTES) break
      const first = joined.readUInt32BE(at)
      const flags = joined.readUInt8(at + 4)
      const length = joined.readUIntBE(at + 5, 3)
      if ((first & 0x80000000) === 0) {
        at += HEAD_BYTES
        const streamId = first & ID_MASK
        const fin = (flags & FIN) !== 0
        if (length > 0) this.#data = { streamId, fin, left: length }
        this.#pending = joined.subarray(at)
        if (length === 0) yield { type: 'data', streamId, data: joined.subarray(at, at), fin }
        continue
      }
      if (first >>> 16 !== VERSION_3) throw new SpdyProtocolError('a control frame of another version')
      if (length > MOST_CONTROL_BYTES) throw new SpdyProtocolError('a control frame is too long')
      if (joined.length - at < HEAD_BYTES + length) break
      const payload = joined.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length)
      at += HEAD_BYTES + length
      this.#pending = joined.subarray(at)
      const frame = controlFrame(first & 0xffff, flags, payload)
      if (frame !== undefined) yield frame
    }
    this.#pending = Buffer.from(joined.subarray(at))
  }
}

/** Undefined for types that may be passed over. */
function controlFrame(type: number, flags: number, payload: Buffer): Frame | undefined {
  const fin = (flags & FIN) !== 0
  const need = (bytes: number): void => {
    if (payload.length < bytes) throw new SpdyProtocolError('a control frame is too short')
  }
  const id = (at: number): number => payload.readUInt32BE(at) & ID_MASK
  switch (type) {
    case CONTROL.synStream:
      need(10)
      return { type: 'syn-stream', streamId: id(0), fin, unidirectional: (flags & UNIDIRECTIONAL) !== 0, block: payload.subarray(10) }
    case CONTROL.synReply:
    case CONTROL.headers:
      need(4)
      return { type: type === CONTROL.headers ? 'headers' : 'syn-reply', streamId: id(0), fin, block: payload.subarray(4) }
    case CONTROL.rstStream:
      need(8)
      return { type: 'rst-stream', streamId: id(0), status: payload.readUInt32BE(4) }
    case CONTROL.ping:
      need(4)
      return { type: 'ping', id: payload.readUInt32BE(0) }
    case CONTROL.goaway:
      need(4)
      return { type: 'goaway', lastStreamId: id(0) }
    default:
      return undefined
  }
}

function control(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(VERSION_3 * 0x10000 + type, 0)
  head.writeUInt8(flags, 4)
  head.writeUIntBE(payload.length, 5, 3)
  return Buffer.concat([head, payload])
}
function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4))
  return bytes
}

/** The bytes of frames. */
export const encodeFrame = {
  synStream: (streamId: number, block: Uint8Array): Buffer =>
    control(CONTROL.synStream, 0, Buffer.concat([words(streamId, 0), Buffer.alloc(2), block])),
  synReply: (streamId: number, block: Uint8Array): Buffer => control(CONTROL.synReply, 0, Buffer.concat([words(streamId), block])),
  rstStream: (streamId: number, status: number): Buffer => control(CONTROL.rstStream, 0, words(streamId, status)),
  ping: (id: number): Buffer => control(CONTROL.ping, 0, words(id)),
  goaway: (lastStreamId: number): Buffer => control(CONTROL.goaway, 0, words(lastStreamId, 0)),
  /** The head only: the data follows it. */
  dataHead(streamId: number, length: number, fin: boolean): Buffer {
    const head = words(streamId, 0)
    head.writeUInt8(fin ? FIN : 0, 4)
    head.writeUIntBE(length, 5, 3)
    return head
  },
} as const
