import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type BodySink, type Clock, systemClock } from '#base'
import { type TestApiServer, testApiServer } from '#testing'
import { objectShape } from '../respond/shapes.ts'
import { Catalog } from '../registry/catalog.ts'
import { Views } from '../registry/views.ts'
import { builtInResources } from '#api'
import { WatchMetrics } from '../observe/watch-metrics.ts'
import { EVERYTHING } from './lists/selection.ts'
import { WatchStream, type WatchStreamOptions } from './watch-stream.ts'

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

/** A watch of all ConfigMaps of a new server. */
async function configMapWatch(
  t: TestContext,
  more: Partial<WatchStreamOptions> = {},
): Promise<{ readonly api: TestApiServer; readonly sink: ReturnType<typeof slowSink>; readonly stream: WatchStream }> {
  const api = await testApiServer({ cache: { ringBytes: 20_000 } })
  t.after(() => api.close())
  const { caches } = api.server
  const configMaps = builtInResources().find(({ plural }) => plural === 'configmaps')
  assert.ok(configMaps !== undefined)
  const view = new Views(new Catalog([configMaps]), caches, () => Promise.resolve([])).of(configMaps)
  await view.cache.ready()
  const sink = slowSink()
  const options = {
    cache: view.cache,
    selection: EVERYTHING,
    shape: objectShape(view),
    meter: new WatchMetrics().meter(configMaps),
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
    ...more,
  }
  return { api, sink, stream: new WatchStream(sink, options, () => undefined) }
}

test('a slow client is sent everything at its own speed, until the ring has moved past its place', async (t) => {
  const { api, sink, stream } = await configMapWatch(t)
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

test('a watch whose time is over ends without another word, also when its timer comes a little early', async (t) => {
  let nowMs = 0
  let due = { atMs: 0, run: (): void => undefined }
  const clock: Clock = {
    ...systemClock,
    monotonic: () => nowMs,
    after: (delayMs, run) => {
      due = { atMs: nowMs + delayMs - 0.4, run }
      return { cancel: () => undefined }
    },
  }
  const next = (): void => {
    nowMs = due.atMs
    due.run()
  }
  const short = await configMapWatch(t, { clock, bookmarks: true, timeoutMs: 1000 })
  next()
  assert.deepEqual([short.sink.ended, short.sink.lines], [true, []])
  const long = await configMapWatch(t, { clock, bookmarks: true, timeoutMs: 90_000 })
  next()
  assert.deepEqual([long.sink.ended, long.sink.lines.length], [false, 1])
  next()
  assert.deepEqual([long.sink.ended, long.sink.lines.length], [true, 1])
})
