import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { BOUNDS, bucketOf, quantile } from './histogram.ts'
import { Counts } from './counts.ts'
import { Measurements } from './measurements.ts'
import { metricText } from './metric-text.ts'
import { MOST_ROUTES, ObservedRoutes } from './observed-routes.ts'
import { type RequestLine, readLines } from './request-line.ts'
import { Windows, serviceMetric } from './windows.ts'

const linesOf = (text: string): readonly RequestLine[] => {
  const lines: RequestLine[] = []
  readLines(Buffer.from(text), (line) => void lines.push({ ...line }))
  return lines
}

test('each time is in the first bucket whose bound it does not pass', () => {
  for (const us of [0, 1, 249, 250, 251, 297, 298, 1000, 12_345, 999_999, 60_000_000, 1e9]) {
    const wanted = BOUNDS.findIndex((bound) => us / 1e6 <= bound)
    assert.equal(bucketOf(us), wanted === -1 ? BOUNDS.length : wanted, String(us))
  }
  for (const [at, bound] of BOUNDS.entries()) {
    assert.equal(bucketOf(Math.round(bound * 1e6)), at)
    assert.equal(bucketOf(Math.round(bound * 1e6) + 1), at + 1)
  }
})

test('a quantile is within a bucket of what was measured', () => {
  const counts = new Counts()
  for (let us = 1000; us <= 100_000; us += 100) counts.add({ status: 200, us, failed: false, aborted: false, isShed: false })
  assert.ok(Math.abs(quantile(counts.buckets, 0.5) - 0.0505) < 0.005)
  assert.ok(Math.abs(quantile(counts.buckets, 0.95) - 0.095) < 0.01)
  assert.equal(quantile(new Counts().buckets, 0.5), 0)
})

const plain = { failed: false, aborted: false, isShed: false, policy: undefined, round: undefined, route: undefined, text: undefined }

test('reads a request from a line of the data plane', () => {
  assert.deepEqual(linesOf('b12 s3 200 1234 -- -\n'), [{ ...plain, backend: 12, server: 3, status: 200, us: 1234 }])
  assert.deepEqual(linesOf('b0 <NOSRV> 503 80 SC -\n'), [{ ...plain, backend: 0, server: undefined, status: 503, us: 80, failed: true }])
  assert.equal(linesOf('b0 s1 -1 80 CH -\n')[0]?.aborted, true)
  // A server that breaks off in the middle of its answer.
  assert.equal(linesOf('b0 s1 200 80 SD -\n')[0]?.failed, true)
  assert.equal(linesOf('web <NOSRV> 404 80 LR -\n')[0]?.backend, undefined)
})

test('a line says which policy its request was under, and what became of it by that', () => {
  const read = (text: string) => linesOf(text).map(({ policy, round, isShed }) => [policy, round, isShed])
  assert.deepEqual(read('b0 s1 200 80 -- 12\n'), [[12, undefined, false]])
  assert.deepEqual(read('b0 s1 200 80 -- 12p7\n'), [[12, 7, false]])
  assert.deepEqual(read('b0 <NOSRV> 503 0 LR 12b\nb0 <NOSRV> 429 0 LR 12l\n'), [
    [12, undefined, true],
    [12, undefined, true],
  ])
  // Nobody had room in time.
  assert.deepEqual(read('b0 <NOSRV> 503 1000 sQ 12\n'), [[12, undefined, true]])
  const counts = new Counts()
  for (const line of linesOf('b0 <NOSRV> 503 0 LR 12b\nb0 s1 200 80 -- 12\n')) counts.add(line)
  assert.deepEqual([counts.requests, counts.errors, counts.shed], [1, 0, 1])
})

test('passes over what is no line, and leaves the beginning of one', () => {
  assert.deepEqual(
    linesOf('nonsense\n\n b1\nb1 s1 200 x -- -\nb1 s1 200 8 --\nb1 s1 200 7 -- -\n').map(({ us }) => us),
    [7],
  )
  const text = Buffer.from('b1 s1 200 7 -- -\nb1 s1 2')
  assert.equal(
    readLines(text, () => undefined),
    17,
  )
})

test('a request that the client gave up is nobody’s error', () => {
  const counts = new Counts()
  counts.add({ status: 200, us: 1, failed: false, aborted: false, isShed: false })
  counts.add({ status: 500, us: 1, failed: false, aborted: false, isShed: false })
  counts.add({ status: 503, us: 1, failed: true, aborted: false, isShed: false })
  counts.add({ status: 200, us: 1, failed: true, aborted: false, isShed: false })
  counts.add({ status: 0, us: 1, failed: false, aborted: true, isShed: false })
  assert.deepEqual([counts.requests, counts.errors, counts.failed, counts.aborted], [4, 3, 2, 1])
})

test('all ports of a Service are one, and what is gone is forgotten', () => {
  const measurements = new Measurements('i', 0)
  const ok = { status: 200, us: 1000, failed: false, aborted: false, isShed: false }
  measurements.count('n/a:80', '10.0.0.1:8080', ok)
  measurements.count('n/a:web', '10.0.0.1:8081', ok)
  measurements.count('n/ab:80', '10.0.0.2:8080', { ...ok, status: 500 })
  assert.equal(measurements.ofService('n/a').requests, 2)
  assert.deepEqual(
    measurements.ofPods(new Set(['10.0.0.1', '10.0.0.9'])),
    new Map([['10.0.0.1', { requests: 2, errors: 0, seconds: 0.002 }]]),
  )
  measurements.keepOnly(new Set(['n/ab:80']), new Set())
  assert.equal(measurements.ofService('n/a').requests, 0)
  assert.equal(measurements.ofService('n/ab').errors, 1)
})

