// The program that the crash test kills: concurrent writers that say on standard output what has been acknowledged.
// Arguments: the file, the number of the round, the number of writers.
import { writeSync } from 'node:fs'
import { rootScope, seededRandom } from '#base'
import { type Operation, openSqliteStore } from '#store'
import { type Plan, encodePlan } from './store-value.ts'

const [path = '', round = '0', writers = '1'] = process.argv.slice(2)
const scope = rootScope()
const random = seededRandom(Number(round))
const pick = (below: number): number => Math.floor(random.float() * below)
const engine = await openSqliteStore(scope, { path, checkpointBytes: 256 * 1024 })

async function write(writer: number): Promise<never> {
  for (let turn = 0; ; turn++) {
    const keys = Array.from({ length: 6 }, (_, at) => `/w/${writer}/${at}`).filter(() => random.float() < 0.4)
    const deleted = keys.length > 1 && random.float() < 0.3 ? 1 : 0
    const plan: Plan = { id: `${round}-${writer}-${turn}`, puts: keys.slice(deleted), deletes: keys.slice(0, deleted) }
    if (plan.puts.length === 0) continue
    const value = encodePlan(plan, pick(turn % 10 === 0 ? 60_000 : 3_000))
    const operations = [
      ...plan.puts.map((key): Operation => ({ kind: 'put', key, value })),
      ...plan.deletes.map((key): Operation => ({ kind: 'delete', key })),
    ]
    const { revision } = await engine.commit({ operations })
    writeSync(1, `${plan.id} ${revision}\n`)
  }
}

const atStart = engine.revision
for (let writer = 0; writer < Number(writers); writer++) void write(writer)
// What the parent has seen may be forgotten; killed in the middle of this, nothing may be lost or come back.
await engine.compact(atStart)
