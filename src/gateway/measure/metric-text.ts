import { BOUNDS, SHOWN_BOUNDS } from './histogram.ts'
import { type Measurements, serviceIn } from './measurements.ts'
import type { BreakerNow } from './request-log.ts'

/** Prometheus' text form of what went through the gateway. Memory and length grow with the Services that get requests. */
export function metricText(measurements: Measurements, linesLost: number, breakers: readonly BreakerNow[] = []): string {
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
  for (const { labels, counts } of all)
    for (const [hundreds, count] of counts.classes.entries())
      if (count > 0) lines.push(`sampan_gateway_requests_total{${labels},code="${hundreds}xx"} ${count}`)

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
  for (const { labels, counts } of all) {
    let sum = 0
    let next = 0
    for (const at of SHOWN_BOUNDS) {
      while (next <= at) sum += counts.buckets[next++] ?? 0
      lines.push(`${duration}_bucket{${labels},le="${BOUNDS[at]}"} ${sum}`)
    }
    while (next < counts.buckets.length) sum += counts.buckets[next++] ?? 0
    lines.push(
      `${duration}_bucket{${labels},le="+Inf"} ${sum}`,
      `${duration}_sum{${labels}} ${counts.seconds}`,
      `${duration}_count{${labels}} ${sum}`,
    )
  }

  family({
    name: 'sampan_gateway_lines_lost_total',
    type: 'counter',
    help: 'Requests that were not counted, since nobody read their lines in time',
  })
  lines.push(`sampan_gateway_lines_lost_total ${linesLost}`)
  return `${lines.join('\n')}\n`
}

/** Names of Kubernetes objects need no escaping. */
function labelsOf(backend: string): string {
  const [namespace = '', name = ''] = serviceIn(backend).split('/')
  return `namespace="${namespace}",service="${name}",port="${backend.slice(backend.lastIndexOf(':') + 1)}"`
}
