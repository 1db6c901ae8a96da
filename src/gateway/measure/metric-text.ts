import { BOUNDS, SHOWN_BOUNDS } from './histogram.ts'
import { type Measurements, serviceIn } from './measurements.ts'

/** Prometheus' text form of what went through the gateway. Memory and length grow with the Services that get requests. */
export function metricText(measurements: Measurements, linesLost: number): string {
  const lines: string[] = []
  const family = (name: string, type: string, help: string): void => void lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  const all = [...measurements.backends()].map(([key, counts]) => ({ labels: labelsOf(key), counts }))

  family('sampan_gateway_requests_total', 'counter', 'Requests led to a Service, by hundreds of the status that was answered')
  for (const { labels, counts } of all)
    for (const [hundreds, count] of counts.classes.entries())
      if (count > 0) lines.push(`sampan_gateway_requests_total{${labels},code="${hundreds}xx"} ${count}`)

  family('sampan_gateway_request_errors_total', 'counter', 'Answers of 5xx and broken answers, by whether a server has given them')
  for (const { labels, counts } of all)
    lines.push(
      `sampan_gateway_request_errors_total{${labels},by="server"} ${counts.errors - counts.failed}`,
      `sampan_gateway_request_errors_total{${labels},by="connection"} ${counts.failed}`,
    )

  family('sampan_gateway_requests_aborted_total', 'counter', 'Requests that the client gave up')
  for (const { labels, counts } of all) lines.push(`sampan_gateway_requests_aborted_total{${labels}} ${counts.aborted}`)

  const duration = 'sampan_gateway_request_duration_seconds'
  family(duration, 'histogram', 'From the first byte of a request to the last one of its answer')
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

  family('sampan_gateway_lines_lost_total', 'counter', 'Requests that were not counted, since nobody read their lines in time')
  lines.push(`sampan_gateway_lines_lost_total ${linesLost}`)
  return `${lines.join('\n')}\n`
}

/** Names of Kubernetes objects need no escaping. */
function labelsOf(backend: string): string {
  const [namespace = '', name = ''] = serviceIn(backend).split('/')
  return `namespace="${namespace}",service="${name}",port="${backend.slice(backend.lastIndexOf(':') + 1)}"`
}
