import type { Readable } from 'node:stream'
import { BodyTooLarge, SampanError } from '#base'
import type { Turn } from './turn.ts'

/** The peer went away before its body was complete. */
export class BodyAborted extends SampanError {
  readonly code = 'BODY_ABORTED'
  constructor() {
    super('the peer went away before the body was complete')
  }
}

const EMPTY = new Uint8Array(0)

/** Reads all of `stream`. `declaredBytes` is what Content-Length says, where it says something. What comes after a refusal is dropped. Bodies that end in one turn of the loop are handed on together. */
export function readWhole(stream: Readable, declaredBytes: number | undefined, maxBytes: number, turn: Turn): Promise<Uint8Array> {
  if (declaredBytes === 0) {
    stream.resume()
    return Promise.resolve(EMPTY)
  }
  if (declaredBytes !== undefined && declaredBytes > maxBytes) {
    stream.resume()
    return Promise.reject(new BodyTooLarge(maxBytes))
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    let ended = false
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > maxBytes) {
        chunks.length = 0
        return reject(new BodyTooLarge(maxBytes))
      }
      chunks.push(chunk)
    })
    stream.on('end', () => {
      ended = true
      const [only] = chunks
      const body = chunks.length === 1 && only !== undefined ? only : length === 0 ? EMPTY : Buffer.concat(chunks, length)
      turn.add(() => resolve(body))
    })
    stream.on('error', reject)
    stream.on('close', () => {
      if (!ended) reject(new BodyAborted())
    })
  })
}
