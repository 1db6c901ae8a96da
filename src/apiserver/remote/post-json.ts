import type { ClientRequest } from 'node:http'
import type { Agent } from 'node:https'
import { isIP } from 'node:net'
import { type Scope, type Span, type TraceHeaders, https, leadsSomewhere, messageOf } from '#base'
import type { ObjectReader } from '../contract.ts'
import { BrokenBody, bytesOf } from './answer-text.ts'
import { AskedToWait, type Document, documentOf } from './read-answer.ts'
import { RemoteError, networkWords } from './remote-error.ts'
import { send } from './send.ts'
import { type Address, NoAddress, addressOfName, addressOfService } from './service-address.ts'

/** Where a webhook is: the form that all kinds have that name one. */
export interface ClientConfig {
  readonly url?: string | undefined
  readonly service?:
    | { readonly namespace: string; readonly name: string; readonly path?: string | undefined; readonly port?: number | undefined }
    | undefined
  /** PEM in base64; the authorities of the system when absent. */
  readonly caBundle?: string | undefined
}

export interface Posting {
  /** What the call is a part of. Default: what the scope is a part of. */
  readonly span?: Span | undefined
  readonly timeoutMs: number
  readonly mostBytes: number
}

export interface RemoteOptions {
  readonly reader: ObjectReader
  /** Which addresses of endpoints requests may go to. */
  readonly isAllowed: (ip: string) => boolean
}

interface Target {
  readonly serverName: string
  readonly port: number
  readonly path: string
  /** Looked up for each request: the address that was checked is the one that is dialled. */
  readonly address: (scope: Scope) => Address | Promise<Address>
}

const HTTPS_PORT = 443
const IDLE_MS = 30_000
const MOST_IDLE = 4
/** For a server that asks to be asked again later. */
const MOST_REPEATS = 10

/**
 * Calls webhooks over HTTPS. Connections are kept and used again; redirects are answers like others and are not followed; certificates
 * are checked against the webhook's own authority.
 */
export class RemoteCaller {
  readonly #options: RemoteOptions
  readonly #agent: Agent

  constructor(scope: Scope, options: RemoteOptions) {
    this.#options = options
    this.#agent = new https.Agent({ keepAlive: true, maxFreeSockets: MOST_IDLE, timeout: IDLE_MS, minVersion: 'TLSv1.2' })
    scope.signal.addEventListener('abort', () => this.#agent.destroy(), { once: true })
  }

  /** The document that is the answer to another one. Throws `RemoteError`, whose message says what was called and what came of it. */
  async post(scope: Scope, config: ClientConfig, document: unknown, posting: Posting): Promise<Document> {
    const target = this.#targetOf(config)
    const shown = `Post ${JSON.stringify(`https://${target.serverName}:${target.port}${target.path}?timeout=${Math.ceil(posting.timeoutMs / 1000)}s`)}`
    const own = scope.child({ timeoutMs: posting.timeoutMs })
    const span = (posting.span ?? scope.span)?.start(
      'HTTP POST',
      { 'http.request.method': 'POST', 'server.address': target.serverName },
      'client',
    )
    const trace = span?.traceHeaders() ?? scope.traceHeaders()
    try {
      const body = Buffer.from(JSON.stringify(document))
      const ca = config.caBundle === undefined || config.caBundle === '' ? undefined : Buffer.from(config.caBundle, 'base64')
      for (let repeats = 0; ; repeats++) {
        try {
          return await this.#exchange(own, target, await target.address(own), ca, body, posting, trace)
        } catch (error) {
          if (!(error instanceof AskedToWait) || repeats >= MOST_REPEATS) throw error
          await own.sleep(error.delayMs)
        }
      }
    } catch (error) {
      span?.fail(messageOf(error))
      if (scope.signal.aborted) throw scope.signal.reason
      if (own.signal.aborted && error instanceof BrokenBody)
        throw new RemoteError('unexpected error when reading response body. Please retry. Original error: context deadline exceeded')
      if (own.signal.aborted) throw new RemoteError(`${shown}: context deadline exceeded`)
      if (error instanceof NoAddress || error instanceof Unreachable) throw new RemoteError(`${shown}: ${error.message}`)
      throw error instanceof RemoteError ? error : new RemoteError(messageOf(error))
    } finally {
      span?.end()
      own.cancel()
    }
  }

  #targetOf({ url, service }: ClientConfig): Target {
    if (service !== undefined) {
      const { namespace, name, path = '', port = HTTPS_PORT } = service
      return {
        serverName: `${name}.${namespace}.svc`,
        port,
        path: path.startsWith('/') ? path : `/${path}`,
        address: ({ random }) => addressOfService(this.#options.reader, random, { namespace, name, port }, this.#options.isAllowed),
      }
    }
    if (url === undefined || !URL.canParse(url)) throw new RemoteError('webhook configuration must have either service or URL')
    const { hostname, port, pathname, protocol } = new URL(url)
    if (protocol !== 'https:') throw new RemoteError(`unsupported protocol scheme ${JSON.stringify(protocol)}`)
    const serverName = hostname.replace(/^\[(.*)\]$/, '$1')
    const number = port === '' ? HTTPS_PORT : Number(port)
    return { serverName, port: number, path: pathname, address: () => addressOfName(serverName, number, leadsSomewhere) }
  }

  async #exchange(
    scope: Scope,
    target: Target,
    address: Address,
    ca: Buffer | undefined,
    body: Buffer,
    posting: Posting,
    trace: TraceHeaders,
  ): Promise<Document> {
    const start = (): ClientRequest =>
      https.request({
        agent: this.#agent,
        host: address.ip,
        port: address.port,
        method: 'POST',
        path: `${target.path}?timeout=${Math.ceil(posting.timeoutMs / 1000)}s`,
        servername: isIP(target.serverName) === 0 ? target.serverName : '',
        headers: {
          host: target.port === HTTPS_PORT ? target.serverName : `${target.serverName}:${target.port}`,
          'content-type': 'application/json',
          'content-length': body.length,
          accept: 'application/json, */*',
          'accept-encoding': 'gzip',
          'user-agent': 'kube-apiserver-admission',
          ...trace,
        },
        ...(ca === undefined ? {} : { ca }),
      })
    try {
      return await send(scope, start, body, async (answer) =>
        documentOf({
          status: answer.statusCode ?? 0,
          retryAfter: answer.headers['retry-after'],
          contentType: answer.headers['content-type'] ?? '',
          body: await bytesOf(answer, posting.mostBytes),
        }),
      )
    } catch (error) {
      if (error instanceof RemoteError || !(error instanceof Error)) throw error
      throw new Unreachable(networkWords(error, address))
    }
  }
}

class Unreachable extends Error {}
