import type { IncomingMessage } from 'node:http'
import { RemoteError } from './remote-error.ts'

/** The whole body of an answer. Throws `RemoteError`, and lets go of the connection, when it is longer than `mostBytes`. */
export async function textOf(answer: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) {
      answer.destroy()
      throw new RemoteError(`the answer has more than ${mostBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
