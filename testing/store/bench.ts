import { rootScope } from '#base'
import { openSqliteStore } from '#store'
import { rmSync, statSync } from 'node:fs'
const dir = process.argv[2] ?? '/tmp/st'
const path = dir + '/bench.db'
const clean = () => { for (const s of ['', '-wal', '-shm']) rmSync(path + s, { force: true }) }
clean()
const scope = rootScope()
let engine = await openSqliteStore(scope, { path })
const value = crypto.getRandomValues(new Uint8Array(5800))
async function load(callers: number, total: number, keys: number, label: string) {
  let n = 0
  const lat: number[] = []
  const s0 = engine.stats(); const cpu = process.cpuUsage()
  const t0 = performance.now()
  await Promise.all(Array.from({ length: callers }, async () => {
    while (n < total) { const i = n++; const t = performance.now(); await engine.commit({ operations: [{ kind: 'put', key: '/registry/pods/default/pod-' + (i % keys), value }] }); lat.push(performance.now() - t) }
  }))
  const dt = performance.now() - t0; lat.sort((a, b) => a - b); const c = process.cpuUsage(cpu)
  console.log(`${label}: ${(total / dt * 1000).toFixed(0)}/s p50 ${lat[lat.length >> 1]!.toFixed(2)}ms p99 ${lat[lat.length * 0.99 | 0]!.toFixed(2)}ms cpu ${(c.user/total).toFixed(1)}+${(c.system/total).toFixed(1)} us/put syncs ${engine.stats().syncs - s0.syncs}`)
}
await load(64, 20000, 1e9, '64 callers')
await load(64, 20000, 1e9, '64 callers')
await load(64, 20000, 5000, '64 callers overwriting')
await load(1, 2000, 1e9, '1 caller')
await engine.compact(engine.revision)
await engine.close()
clean()
engine = await openSqliteStore(scope, { path })
await load(500, 50000, 50000, 'fill 50k')
await engine.close()
;(globalThis as any).gc?.()
const m0 = process.memoryUsage()
let t = performance.now(); engine = await openSqliteStore(scope, { path }); console.log('reopen 50k', (performance.now() - t).toFixed(0), 'ms', engine.stats().keys, (statSync(path).size/1e6).toFixed(0),'MB file');
;(globalThis as any).gc?.(); await scope.sleep(300); (globalThis as any).gc?.()
const m1 = process.memoryUsage(); console.log('heap +', ((m1.heapUsed - m0.heapUsed)/1e6).toFixed(1), 'MB, rss +', ((m1.rss-m0.rss)/1e6).toFixed(1))
t = performance.now(); const r = engine.range({ prefix: '/registry/pods/' }) as any; console.log('range 50k with values', (performance.now() - t).toFixed(0), 'ms', r.items.length)
t = performance.now(); for (let i=0;i<10000;i++) engine.get('/registry/pods/default/pod-'+(i*7919%50000)); console.log('get', ((performance.now() - t)/10).toFixed(1), 'us')
t = performance.now(); for (let i=0;i<1000;i++) engine.range({ prefix: '/registry/pods/', after: '/registry/pods/default/pod-'+(i*49), limit: 1, keysOnly: true }); console.log('range limit 1 count 50k', ((performance.now() - t)).toFixed(1), 'us')
// fan-out
let got = 0; const N = 1000
for (let i = 0; i < N; i++) engine.watch(scope, { prefix: '/registry/leases/' }, { onEvents: (e) => { got += e.length }, onEnd: () => undefined })
for (let i = 0; i < 5000; i++) engine.watch(scope, { prefix: '/registry/other/' + i + '/' }, { onEvents: () => { got++ }, onEnd: () => undefined })
await scope.sleep(50)
{ const tt = performance.now(); await Promise.all(Array.from({ length: 1000 }, (_, i) => engine.commit({ operations: [{ kind: 'put', key: '/registry/leases/l' + i, value: value.subarray(0, 400) }] }))); const d = performance.now() - tt; console.log('fan-out', got, 'deliveries in', d.toFixed(0), 'ms:', (got / d * 1000).toFixed(0), '/s') }
await engine.close()
clean()
engine = await openSqliteStore(scope, { path }); const small = value.subarray(0, 400)
for (let i = 0; i < 5000; i += 500) await Promise.all(Array.from({ length: 500 }, (_, k) => engine.commit({ operations: [{ kind: 'put', key: '/registry/leases/node-' + (i + k), value: small }] })))
const live = engine.stats().sizeBytes
let peak = 0
t = performance.now()
for (let i = 0; i < 100000; i += 500) { await Promise.all(Array.from({ length: 500 }, (_, k) => engine.commit({ operations: [{ kind: 'put', key: '/registry/leases/node-' + ((i * 7 + k * 3 + (i/500)) % 5000), value: small }] }))); if (i % 10000 === 0) await engine.compact(engine.revision - 5000 > engine.compactedRevision ? engine.revision - 5000 : engine.compactedRevision); peak = Math.max(peak, engine.stats().sizeBytes) }
await engine.compact(engine.revision); await scope.sleep(1000)
console.log('lease overwrites 100k', (performance.now() - t - 1000).toFixed(0), 'ms; size: live', (live / 1e6).toFixed(1), 'peak', (peak / 1e6).toFixed(1), 'MB; end', (engine.stats().sizeBytes / 1e6).toFixed(1))
await engine.close(); console.log('closed', (statSync(path).size/1e6).toFixed(1)); clean()
