import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, after, describe, it } from 'node:test'
import { type Random, seededRandom } from '#base'
import { WITHOUT_ETCD, startEtcd, startEtcdCluster } from '#testing'
import { eventually, freePort, rounds } from '#testing/basics'
import { Ledger, historyProblems } from './api/ledger.ts'
import { ServerProcess } from './api/server-process.ts'
import { Follower, type Round, listed, write } from './api/traffic.ts'

const WRITERS = 16
const LONGEST_LIFE_MS = 400
const NAMESPACE = '/api/v1/namespaces'
const MAPS = `${NAMESPACE}/crash/configmaps`
const LATE_MS = 60_000
/** A watcher that begins again does so within the last so many events, and now and then anywhere. */
const RECENT = 2_000
const ALL_OF_IT = 0.05

interface Victim {
  kill(): Promise<void>
  start(): Promise<void>
}

/** What is killed in a round. */
interface Victims {
  /** Started again before anything is looked at: nothing is answered without it. */
  readonly needed: readonly Victim[]
  /** Started again after that: everything must be there without it. */
  readonly spare?: readonly Victim[]
}

type VictimsOf = (round: number) => Promise<Victims> | Victims

describe('the API server that is killed under load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-api-crash-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  const onSqlite = rounds(10)
  it(`keeps its promises ${onSqlite} times on SQLite`, async (context) => {
    const server = new ServerProcess(join(folder, 'sqlite'), await freePort(), [])
    await keepsItsPromises(context, server, onSqlite, () => ({ needed: [server] }))
  })

  const onEtcd = Math.ceil(rounds(10) / 2)
  it(`keeps its promises ${onEtcd} times on etcd that is killed too`, { skip: WITHOUT_ETCD }, async (context) => {
    await using etcd = await startEtcd()
    const server = new ServerProcess(join(folder, 'etcd'), await freePort(), ['--store', 'etcd', '--etcd-servers', etcd.url])
    const store = { kill: () => etcd.stop('SIGKILL'), start: () => etcd.start() }
    // The server alone, and both at one moment.
    await keepsItsPromises(context, server, onEtcd, (round) => ({ needed: round % 2 === 0 ? [server] : [server, store] }))
  })

  const onMembers = Math.ceil(rounds(6) / 2)
  it(`keeps its promises ${onMembers} times on three members of etcd whose leader is killed`, { skip: WITHOUT_ETCD }, async (context) => {
    await using etcd = await startEtcdCluster(3)
    const urls = etcd.members.map(({ url }) => url).join(',')
    const server = new ServerProcess(join(folder, 'members'), await freePort(), ['--store', 'etcd', '--etcd-servers', urls])
    await keepsItsPromises(context, server, onMembers, async (round) => {
      const leader = await etcd.leader()
      const spare = [{ kill: () => leader.stop('SIGKILL'), start: () => leader.start() }]
      // The leader alone, and the server with it.
      return { needed: round % 2 === 0 ? [] : [server], spare }
    })
  })
})

async function keepsItsPromises(context: TestContext, server: ServerProcess, count: number, victimsOf: VictimsOf): Promise<void> {
  const random = seededRandom(count)
  const ledgers = Array.from({ length: WRITERS }, () => new Ledger())
  await server.start()
  let follower: Follower | undefined
  let slowestMs = 0
  try {
    await server.must('POST', NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'crash' } })
    let known = (await listed(server, MAPS)).revision
    follower = new Follower(server, MAPS, known)
    const first = known
    for (let round = 0; round < count; round++) {
      const { needed, spare = [] } = await victimsOf(round)
      let isOver = false
      const state: Round = { isOver: () => isOver || server.isGone, mayFail: spare.length > 0 }
      const writing = Promise.all(ledgers.map((ledger, at) => write(server, MAPS, `w${at}-${round}`, random, ledger, state)))
      const before = acknowledgedBy(ledgers)
      await Promise.race([writing, eventually('a first answer', () => acknowledgedBy(ledgers) > before)])
      await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, random.float() * LONGEST_LIFE_MS))])
      const killedMs = performance.now()
      await Promise.all([...needed, ...spare].map((victim) => victim.kill()))
      isOver = true
      await writing
      for (const victim of needed.toReversed()) await victim.start()
      known = await checkState(server, ledgers, known, round)
      slowestMs = Math.max(slowestMs, performance.now() - killedMs)
      await checkReplay(server, follower, first, random)
      for (const victim of spare) await victim.start()
    }
    await follower.stop()
    const { events, gaps } = follower
    assert.deepEqual(historyProblems(events, gaps, ledgers), [])
    assert.ok(gaps.length <= count, `${gaps.length} gaps in ${count} rounds: ${JSON.stringify(gaps)}`)
    const sum = (of: (ledger: Ledger) => number): number => ledgers.reduce((total, ledger) => total + of(ledger), 0)
    context.diagnostic(
      `${count} kills, ${acknowledgedBy(ledgers)} acknowledged writes, ${sum((ledger) => ledger.unanswered)} unanswered ` +
        `(${sum((ledger) => ledger.unansweredApplied)} of them done), ${events.length} events, ${gaps.length} gaps, ` +
        `slowest return ${Math.round(slowestMs)} ms`,
    )
  } finally {
    await server.kill()
    await follower?.stop()
  }
}

