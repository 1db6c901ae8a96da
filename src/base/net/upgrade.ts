import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { SampanError } from '../errors.ts'
import type { Scope } from '../scope.ts'
import { http } from './node-http.ts'

/** The server answered an upgrade with something else than 101. */
export class UpgradeRefused extends SampanError {
  readonly code = 'UPGRADE_REFUSED'
  readonly httpStatus: number
  readonly body: string
  constructor(httpStatus: number, body: string) {
    super(`the server refused to change the protocol (${httpStatus}): ${body}`)
    this.httpStatus = httpStatus
    this.body = body
  }
}

export interface UpgradedConnection {
  readonly headers: IncomingHttpHeaders
  readonly socket: Duplex
  /** What came after the head of the answer. */
  readonly head: Uint8Array
}

const MOST_BODY_BYTES = 16 * 1024

/** Asks a server in plain HTTP/1.1 to leave HTTP. Rejects with `UpgradeRefused`, a connection error, or the scope's reason. */
export function requestUpgrade(
  scope: Scope,
  url: string,
  upgrade: string,
  headers: Readonly<Record<string, string>>,
): Promise<UpgradedConnection> {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, connection: 'Upgrade', upgrade, 'content-length': 0 },
    })
    const stop = (): void => void sent.destroy()
    const release = (): void => scope.signal.removeEventListener('abort', stop)
    scope.signal.addEventListener('abort', stop, { once: true })
    sent.on('upgrade', (answer, socket, head) => {
      release()
      resolve({ headers: answer.headers, socket, head })
    })
    sent.on('response', (answer) => {
      release()
      refusal(answer).then(reject, reject)
    })
    sent.on('error', (error) => {
      release()
      reject(scope.signal.aborted ? scope.signal.reason : error)
    })
    if (scope.signal.aborted) stop()
    else sent.end()
  })
}

async function refusal(answer: IncomingMessage): Promise<UpgradeRefused> {
  let body = ''
  for await (const chunk of answer) {
    body += String(chunk)
    if (body.length > MOST_BODY_BYTES) break
  }
  return new UpgradeRefused(answer.statusCode ?? 0, body.trim())
}

/** Agrees to leave HTTP: writes the 101. */
export function acceptUpgrade(socket: Duplex, upgrade: string, headers: Readonly<Record<string, string>>): void {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'connection: Upgrade',
    `upgrade: ${upgrade}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
}

/** The values of a header that is a list with commas, or repeated. */
export function listHeader(value: string | readonly string[] | undefined): readonly string[] {
  const text = typeof value === 'string' ? value : (value?.join(',') ?? '')
  return text.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]))
}
