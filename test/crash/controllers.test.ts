import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CancellableScope, rootScope, seededRandom } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import { startApiServer } from '#main'
import { startSimulation } from '#simulate'
import { type Faults, clientOf, keepsReady, madeInOrder, watchHistory, wholeServer, withinNodes, withinQuota } from '#testing'
import { eventually, testSeconds } from '#testing/basics'
import { stateOf } from './churn/end-state.ts'
import { type FaultySetting, type Life, startLife } from './churn/faulty-parts.ts'
import { FIRST, NODE, QUOTA, SPACES, type Wishes, changed, leastReady, workloads } from './churn/wishes.ts'

const SECONDS = testSeconds(6)
/** Each is kept up for a few changes. With the second one controllers believe in what is not so: nothing is promised of the way then, but of the end. */
const CUT: Faults = { requestLost: 0.1, answerLost: 0.1, watchCut: 0.3, repeated: 0.15, delayMs: 10 }
const DROPPED: Faults = { requestLost: 0.1, answerLost: 0.1, watchCut: 0.02, dropped: 0.3, repeated: 0.15, delayMs: 10 }
const SETTLED_WITHIN_MS = 120_000

interface Cluster {
  readonly scope: CancellableScope
  readonly admin: Client
  readonly parts: Pick<FaultySetting, 'handler' | 'tokenOf'>
  close(): Promise<void>
}

/** A server of the whole kind, in this process and in memory, with nodes that are pretended. */
async function cluster(): Promise<Cluster> {
  const scope = rootScope()
  const stateDir = mkdtempSync(join(tmpdir(), 'sampan-churn-'))
  const server = await startApiServer(scope, wholeServer(stateDir))
  const admin = await clientOf(stateDir)
  const shape = { cpu: String(NODE.cpu), memory: '16Gi', pods: NODE.pods, isTainted: false }
  await startSimulation(scope, { client: admin, nodes: NODE.count, shape, jobMs: 200 })
  return {
    scope,
    admin,
    parts: server,
    async close() {
      admin.close()
      scope.cancel()
      await server.stop()
      rmSync(stateDir, { recursive: true })
    },
  }
}