/** Nothing that was acknowledged is missing or changed, nothing is there that nobody wrote, and time does not run backwards. The list's revision. */
async function checkState(server: ServerProcess, ledgers: readonly Ledger[], known: number, round: number): Promise<number> {
  const { revision, items } = await listed(server, MAPS)
  const newest = Math.max(known, ...ledgers.map(({ acknowledged }) => acknowledged.at(-1)?.revision ?? 0))
  assert.ok(revision >= newest, `round ${round}: the list is of revision ${revision}, acknowledged was ${newest}`)
  assert.deepEqual(
    ledgers.flatMap((ledger) => ledger.settle(items)),
    [],
    `round ${round}`,
  )
  const owned = new Set(ledgers.flatMap(({ names }) => names))
  const foreign = [...items.keys()].filter((name) => !owned.has(name) && name !== 'kube-root-ca.crt')
  assert.deepEqual(foreign, [], `round ${round}: objects that nobody wrote`)
  const probe = await server.must('PUT', '/api/v1/namespaces/crash', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'crash', labels: { round: String(round) } },
  })
  const given = Number((JSON.parse(probe.body) as { metadata: { resourceVersion: string } }).metadata.resourceVersion)
  assert.ok(given > revision, `round ${round}: revision ${given} is given twice`)
  return revision
}

/** The watcher that was cut off gets there; and one that begins anywhere in what it has seen gets the same. */
async function checkReplay(server: ServerProcess, follower: Follower, first: number, random: Random): Promise<void> {
  const newest = (): number => Math.max(follower.events.at(-1)?.revision ?? first, follower.gaps.at(-1)?.upTo ?? first)
  const { items } = await listed(server, MAPS)
  const last = Math.max(first, ...[...items.values()].map(({ revision = 0 }) => revision))
  await eventually('the watcher has seen everything', () => newest() >= last, LATE_MS)
  const { events } = follower
  // What lies before a gap is not served any more.
  const start = follower.gaps.at(-1)?.upTo ?? first
  const served = events.filter(({ revision }) => revision > start)
  // Mostly of late; reading all that there ever was again and again would be most of the work.
  const near = random.float() < ALL_OF_IT ? served : served.slice(-RECENT)
  const from = near[Math.floor(random.float() * near.length)]?.revision ?? start
  const again = new Follower(server, MAPS, from)
  try {
    const isThere = (): boolean => (again.events.at(-1)?.revision ?? from) >= newest() || again.gaps.length > 0
    await eventually('another watcher has seen the same', isThere, LATE_MS)
    // What was before a server came back it may refuse to tell (410), as kube-apiserver does: then it tells nothing of it.
    if (again.gaps.length > 0) return
    assert.deepEqual(
      again.events,
      events.filter(({ revision }) => revision > from),
      `events after ${from}`,
    )
  } finally {
    await again.stop()
  }
}

const acknowledgedBy = (ledgers: readonly Ledger[]): number =>
  ledgers.reduce((total, { acknowledged, deletions }) => total + acknowledged.length + deletions, 0)
