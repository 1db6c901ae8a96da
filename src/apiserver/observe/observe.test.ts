import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequest } from '../router/request-info.ts'
import { Histogram, MetricText } from '#base'
import { RequestMetrics } from './request-metrics.ts'

const bytes = (
  size: number,
): { readonly status: number; readonly headers: object; readonly body: { kind: 'bytes'; chunks: Uint8Array[] } } => ({
  status: 200,
  headers: {},
  body: { kind: 'bytes', chunks: [new Uint8Array(size)] },
})

test('a histogram counts what is at most as large as its bounds', () => {
  const histogram = new Histogram([1, 10])
  for (const value of [0.5, 1, 2, 100]) histogram.observe(value)
  const text = new MetricText()
  text.histogram('h', { a: 'x"y' }, histogram)
  assert.equal(
    text.toString(),
    'h_bucket{a="x\\"y",le="1"} 2\nh_bucket{a="x\\"y",le="10"} 3\nh_bucket{a="x\\"y",le="+Inf"} 4\nh_sum{a="x\\"y"} 103.5\nh_count{a="x\\"y"} 4\n',
  )
})

test('requests are counted by verb, resource and code, in flight until they are answered', () => {
  const metrics = new RequestMetrics()
  const run = (method: string, target: string, known = true): void => {
    const info = parseRequest(method, target)
    assert.ok(info !== undefined)
    metrics.finished(method, info, known, bytes(10) as never, 20)
  }
  metrics.started('GET')
  metrics.started('GET')
  metrics.started('GET')
  metrics.started('POST')
  run('GET', '/api/v1/namespaces/a/pods')
  run('GET', '/api/v1/pods?watch=1')
  run('GET', '/api/v1/made-up', false)
  const text = new MetricText()
  metrics.write(text)
  const lines = text.toString().split('\n')
  assert.ok(
    lines.includes(
      'apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"} 1',
    ),
  )
  assert.ok(lines.some((line) => line.startsWith('apiserver_request_total') && line.includes('verb="WATCH"')))
  assert.equal(lines.filter((line) => line.includes('made-up')).length, 0)
  assert.equal(lines.filter((line) => line.startsWith('apiserver_request_duration_seconds') && line.includes('WATCH')).length, 0)
  assert.ok(lines.includes('apiserver_current_inflight_requests{request_kind="mutating"} 1'))
  assert.ok(lines.includes('apiserver_current_inflight_requests{request_kind="readOnly"} 0'))
})