async function prepare({ scope, admin }: Cluster): Promise<void> {
  for (const name of SPACES) await admin.resource(refs.namespaces).create(scope, { metadata: { name } })
  for (const namespace of SPACES)
    await eventually('pods may be made', async () => {
      await admin.resource(refs.serviceaccounts).get(scope, { namespace, name: 'default' })
      return true
    })
  await admin
    .resource(refs.resourcequotas)
    .create(scope, { metadata: { namespace: 'limited', name: 'few' }, spec: { hard: { pods: String(QUOTA) } } })
  await admin
    .resource(refs.services)
    .create(scope, { metadata: { namespace: 'plain', name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
}

/** Brings the cluster's wishes from one to the other. */
async function wish({ scope, admin }: Cluster, before: Wishes | undefined, after: Wishes): Promise<void> {
  const kept = new Set(Object.keys(after.jobs))
  for (const name of Object.keys(before?.jobs ?? {}))
    if (!kept.has(name))
      await admin
        .resource(refs.jobs)
        .delete(scope, { namespace: 'plain', name }, { propagationPolicy: name.endsWith('1') ? 'Foreground' : 'Background' })
  const old = new Set((before === undefined ? [] : workloads(before)).map((one) => JSON.stringify(one)))
  for (const one of workloads(after)) {
    if (old.has(JSON.stringify(one))) continue
    const { namespace = '', name = '' } = one.metadata ?? {}
    const plural = `${(one.kind ?? '').toLowerCase()}s`
    const path = `/apis/${one.apiVersion}/namespaces/${namespace}/${plural}/${name}?fieldManager=test&force=true`
    const body = JSON.stringify(one)
    await admin.raw(scope, { method: 'PATCH', path, headers: { 'content-type': 'application/apply-patch+yaml' }, body })
  }
}

/** What is promised of the way there is done: whoever looks from here on sees the newest wishes alone. */
async function isSettled({ scope, admin }: Cluster): Promise<boolean> {
  const [web, db, agent] = await Promise.all([
    admin.resource(refs.deployments).get(scope, { namespace: 'plain', name: 'web' }),
    admin.resource(refs.statefulsets).get(scope, { namespace: 'plain', name: 'db' }),
    admin.resource(refs.daemonsets).get(scope, { namespace: 'plain', name: 'agent' }),
  ])
  const { replicas, updatedReplicas, availableReplicas } = web.status ?? {}
  return (
    [web, db, agent].every(({ metadata, status }) => status?.observedGeneration === metadata?.generation) &&
    [replicas, updatedReplicas, availableReplicas].every((count) => count === web.spec?.replicas) &&
    db.status?.readyReplicas === db.spec?.replicas &&
    db.status?.updatedReplicas === db.spec?.replicas &&
    agent.status?.updatedNumberScheduled === NODE.count &&
    agent.status.numberReady === NODE.count
  )
}

/** Lives of the parts, one after the other, each of them ended at a random moment, until `stop`. */
async function keepKilling(scope: CancellableScope, setting: FaultySetting, isEnough: () => boolean): Promise<Life> {
  for (;;) {
    const life = await startLife(scope, setting)
    const endMs = performance.now() + 300 + setting.random.float() * 5_000
    while (performance.now() < endMs && !isEnough()) await scope.sleep(50)
    await life.end()
    if (isEnough()) return startLife(scope, setting)
  }
}

test(`with watches that lose 30 % and controllers and scheduler that die at random, ${SECONDS} s of churn end as if nothing had been`, async (t) => {
  const seed = Number(process.env['SAMPAN_TEST_SEED'] ?? 1)
  const disturbed = await cluster()
  t.after(() => disturbed.close())
  const { scope, admin } = disturbed
  const random = seededRandom(seed)
  let faults: Faults | undefined
  let wishes = FIRST
  /** All that somebody may still act on. */
  let recent: readonly Wishes[] = [FIRST]
  let isPromised = true
  const least = (of: (...all: readonly Wishes[]) => number) => (): number => (isPromised ? of(...recent) : 0)
  const problems = watchHistory(scope, admin, [
    keepsReady('web', least(leastReady.web)),
    keepsReady('db', least(leastReady.db)),
    keepsReady('agent', least(leastReady.agent)),
    (change) => (isPromised ? madeInOrder('db')(change) : undefined),
    withinQuota('limited', QUOTA),
    withinNodes({ milliCpu: NODE.cpu * 1000, pods: NODE.pods }),
  ])

  let isEnough = false
  const last = keepKilling(scope, { ...disturbed.parts, random: seededRandom(seed + 1), faults: () => faults }, () => isEnough)
  await prepare(disturbed)
  await wish(disturbed, undefined, wishes)
  const settle = (): Promise<boolean> => eventually('all is as wished', () => isSettled(disturbed), SETTLED_WITHIN_MS)
  await settle()
  const endMs = performance.now() + SECONDS * 1000
  let rounds = 0
  for (; performance.now() < endMs; rounds++) {
    const isBelieved = random.float() < 0.7
    if (!isBelieved) isPromised = false
    faults = isBelieved ? CUT : DROPPED
    for (let i = 1 + Math.floor(random.float() * 4); i > 0; i--) {
      const next = changed(wishes, random)
      recent = [...recent, next]
      await wish(disturbed, wishes, next)
      wishes = next
      await scope.sleep(random.float() * 400)
      if (random.float() < 0.3)
        await admin
          .resource(refs.pods)
          .deleteCollection(scope, { namespace: 'limited', fieldSelector: 'status.phase=Running' }, { gracePeriodSeconds: 0 })
    }
    if (!isBelieved) faults = undefined
    await settle()
    recent = [wishes]
    isPromised = true
  }
  faults = undefined
  isEnough = true
  const life = await last

  const undisturbed = await cluster()
  t.after(() => undisturbed.close())
  const quiet = await startLife(undisturbed.scope, { ...undisturbed.parts, random, faults: () => undefined })
  await prepare(undisturbed)
  await wish(undisturbed, undefined, wishes)
  await eventually('all is as wished without faults', () => isSettled(undisturbed), SETTLED_WITHIN_MS)
  await eventually(
    'both are alike',
    async () => {
      assert.deepEqual(await stateOf(scope, admin), await stateOf(undisturbed.scope, undisturbed.admin))
      return true
    },
    SETTLED_WITHIN_MS,
  )
  assert.deepEqual(problems, [], `seed ${seed}`)
  t.diagnostic(`${rounds} rounds`)
  await life.end()
  await quiet.end()
})
