import type { Server } from 'node:http'
import { type Scope, http, messageOf } from '#base'

/** Tells load balancers whether this node has endpoints of a Service with externalTrafficPolicy Local. */
export class HealthServers {
  readonly #scope: Scope
  readonly #healthy: () => boolean
  readonly #servers = new Map<string, { readonly port: number; readonly server: Server; local: number }>()

  /** `healthy`: whether the kernel has the rules; without them no node should get traffic. */
  constructor(scope: Scope, healthy: () => boolean) {
    this.#scope = scope
    this.#healthy = healthy
    scope.signal.addEventListener('abort', () => [...this.#servers.keys()].forEach((key) => this.set(key, undefined, 0)), { once: true })
  }

  /** `port` undefined: the Service has no health check (any more). A port that could not be opened is tried again with the next call. */
  set(key: string, port: number | undefined, local: number): void {
    const known = this.#servers.get(key)
    if (known !== undefined && known.port === port) {
      known.local = local
      return
    }
    this.#close(key)
    if (port === undefined || this.#scope.signal.aborted) return
    const server = http.createServer((_, response) =>
      this.#answer(key, (status, headers, body) => response.writeHead(status, headers).end(body)),
    )
    server.on('error', (error) => {
      this.#scope.log.warn('health check port not opened', { service: key, port, error: messageOf(error) })
      if (this.#servers.get(key)?.server === server) this.#close(key)
    })
    server.listen(port)
    server.unref()
    this.#servers.set(key, { port, server, local })
  }

  #close(key: string): void {
    const known = this.#servers.get(key)
    this.#servers.delete(key)
    known?.server.close()
    known?.server.closeAllConnections()
  }

  #answer(key: string, send: (status: number, headers: Record<string, string>, body: string) => void): void {
    const localEndpoints = this.#servers.get(key)?.local ?? 0
    const [namespace, name] = key.split('/')
    const serviceProxyHealthy = this.#healthy()
    const headers = {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
    }
    const body = JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy })
    send(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, headers, body)
  }
}
