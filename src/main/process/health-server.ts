import type { ServerResponse } from 'node:http'
import {
  METRICS_TYPE,
  type ListenAddress,
  type MetricFamily,
  type Scope,
  UserError,
  http,
  listenWithin,
  messageOf,
  metricsText,
} from '#base'

export interface Health {
  /** Undefined: it does its work. Else why it does not. */
  notReady(): string | undefined
  metrics(): readonly MetricFamily[]
}

/** Serves /livez, /readyz, /healthz and /metrics without asking who wants to know: for an address that only its readers reach. Ends with the scope. Returns the port. */
export async function serveHealth(scope: Scope, address: ListenAddress, health: Health): Promise<number> {
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
  return await listenWithin(scope, server, address).catch((error: unknown) => {
    throw new UserError(`cannot listen on ${address.host}:${address.port}: ${messageOf(error)}`, 'choose another --health-address')
  })
}
