import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { lookup } from 'node:dns/promises'
import { type Scope, https, leadsOutward } from '#base'
import { LONGEST_KEYS } from './key-set.ts'

const WITHIN_MS = 5000
const HTTPS_PORT = 443

export interface AskOptions {
  /** Which addresses may be asked. */
  readonly isAllowed?: ((ip: string) => boolean) | undefined
  /** Instead of the authorities of the machine. */
  readonly ca?: string | undefined
  /** What is posted; absent: nothing is, it is only read. */
  readonly form?: URLSearchParams
  readonly authorization?: string
}

export interface IssuerAnswer {
  readonly status: number
  readonly text: string
}

/**
 * What an address of https answers. Whoever writes the address is not to reach by it what only this machine reaches, so what is asked is the address that was
 * looked at, and no answer leads elsewhere. Rejects with a message that may be shown.
 */
export async function askIssuer(
  scope: Scope,
  uri: string,
  { isAllowed = leadsOutward, ca, form, authorization }: AskOptions = {},
): Promise<IssuerAnswer> {
  const { hostname, port, pathname, search, host: name } = new URL(uri)
  const own = scope.child({ timeoutMs: WITHIN_MS })
  const { promise: failed, reject } = Promise.withResolvers<never>()
  const late = (): void => reject(new Error('no answer in time'))
  own.signal.addEventListener('abort', late, { once: true })
  try {
    return await Promise.race([failed, ask()])
  } finally {
    own.cancel()
  }

  async function ask(): Promise<IssuerAnswer> {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const ip = isIP(host) === 0 ? (await lookup(host).catch(nobody)).address : host
    if (!isAllowed(ip)) throw new Error('its address is not allowed')
    own.check()
    const { promise, resolve, reject: fail } = Promise.withResolvers<IncomingMessage>()
    const body = form?.toString()
    const request = https.request({
      agent: false,
      method: body === undefined ? 'GET' : 'POST',
      host: ip,
      port: port === '' ? HTTPS_PORT : Number(port),
      path: `${pathname}${search}`,
      servername: isIP(host) === 0 ? host : '',
      headers: {
        host: name,
        accept: 'application/json',
        'user-agent': 'sampan-gateway',
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
    })
    own.signal.addEventListener('abort', () => request.destroy(), { once: true })
    request.on('response', resolve)
    request.on('error', (error) => fail(new Error('code' in error ? String(error.code) : 'it cannot be reached')))
    request.end(body)
    const answer = await promise
    const parts: Buffer[] = []
    let length = 0
    for await (const part of answer as AsyncIterable<Buffer>) {
      length += part.length
      if (length > LONGEST_KEYS) throw new Error(`its answer is longer than ${LONGEST_KEYS} bytes`)
      parts.push(part)
    }
    return { status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }
  }
}

export type Ask = typeof askIssuer

/** The text that is there. */
export async function fetchText(scope: Scope, uri: string, options?: AskOptions, ask: Ask = askIssuer): Promise<string> {
  const { status, text } = await ask(scope, uri, options)
  if (status !== 200) throw new Error(`it answers ${status}`)
  return text
}

function nobody(): never {
  throw new Error('there is no such host')
}
