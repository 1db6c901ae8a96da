import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type CancellableScope, type Logger, rootScope } from '#base'
import { type Collector, startCollector } from '#testing'
import { type ManualClock, eventually, manualClock } from '#testing/basics'
import { TraceExporter } from './exporter.ts'
import { Tracer } from './tracer.ts'

interface World {
  readonly collector: Collector
  readonly exporter: TraceExporter
  readonly tracer: Tracer
  readonly clock: ManualClock
  readonly scope: CancellableScope
  /** What has been logged. */
  readonly said: readonly string[]
}

async function world(t: TestContext): Promise<World> {
  const clock = manualClock()
  const said: string[] = []
  const add = (message: string): void => void said.push(message)
  const log: Logger = { debug: add, info: add, warn: add, error: add, with: () => log }
  const scope = rootScope({ clock, log })
  const collector = await startCollector()
  const origin = { attributes: { 'service.name': 'apiserver' }, library: 'test' }
  const exporter = new TraceExporter(scope, { url: `http://${collector.endpoint}` }, origin)
  const tracer = new Tracer(scope, { perMillion: 1_000_000, export: (span) => exporter.take(span) })
  t.after(async () => {
    scope.cancel()
    await collector.close()
  })
  return { collector, exporter, tracer, clock, scope, said }
}

test('spans arrive together, with all that is known of them', async (t) => {
  const { collector, exporter, tracer, clock } = await world(t)
  const client = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true, state: 'a=1' }
  const root = tracer.begin('GET', client, { kind: 'server', link: { ...client, traceId: 'f'.repeat(32) } }) ?? assert.fail()
  const inner = root.start('Get', { name: 'ä', count: -3, big: 2 ** 40, yes: true })
  clock.advance(12)
  inner.event('About to Get from storage', { len: 4 })
  inner.fail('it broke')
  inner.end()
  inner.end()
  root.end()
  assert.equal(collector.spans.length, 0)
  clock.advance(5_000)
  await eventually('both have come', () => collector.spans.length === 2)
  const [get, request] = collector.spans
  assert.equal(get?.traceId, client.traceId)
  assert.equal(get?.parentId, request?.spanId)
  assert.equal(request?.parentId, client.spanId)
  assert.deepEqual(get?.attributes, { name: 'ä', count: -3, big: 2 ** 40, yes: true })
  assert.deepEqual(get?.events, ['About to Get from storage'])
  assert.equal((get?.endNs ?? 0n) - (get?.startNs ?? 0n), 12_000_000n)
  assert.equal(get?.startNs, BigInt(Date.parse('2026-01-01T00:00:00Z')) * 1_000_000n)
  assert.deepEqual([get?.kind, request?.kind, get?.status, request?.status], [1, 2, 2, 0])
  assert.deepEqual(request?.links, ['f'.repeat(32)])
  assert.deepEqual(request?.resource, { 'service.name': 'apiserver' })
  await exporter.close()
})

test('a collector that is away costs a bounded number of spans, and the others arrive when it is back', async (t) => {
  const { collector, exporter, tracer, clock, said } = await world(t)
  collector.status = 14
  for (let at = 0; at < 5_000; at++) tracer.begin(`span ${at}`, undefined)?.end()
  await eventually('the exporter knows that the first ones have been refused', () => said.length > 0)
  assert.ok(collector.refused > 0)
  collector.status = 0
  clock.advance(5_000)
  await eventually('what had room has come', () => collector.spans.length === 2048)
  assert.equal(new Set(collector.spans.map(({ name }) => name)).size, 2048, 'each of them once')
  await exporter.close()
})

test('spans that the collector does not want are dropped, and closing sends the rest', async (t) => {
  const { collector, exporter, tracer, clock, said } = await world(t)
  collector.status = 3
  tracer.begin('unwanted', undefined)?.end()
  clock.advance(5_000)
  await eventually('the exporter knows that it has been refused', () => said.length > 0)
  collector.status = 0
  tracer.begin('late', undefined)?.end()
  clock.advance(5_000)
  await eventually('the other one comes', () => collector.spans.length > 0)
  tracer.begin('last', undefined)?.end()
  await exporter.close()
  assert.deepEqual(
    collector.spans.map(({ name }) => name),
    ['late', 'last'],
  )
})

test('as many traces are recorded as was asked for, and others are told the same', () => {
  const scope = rootScope()
  let ended = 0
  const tracer = new Tracer(scope, { perMillion: 100_000, export: () => ended++ })
  for (let at = 0; at < 20_000; at++) tracer.begin('one', undefined)?.end()
  assert.ok(ended > 1_600 && ended < 2_400, String(ended))
  const none = new Tracer(scope, { perMillion: 0, export: () => assert.fail() })
  for (let at = 0; at < 1_000; at++) assert.equal(none.begin('one', undefined), undefined)
  assert.equal(none.begin('one', none.unrecorded()), undefined)
  assert.equal(none.unrecorded().sampled, false)
})
