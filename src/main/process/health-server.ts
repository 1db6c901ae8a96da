import type { Server, ServerResponse } from 'node:http'
import { METRICS_TYPE, type MetricFamily, type Scope, UserError, http, messageOf, metricsText } from '#base'

export interface Health {
  /** Undefined: it does its work. Else why it does not. */
  notReady(): string | undefined
  metrics(): readonly MetricFamily[]
}

export interface HealthAddress {
  readonly host: string
  readonly port: number
}

/** Serves /livez, /readyz, /healthz and /metrics without asking who wants to know: for an address that only its readers reach. Ends with the scope. */
export async function serveHealth(scope: Scope, { host, port }: HealthAddress, health: Health): Promise<Server> {
  const text = (response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void =>
    void response.writeHead(status, { 'content-type': type }).end(body)
  const server = http.createServer({ requestTimeout: 10_000 }, (request, response) => {
    request.resume()
    if (request.method !== 'GET' && request.method !== 'HEAD') return text(response, 405, 'only GET\n')
    switch (request.url) {
      case '/livez':
        return text(response, 200, 'ok')
      case '/healthz':
      case '/readyz': {
        const why = health.notReady()
        return text(response, why === undefined ? 200 : 503, why ?? 'ok')
      }
      case '/metrics':
        return text(response, 200, metricsText(health.metrics()), METRICS_TYPE)
      default:
        return text(response, 404, 'there are /livez, /readyz, /healthz and /metrics\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new UserError(`cannot listen on ${host}:${port}: ${messageOf(error)}`, 'choose another --health-address')),
    )
    server.listen(port, host, resolve)
  })
  scope.signal.addEventListener(
    'abort',
    () => {
      server.close()
      server.closeAllConnections()
    },
    { once: true },
  )
  return server
}
