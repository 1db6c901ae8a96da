import type { ClientRequest } from 'node:http'
import type { Agent } from 'node:https'
import { type Scope, https } from '#base'
import type { ObjectReader } from '../contract.ts'
import { type Answered, type PassedRequest, type Upgraded, exchange } from '../remote/exchange.ts'
import { networkWords } from '../remote/remote-error.ts'
import { type Address, addressOfService } from '../remote/service-address.ts'
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

export type RemoteRequest = PassedRequest
export type RemoteAnswer = Upgraded | Answered

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
    const address = await addressOfService(this.#options.reader, scope.random, { namespace, name, port }, this.#options.isAllowed)
    return this.#exchange(scope, service, address, request, upgrades)
  }

  #exchange(scope: Scope, service: RemoteService, address: Address, request: RemoteRequest, upgrades: boolean): Promise<RemoteAnswer> {
    return exchange(
      scope,
      () => this.#open(service, address, request, upgrades),
      request.body,
      (error) => new NotReached(networkWords(error, address)),
    )
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
