import { type Server, createServer } from 'node:http'
import { type Scope, messageOf } from '#base'

/** Tells load balancers whether this node has endpoints of a Service with externalTrafficPolicy Local. */
export class HealthServers {
  readonly #scope: Scope
  readonly #servers = new Map<string, { readonly port: number; readonly server: Server; local: number }>()

  constructor(scope: Scope) {
    this.#scope = scope
    scope.signal.addEventListener('abort', () => [...this.#servers.keys()].forEach((key) => this.set(key, undefined, 0)), { once: true })
  }

  /** `port` undefined: the Service has no health check (any more). */
  set(key: string, port: number | undefined, local: number): void {
    const known = this.#servers.get(key)
    if (known !== undefined && known.port === port) {
      known.local = local
      return
    }
    known?.server.close()
    known?.server.closeAllConnections()
    this.#servers.delete(key)
    if (port === undefined || this.#scope.signal.aborted) return
    const [namespace, name] = key.split('/')
    const server = createServer((_, response) => {
      const count = this.#servers.get(key)?.local ?? 0
      response.writeHead(count > 0 ? 200 : 503, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' })
      response.end(JSON.stringify({ service: { namespace, name }, localEndpoints: count, serviceProxyHealthy: true }))
    })
    server.on('error', (error) => this.#scope.log.warn('health check port not opened', { service: key, port, error: messageOf(error) }))
    server.listen(port)
    server.unref()
    this.#servers.set(key, { port, server, local })
  }
}
