import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Agent } from 'node:https'
import { type Scope, http, https, messageOf } from '#base'
import { statusError } from '#api'
import { type Answered, type PassedRequest, type Upgraded, exchange } from '../remote/exchange.ts'
import type { NodeAddress } from './node-address.ts'

/** The API server's own identity towards nodes: PEM. Never sent anywhere but to a node's own API. */
export interface NodeCredentials {
  readonly certificate: string
  readonly key: string
  /** Of the nodes' serving certificates, which must name the address that is dialled. */
  readonly authority: string
}

/** Where a request goes: an IP address that was checked before. */
export type Backend =
  | { readonly kind: 'node'; readonly at: NodeAddress; readonly verified: boolean }
  | { readonly kind: 'plain'; readonly ip: string; readonly port: number }
  /** Any certificate is taken: nobody signs those of pods, as in upstream. */
  | { readonly kind: 'tls'; readonly ip: string; readonly port: number }

export type BackendRequest = PassedRequest

/** Dials backends. Redirects are never followed: they are answers like others. */
export class Backends {
  readonly #credentials: NodeCredentials
  readonly #verified: Agent
  readonly #unverified: Agent

  constructor(credentials: NodeCredentials) {
    const { certificate, key, authority } = credentials
    this.#credentials = credentials
    this.#verified = new https.Agent({
      keepAlive: true,
      maxFreeSockets: 4,
      timeout: 30_000,
      ca: authority,
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
    })
    this.#unverified = new https.Agent({ ca: authority, cert: certificate, key, rejectUnauthorized: false, minVersion: 'TLSv1.2' })
  }

  close(): void {
    this.#verified.destroy()
    this.#unverified.destroy()
  }

  /** Resolves with the head of the answer. Ends with the scope, body and all. Throws `StatusError` 503 when there is no connection. */
  async send(scope: Scope, backend: Backend, request: BackendRequest): Promise<IncomingMessage> {
    const found = await this.#exchange(scope, backend, request)
    if (found.kind === 'answer') return found.answer
    found.socket.destroy()
    throw statusError.internal('the backend changed the protocol without being asked')
  }

  /** The connection once the backend has agreed with 101, or its answer when it has not. */
  upgrade(scope: Scope, backend: Backend, request: BackendRequest): Promise<Upgraded | Answered> {
    return this.#exchange(scope, backend, request)
  }

  #exchange(scope: Scope, backend: Backend, request: BackendRequest): Promise<Upgraded | Answered> {
    return exchange(
      scope,
      () => this.#open(backend, request),
      request.body,
      (error) => cannotReach(backend, error),
    )
  }

  #open(backend: Backend, { method, path, headers }: BackendRequest): ClientRequest {
    switch (backend.kind) {
      case 'node': {
        const { ip, port } = backend.at
        const { certificate, key, authority } = this.#credentials
        const tls = { ca: authority, cert: certificate, key, minVersion: 'TLSv1.2' as const, rejectUnauthorized: backend.verified }
        const upgrades = headers['upgrade'] !== undefined
        return https.request({
          host: ip,
          port,
          method,
          path,
          headers,
          ...tls,
          agent: upgrades ? false : backend.verified ? this.#verified : this.#unverified,
        })
      }
      case 'plain':
        return http.request({ host: backend.ip, port: backend.port, method, path, headers, agent: false })
      case 'tls':
        return https.request({ host: backend.ip, port: backend.port, method, path, headers, agent: false, rejectUnauthorized: false })
      default:
        return backend satisfies never
    }
  }
}

/** Upstream's words for what its dialler could not do. */
function cannotReach(backend: Backend, error: Error): Error {
  const { ip, port } = backend.kind === 'node' ? backend.at : backend
  const address = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
  const why = 'code' in error && error.code === 'ECONNREFUSED' ? 'connect: connection refused' : messageOf(error)
  return backend.kind === 'node'
    ? statusError.internal(`error dialing backend: dial tcp ${address}: ${why}`)
    : statusError.unavailable(`error trying to reach service: dial tcp ${address}: ${why}`)
}
