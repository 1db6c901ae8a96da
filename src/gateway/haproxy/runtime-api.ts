import { connect } from 'node:net'
import { type Scope, SampanError } from '#base'
import type { Command } from './plan.ts'

/** HAProxy did not do what it was told, or does not answer. */
export class DataPlaneRefused extends SampanError {
  readonly code = 'DATA_PLANE_REFUSED'
}

const ANSWERS_WITHIN_MS = 5000
const LONGEST_ANSWER = 1 << 20

/** One command of the runtime API, over a connection of its own: its answer ends with it. */
export function ask(scope: Scope, socket: string, text: string): Promise<string> {
  const within = scope.child({ timeoutMs: ANSWERS_WITHIN_MS })
  return new Promise<string>((resolve, reject) => {
    const connection = connect(socket)
    let answer = ''
    const stop = (): void => void connection.destroy(new DataPlaneRefused(`HAProxy does not answer on ${socket}`))
    within.signal.addEventListener('abort', stop, { once: true })
    connection.setEncoding('utf8')
    connection.on('data', (chunk: string) => {
      answer += chunk
      if (answer.length > LONGEST_ANSWER) connection.destroy(new DataPlaneRefused('an answer of HAProxy is too long'))
    })
    connection.on('error', reject)
    connection.on('end', () => resolve(answer))
    connection.on('close', () => reject(new DataPlaneRefused(`HAProxy has broken the connection to ${socket} off`)))
    connection.end(text)
  }).finally(() => within.cancel())
}

/** Throws `DataPlaneRefused` when the answer is not the one of success. */
export async function tell(scope: Scope, socket: string, { line, payload, done }: Command): Promise<void> {
  // Everything in it has passed the grammar: this is the last wall, not the first.
  if (/[\n;\\]/.test(line) || (payload !== undefined && /\n\n/.test(payload)))
    throw new DataPlaneRefused('a command with more than one line')
  const answer = await ask(scope, socket, payload === undefined ? `${line}\n` : `${line} <<\n${payload.trimEnd()}\n\n`)
  if (!done.test(answer))
    throw new DataPlaneRefused(`HAProxy answered ${JSON.stringify(answer.trim().slice(0, 200))} to: ${line.split(' ', 3).join(' ')}`)
}
