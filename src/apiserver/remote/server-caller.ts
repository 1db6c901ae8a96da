import type { ClientRequest } from 'node:http'
import type { Agent } from 'node:https'
import { type Scope, https, messageOf } from '#base'
import { textOf } from './answer-text.ts'
import { RemoteError, TransientRemoteError, networkWords, statusWords } from './remote-error.ts'
import { isReset, send } from './send.ts'

/** How a server that the administrator names is spoken to. */
export interface ServerTrust {
  /** PEM; the authorities of the system when absent. */
  readonly ca?: string
  /** The name that its certificate is for; that of the address when absent. */
  readonly serverName?: string
  /** PEM. */
  readonly certificate?: string
  readonly key?: string
}

export interface ServerCall {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly document?: unknown
  /** `ignored` where only its status matters. Default: JSON. */
  readonly answerIs?: 'ignored'
  readonly timeoutMs: number
  readonly mostBytes: number
}

const IDLE_MS = 30_000
const MOST_IDLE = 8
const TRANSIENT: ReadonlySet<number> = new Set([429, 500, 504])

/**
 * Calls a server that the administrator has named in a configuration, over HTTPS. Connections are kept; redirects are refused like any
 * other answer that is no success; an answer is JSON and no longer than it may be.
 */
export class ServerCaller {
  readonly #agent: Agent

  constructor(scope: Scope, { ca, serverName, certificate, key }: ServerTrust) {
    this.#agent = new https.Agent({
      keepAlive: true,
      maxFreeSockets: MOST_IDLE,
      timeout: IDLE_MS,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
    })
    scope.signal.addEventListener('abort', () => this.#agent.destroy(), { once: true })
  }

  /** The answer, parsed. Throws `RemoteError`, whose message says what was called and what came of it, without headers or bodies. */
  async call(scope: Scope, call: ServerCall): Promise<unknown> {
    const shown = `${call.method === 'GET' ? 'Get' : 'Post'} ${JSON.stringify(call.url)}`
    const own = scope.child({ timeoutMs: call.timeoutMs })
    try {
      return await this.#exchange(own, call)
    } catch (error) {
      if (scope.signal.aborted) throw scope.signal.reason
      const Kind = error instanceof TransientRemoteError ? TransientRemoteError : RemoteError
      throw new Kind(`${shown}: ${own.signal.aborted ? 'context deadline exceeded' : messageOf(error)}`)
    } finally {
      own.cancel()
    }
  }

  async #exchange(scope: Scope, call: ServerCall): Promise<unknown> {
    const body = call.document === undefined ? undefined : Buffer.from(JSON.stringify(call.document))
    const url = new URL(call.url)
    const start = (): ClientRequest =>
      https.request(url, {
        agent: this.#agent,
        method: call.method,
        headers: {
          accept: 'application/json',
          'user-agent': 'kube-apiserver',
          ...call.headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
        },
      })
    try {
      return await send(scope, start, body, async (answer) => {
        const text = await textOf(answer, call.mostBytes)
        const status = answer.statusCode ?? 0
        if (status < 200 || status >= 300) throw new (TRANSIENT.has(status) ? TransientRemoteError : RemoteError)(statusWords(status, ''))
        return call.answerIs === 'ignored' ? undefined : JSON.parse(text)
      })
    } catch (error) {
      if (error instanceof SyntaxError) throw new RemoteError('the answer is not JSON')
      if (error instanceof RemoteError || !(error instanceof Error)) throw error
      const Kind = isReset(error) ? TransientRemoteError : RemoteError
      throw new Kind(networkWords(error, { ip: url.hostname, port: Number(url.port === '' ? 443 : url.port) }))
    }
  }
}
