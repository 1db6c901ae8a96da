import type { IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { messageOf } from '#base'
import { RemoteError } from './remote-error.ts'

/** The answer has begun, and its body does not come. */
export class BrokenBody extends RemoteError {}

/** The whole body of an answer. Throws `RemoteError`, and lets go of the connection, when it is longer than `mostBytes` or breaks off. */
export async function bytesOf(answer: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of plain(answer)) {
      size += chunk.length
      if (size > mostBytes) {
        answer.destroy()
        throw new RemoteError(`the answer has more than ${mostBytes} bytes`)
      }
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof RemoteError) throw error
    answer.destroy()
    const why = answer.complete ? messageOf(error) : 'unexpected EOF'
    throw new BrokenBody(`unexpected error when reading response body. Please retry. Original error: ${why}`)
  }
  return Buffer.concat(chunks)
}

export async function textOf(answer: IncomingMessage, mostBytes: number): Promise<string> {
  return (await bytesOf(answer, mostBytes)).toString('utf8')
}

function plain(answer: IncomingMessage): AsyncIterable<Buffer> {
  if (answer.headers['content-encoding'] !== 'gzip') return answer
  const unpacked = createGunzip()
  answer.on('error', (error) => unpacked.destroy(error))
  return answer.pipe(unpacked)
}
