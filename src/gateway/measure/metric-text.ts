import { BOUNDS, SHOWN_BOUNDS } from './histogram.ts'
import { type Measurements, serviceIn } from './measurements.ts'
import type { Counts } from './counts.ts'
import type { ObservedRoute } from './observed-routes.ts'
import type { BreakerNow } from './request-log.ts'

/** Prometheus' text form of what went through the gateway. Memory and length grow with the Services that get requests. */
export function metricText(
  measurements: Measurements,
  linesLost: number,
  breakers: readonly BreakerNow[] = [],
  routes: Iterable<ObservedRoute> = [],
): string {
  const lines: string[] = []
  const family = ({ name, type, help }: { readonly name: string; readonly type: string; readonly help: string }): string => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    return name
  }
  const all = [...measurements.backends()].map(([key, counts]) => ({ labels: labelsOf(key), counts }))

  family({
    name: 'sampan_gateway_requests_total',
    type: 'counter',
    help: 'Requests led to a Service, by hundreds of the status that was answered',
  })
  for (const { labels, counts } of all) lines.push(...classLines('sampan_gateway_requests_total', labels, counts))

  family({
    name: 'sampan_gateway_request_errors_total',
    type: 'counter',
    help: 'Answers of 5xx and broken answers, by whether a server has given them',
  })
  for (const { labels, counts } of all)
    lines.push(
      `sampan_gateway_request_errors_total{${labels},by="server"} ${counts.errors - counts.failed}`,
      `sampan_gateway_request_errors_total{${labels},by="connection"} ${counts.failed}`,
    )

  family({ name: 'sampan_gateway_requests_aborted_total', type: 'counter', help: 'Requests that the client gave up' })
  for (const { labels, counts } of all) lines.push(`sampan_gateway_requests_aborted_total{${labels}} ${counts.aborted}`)

  family({
    name: 'sampan_gateway_requests_shed_total',
    type: 'counter',
    help: 'Requests that were answered in the place of a Service, as a TrafficPolicy says',
  })
  for (const { labels, counts } of all) if (counts.shed > 0) lines.push(`sampan_gateway_requests_shed_total{${labels}} ${counts.shed}`)

  family({ name: 'sampan_gateway_breaker_state', type: 'gauge', help: 'The state that the breaker of a TrafficPolicy is in' })
  for (const { namespace, policy, service, state } of breakers)
    lines.push(`sampan_gateway_breaker_state{namespace="${namespace}",policy="${policy}",service="${service}",state="${state}"} 1`)

  const duration = family({
    name: 'sampan_gateway_request_duration_seconds',
    type: 'histogram',
    help: 'From the first byte of a request to the last one of its answer',
  })
  for (const { labels, counts } of all) lines.push(...histogramLines(duration, labels, counts))

  const observed = [...routes].map(({ kind, key, counts }) => {
    const [namespace = '', name = ''] = key.split('/')
    return { labels: `kind="${kind}",namespace="${namespace}",name="${name}"`, counts }
  })
  const perRoute = family({
    name: 'sampan_gateway_route_requests_total',
    type: 'counter',
    help: 'Requests of a route that wants to be measured, whoever has answered them, by hundreds of the status',
  })
  for (const { labels, counts } of observed) lines.push(...classLines(perRoute, labels, counts))
  const routeDuration = family({
    name: 'sampan_gateway_route_request_duration_seconds',
    type: 'histogram',
    help: 'From the first byte of a request of such a route to the last one of its answer',
  })
  for (const { labels, counts } of observed) lines.push(...histogramLines(routeDuration, labels, counts))

  family({
    name: 'sampan_gateway_lines_lost_total',
    type: 'counter',
    help: 'Requests that were not counted, since nobody read their lines in time',
  })
  lines.push(`sampan_gateway_lines_lost_total ${linesLost}`)
  return `${lines.join('\n')}\n`
}

const classLines = (name: string, labels: string, { classes }: Counts): readonly string[] =>
  [...classes.entries()].flatMap(([hundreds, count]) => (count > 0 ? [`${name}{${labels},code="${hundreds}xx"} ${count}`] : []))

function histogramLines(name: string, labels: string, { buckets, seconds }: Counts): readonly string[] {
  const lines: string[] = []
  let sum = 0
  let next = 0
  for (const at of SHOWN_BOUNDS) {
    while (next <= at) sum += buckets[next++] ?? 0
    lines.push(`${name}_bucket{${labels},le="${BOUNDS[at]}"} ${sum}`)
  }
  while (next < buckets.length) sum += buckets[next++] ?? 0
  lines.push(`${name}_bucket{${labels},le="+Inf"} ${sum}`, `${name}_sum{${labels}} ${seconds}`, `${name}_count{${labels}} ${sum}`)
  return lines
}

/** Names of Kubernetes objects need no escaping. */
function labelsOf(backend: string): string {
  const [namespace = '', name = ''] = serviceIn(backend).split('/')
  return `namespace="${namespace}",service="${name}",port="${backend.slice(backend.lastIndexOf(':') + 1)}"`
}