test('rates are of the time since the last look, and waits for one where nobody has looked', async () => {
  let nowMs = 0
  const base = rootScope()
  const scope = { ...base, clock: { ...base.clock, monotonic: () => nowMs }, sleep: async (ms: number) => void (nowMs += ms) }
  let requests = 100
  const windows = new Windows(() => Object.assign(new Counts(), { requests: (requests += 50) }))
  const rate = async (): Promise<number> => {
    const { from, to } = await windows.between(scope, 'k')
    return serviceMetric('requests_per_second', from.counts, to.counts, (to.atMs - from.atMs) / 1000)
  }
  assert.equal(await rate(), 50)
  nowMs = 26_000
  assert.equal(await rate(), 2)
  // Another one who asks shortly after does not get a window of a moment.
  nowMs = 26_010
  assert.ok((await rate()) <= 100 / 25)
  nowMs = 200_000
  assert.equal(await rate(), 50)
})

test('figures in the form of Prometheus add up', () => {
  const measurements = new Measurements('i', 0)
  for (let i = 0; i < 100; i++)
    measurements.count('n/a:80', undefined, { status: i < 5 ? 502 : 200, us: 1000 * i, failed: i < 2, aborted: false, isShed: false })
  const text = metricText(measurements, 3, [{ namespace: 'n', policy: 'p', service: 'a', state: 'Open' }])
  const value = (line: string): number => Number(new RegExp(`^${line.replaceAll(/[{}+]/g, '\\$&')} (.*)$`, 'm').exec(text)?.[1])
  const labels = 'namespace="n",service="a",port="80"'
  assert.equal(value(`sampan_gateway_requests_total{${labels},code="2xx"}`), 95)
  assert.equal(value(`sampan_gateway_requests_total{${labels},code="5xx"}`), 5)
  assert.equal(value(`sampan_gateway_request_errors_total{${labels},by="connection"}`), 2)
  assert.equal(value(`sampan_gateway_request_duration_seconds_bucket{${labels},le="+Inf"}`), 100)
  assert.equal(value(`sampan_gateway_request_duration_seconds_bucket{${labels},le="0.016"}`), 17)
  assert.equal(value('sampan_gateway_breaker_state{namespace="n",policy="p",service="a",state="Open"}'), 1)
  assert.equal(value('sampan_gateway_lines_lost_total'), 3)
})

test('requests of a route that wants it are told of one by one, as what was written and nothing else', () => {
  const told: unknown[] = []
  const log = {
    debug() {},
    warn() {},
    error() {},
    info: (message: string, fields?: object) => void told.push([message, fields]),
    with: () => log,
  }
  const routes = new ObservedRoutes(log)
  const [one, two] = [routes.numberOf('x/shop'), routes.numberOf('HTTPRoute x/shop')]
  assert.deepEqual([one, two, routes.numberOf('x/shop')], [1, 2, 1])
  const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase()
  const asked = ['GET', 'shop.example', '/a"\n{}', 'id-1', '10.0.0.9'].map(hex).join('.')
  const lines = `b0 s1 200 1500 -- - 1:${asked}\nweb80 <NOSRV> 401 80 LR - 1\nb0 <NOSRV> 503 80 SC 12 2\nb0 s1 200 80 CD - 2\nb0 s1 200 80 -- - 9\nb0 s1 200 80 -- - -\n`
  readLines(Buffer.from(lines), (line) => routes.count(line, line.backend === undefined ? undefined : 'x/shop:80', '10.1.0.1:80'))
  assert.deepEqual(told, [
    [
      'request',
      {
        route: 'Ingress x/shop',
        id: 'id-1',
        client: '10.0.0.9',
        method: 'GET',
        host: 'shop.example',
        path: '/a"\n{}',
        status: 200,
        ms: 1.5,
        service: 'x/shop',
        endpoint: '10.1.0.1:80',
      },
    ],
  ])
  const text = metricText(new Measurements('i', 0), 0, [], routes.routes())
  for (const line of [
    'sampan_gateway_route_requests_total{kind="Ingress",namespace="x",name="shop",code="2xx"} 1',
    'sampan_gateway_route_requests_total{kind="Ingress",namespace="x",name="shop",code="4xx"} 1',
    'sampan_gateway_route_requests_total{kind="HTTPRoute",namespace="x",name="shop",code="5xx"} 1',
    'sampan_gateway_route_request_duration_seconds_count{kind="Ingress",namespace="x",name="shop"} 2',
  ])
    assert.ok(text.split('\n').includes(line), line)
  // One that is made again is another one: what is still on its way is not counted for it.
  routes.forget('x/shop')
  assert.equal(routes.numberOf('x/shop'), 3)
  for (let at = 0; at < MOST_ROUTES; at++) routes.numberOf(`x/${at}`)
  assert.equal([...routes.routes()].length, MOST_ROUTES)
  assert.equal(routes.numberOf('x/last'), undefined)
})
