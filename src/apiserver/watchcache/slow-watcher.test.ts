import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BodySink, systemClock } from '#base'
import { testApiServer } from '#testing'
import { objectShape } from '../respond/shapes.ts'
import { Catalog } from '../registry/catalog.ts'
import { Views } from '../registry/views.ts'
import { builtInResources } from '#api'
import { WatchMetrics } from '../observe/watch-metrics.ts'
import { EVERYTHING } from './lists/selection.ts'
import { WatchStream } from './watch-stream.ts'

/** A client that reads one chunk at a time, when it is told to. */
function slowSink(): BodySink & { readonly lines: string[]; read(): void; readonly ended: boolean } {
  const lines: string[] = []
  let drain: (() => void) | undefined
  let ended = false
  return {
    lines,
    get ended() {
      return ended
    },
    write: (chunk) => {
      lines.push(Buffer.from(chunk).toString())
      return false
    },
    bufferedBytes: 0,
    onDrain: (run) => {
      drain = run
    },
    onClose: () => undefined,
    end: () => {
      ended = true
    },
    destroy: () => {
      ended = true
    },
    read: () => {
      const run = drain
      drain = undefined
      run?.()
    },
  }
}

test('a slow client is sent everything at its own speed, until the ring has moved past its place', async (t) => {
  const api = await testApiServer({ cache: { ringBytes: 20_000 } })
  t.after(() => api.close())
  const { caches } = api.server
  const configMaps = builtInResources().find(({ plural }) => plural === 'configmaps')
  assert.ok(configMaps !== undefined)
  const view = new Views(new Catalog([configMaps]), caches, () => Promise.resolve([])).of(configMaps)
  await view.cache.ready()
  const sink = slowSink()
  const meter = new WatchMetrics().meter(configMaps)
  const stream = new WatchStream(
    sink,
    {
      cache: view.cache,
      selection: EVERYTHING,
      shape: objectShape(view),
      meter,
      labels: {},
      clock: systemClock,
      scope: api.scope,
      initial: undefined,
      fromSeq: view.cache.ring.nextSeq,
      afterRevision: 0,
      bookmarks: false,
      marksInitialEnd: false,
      initialRevision: 0,
      timeoutMs: 60_000,
    },
    () => undefined,
  )
  const create = (name: string): Promise<unknown> =>
    api.request('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name }, data: { x: '1' } } })
  for (const name of ['a', 'b', 'c']) await create(name)
  assert.equal(sink.lines.length, 1, 'nothing is queued for a client that does not read')
  sink.read()
  sink.read()
  assert.deepEqual(
    sink.lines.map((line) => JSON.parse(line).object.metadata.name),
    ['a', 'b', 'c'],
  )
  for (let at = 0; at < 100; at++) await create(`n-${at}`)
  sink.read()
  assert.equal(JSON.parse(sink.lines.at(-1) ?? '').object.code, 410)
  assert.equal(sink.ended, true)
  assert.equal(stream.ended, true)
})
