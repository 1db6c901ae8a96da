import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Agent } from 'node:https'
import type { Duplex } from 'node:stream'
import { type Scope, https, messageOf } from '#base'
import type { ObjectReader } from '../contract.ts'
import { networkWords } from '../remote/remote-error.ts'
import { type Address, serviceAddress } from '../remote/service-address.ts'
import type { RemoteService } from './remote-services.ts'

/** Who this server is towards the servers behind it: a certificate of an authority that signs nothing else. PEM. */
export interface FrontProxyCredentials {
  readonly certificate: string
  readonly key: string
}

export interface DiallerOptions {
  readonly reader: ObjectReader
  readonly credentials: FrontProxyCredentials
  readonly isAllowed: (ip: string) => boolean
}

export interface RemoteRequest {
  readonly method: string
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: AsyncIterable<Uint8Array>
}

export type RemoteAnswer =
  | { readonly kind: 'answer'; readonly answer: IncomingMessage }
  | { readonly kind: 'upgraded'; readonly head: IncomingMessage; readonly socket: Duplex; readonly rest: Uint8Array }

/** A server that could not be reached. */
export class NotReached extends Error {}

const IDLE_MS = 30_000
const MOST_IDLE = 8

/** Dials the servers behind APIServices at the endpoints of their services. Redirects are answers like others. */
export class RemoteDialler {
  readonly #options: DiallerOptions
  readonly #agent: Agent

  constructor(scope: Scope, options: DiallerOptions) {
    this.#options = options
    this.#agent = new https.Agent({ keepAlive: true, maxFreeSockets: MOST_IDLE, timeout: IDLE_MS, minVersion: 'TLSv1.2' })
    scope.signal.addEventListener('abort', () => this.#agent.destroy(), { once: true })
  }

  /** Resolves with the head of the answer; ends with the scope, body and all. Throws `NoAddress` and `NotReached`. */
  async send(scope: Scope, service: RemoteService, request: RemoteRequest, upgrades = false): Promise<RemoteAnswer> {
    const { namespace, service: name, port } = service
    const address = serviceAddress(this.#options.reader, scope.random, { namespace, name, port }, this.#options.isAllowed)
    return this.#exchange(scope, service, address, request, upgrades)
  }

  #exchange(scope: Scope, service: RemoteService, address: Address, request: RemoteRequest, upgrades: boolean): Promise<RemoteAnswer> {
    return new Promise((resolve, reject) => {
      const sent = this.#open(service, address, request, upgrades)
      const stop = (): void => void sent.destroy()
      scope.signal.addEventListener('abort', stop, { once: true })
      const release = (): void => scope.signal.removeEventListener('abort', stop)
      sent.on('error', (error) => {
        release()
        reject(scope.signal.aborted ? scope.signal.reason : new NotReached(networkWords(error, address)))
      })
      sent.on('response', (answer) => {
        answer.on('close', release)
        resolve({ kind: 'answer', answer })
      })
      sent.on('upgrade', (head, socket, rest) => {
        release()
        socket.on('error', () => undefined)
        resolve({ kind: 'upgraded', head, socket, rest })
      })
      if (scope.signal.aborted) stop()
      else if (request.body === undefined) sent.end()
      else void sendBody(sent, request.body)
    })
  }

  #open(service: RemoteService, { ip, port }: Address, { method, path, headers }: RemoteRequest, upgrades: boolean): ClientRequest {
    const { certificate, key } = this.#options.credentials
    const serverName = `${service.service}.${service.namespace}.svc`
    return https.request({
      // A connection that changes its protocol is nobody else's afterwards.
      agent: upgrades ? false : this.#agent,
      host: ip,
      port,
      method,
      path,
      headers: { ...headers, host: `${serverName}:${service.port}` },
      servername: serverName,
      cert: certificate,
      key,
      rejectUnauthorized: !service.isUnverified,
      minVersion: 'TLSv1.2',
      ...(service.authority === undefined ? {} : { ca: service.authority }),
    })
  }
}

async function sendBody(sent: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) {
      if (sent.destroyed) return
      if (!sent.write(chunk)) await new Promise<void>((resolve) => sent.once('drain', resolve).once('close', resolve))
    }
    sent.end()
  } catch (error) {
    sent.destroy(error instanceof Error ? error : new Error(messageOf(error)))
  }
}
