// Measures the SQLite store by itself; the figures are quoted as medians of several runs.
// node --expose-gc testing/store/speed.suite.ts [a directory on the disk that is to be measured]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootScope } from '#base'
import { type Engine, openSqliteStore } from '#store'

const OBJECT_BYTES = 5800
const LEASE_BYTES = 400

const scope = rootScope()
const { clock } = scope
const [parent = tmpdir(), fileToFill] = process.argv.slice(2)
const object = scope.random.bytes(OBJECT_BYTES)

function say(what: string, figures: string): void {
  process.stdout.write(`${what.padEnd(44)} ${figures}\n`)
}

async function elapsedMs(work: () => unknown): Promise<number> {
  const start = clock.monotonic()
  await work()
  return clock.monotonic() - start
}

function quantile(values: readonly number[], part: number): string {
  return (values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0).toFixed(2)
}

/** Callers that each wait for their answer before the next put. */
async function putAll(engine: Engine, callers: number, total: number, keyOf: (at: number) => string, value: Uint8Array): Promise<number[]> {
  const waits: number[] = []
  let next = 0
  const call = async (): Promise<void> => {
    while (next < total) {
      const key = keyOf(next++)
      waits.push(await elapsedMs(() => engine.commit({ operations: [{ kind: 'put', key, value }] })))
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return waits
}

async function measurePuts(engine: Engine, what: string, callers: number, total: number, keys: number): Promise<void> {
  const cpu = process.cpuUsage()
  const { syncs } = await engine.stats()
  let waits: number[] = []
  const ms = await elapsedMs(async () => {
    waits = await putAll(engine, callers, total, (at) => `/registry/pods/default/pod-${at % keys}`, object)
  })
  const { user, system } = process.cpuUsage(cpu)
  const rate = Math.round((total / ms) * 1000)
  const latency = `p50 ${quantile(waits, 0.5)} ms, p99 ${quantile(waits, 0.99)} ms`
  say(what, `${rate}/s, ${latency}, ${((user + system) / total).toFixed(0)} µs of CPU each, ${(await engine.stats()).syncs - syncs} syncs`)
}

async function measureWrites(path: string): Promise<void> {
  await using engine = await openSqliteStore(scope, { path })
  await putAll(engine, 64, 10_000, (at) => `/warm-up/${at % 1000}`, object)
  await measurePuts(engine, 'puts of 5.8 KB, 64 callers, new keys', 64, 20_000, 20_000)
  await measurePuts(engine, 'puts of 5.8 KB, 64 callers, 5,000 keys', 64, 20_000, 5000)
  await measurePuts(engine, 'puts of 5.8 KB, 1 caller', 1, 3000, 3000)
}

async function measureFanOut(path: string): Promise<void> {
  await using engine = await openSqliteStore(scope, { path })
  const lease = object.subarray(0, LEASE_BYTES)
  const write = (): Promise<number> => elapsedMs(() => putAll(engine, 64, 10_000, (at) => `/registry/leases/${at % 1000}`, lease))
  await write()
  say('10,000 puts, no watch', `${(await write()).toFixed(0)} ms`)
  let delivered = 0
  const watch = (prefix: string): void =>
    engine.watch(scope, { prefix }, { onEvents: ({ length }) => void (delivered += length), onEnd: () => undefined })
  for (let at = 0; at < 5000; at++) watch(`/registry/other/${at}/`)
  await scope.sleep(50)
  say('10,000 puts, 5,000 unrelated watches', `${(await write()).toFixed(0)} ms`)
  for (let at = 0; at < 1000; at++) watch('/registry/leases/')
  await scope.sleep(50)
  const ms = await write()
  say(
    '10,000 puts, 1,000 related watches besides',
    `${ms.toFixed(0)} ms, ${delivered} deliveries, ${((delivered / ms) * 1000).toExponential(1)}/s`,
  )
}

async function measureOpening(path: string): Promise<void> {
  const filled = spawnSync(process.execPath, [import.meta.filename, parent, path], { stdio: 'inherit' })
  if (filled.status !== 0) throw new Error('the file could not be filled')
  globalThis.gc?.()
  const before = process.memoryUsage()
  const start = clock.monotonic()
  await using engine = await openSqliteStore(scope, { path })
  const ms = clock.monotonic() - start
  await scope.sleep(200)
  globalThis.gc?.()
  const after = process.memoryUsage()
  const growth = `heap +${((after.heapUsed - before.heapUsed) / 1e6).toFixed(0)} MB, RSS +${((after.rss - before.rss) / 1e6).toFixed(0)} MB`
  say('opening with 50,000 keys of 5.8 KB', `${ms.toFixed(0)} ms, ${growth}, file of ${(statSync(path).size / 1e6).toFixed(0)} MB`)
  const reads = 20_000
  const key = (at: number): string => `/registry/pods/default/pod-${(at * 7919) % 50_000}`
  const gets = await elapsedMs(() => Array.from({ length: reads }, (_, at) => engine.get(key(at))).length)
  say('a get of a random key', `${((gets / reads) * 1000).toFixed(1)} µs`)
  const page = await elapsedMs(() => engine.range({ prefix: '/registry/pods/', limit: 500 }))
  say('a range of 500 of 50,000, counted', `${page.toFixed(1)} ms`)
}

async function measureSize(path: string): Promise<void> {
  await using engine = await openSqliteStore(scope, { path, checkpointBytes: 2 ** 20 })
  const lease = object.subarray(0, LEASE_BYTES)
  const write = (count: number): Promise<unknown> => putAll(engine, 500, count, (at) => `/registry/leases/node-${(at * 7) % 5000}`, lease)
  await write(5000)
  const live = (await engine.stats()).sizeBytes
  let largest = 0
  for (let round = 0; round < 10; round++) {
    const windowStart = engine.revision
    await write(10_000)
    await engine.compact(windowStart)
    largest = Math.max(largest, (await engine.stats()).sizeBytes)
  }
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
  say('100,000 overwrites of 5,000 leases', `live ${mb(live)}, largest ${mb(largest)} with a window of 20,000 writes (log included)`)
}

async function fill(path: string): Promise<void> {
  await using engine = await openSqliteStore(scope, { path })
  await putAll(engine, 500, 50_000, (at) => `/registry/pods/default/pod-${at}`, object)
}

if (fileToFill !== undefined) await fill(fileToFill)
else {
  const directory = mkdtempSync(join(parent, 'sampan-speed-'))
  try {
    await measureOpening(join(directory, 'opening.db'))
    await measureWrites(join(directory, 'writes.db'))
    await measureFanOut(join(directory, 'watches.db'))
    await measureSize(join(directory, 'size.db'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}
