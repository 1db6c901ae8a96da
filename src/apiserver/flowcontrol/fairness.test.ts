import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type flowcontrol, bootstrapFlowControl, refs } from '#api'
import { type TestApiServer, testApiServer } from '#testing'
import { eventually } from '#testing/basics'
import { fakeObjects } from '../auth/reader.fake.ts'
import type { AdmissionStep, UserInfo } from '../contract.ts'
import type { ApiServer } from '../server.ts'
import { Classifier } from './classify.ts'
import { watchDangling } from './dangling.ts'
import { requestFairness } from './fairness.ts'
import { planLevels } from './plan-levels.ts'
import { SeatPool, Seats } from './seats.ts'
import { dealHand, flowHash } from './shuffle-shard.ts'

const everything = [bootstrapFlowControl.mandatory(), bootstrapFlowControl.suggested()]
const schemas = everything.flatMap(({ flowSchemas }) => flowSchemas)
const levels = everything.flatMap(({ priorityLevels }) => priorityLevels)

const user = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'], extra: {} })
const request = (
  verb: string,
  group: string,
  resource: string,
  namespace = '',
  subresource = '',
): Parameters<Classifier<string>['classify']>[1] => ({
  isResource: true,
  verb,
  group,
  resource,
  subresource,
  namespace,
  path: '',
})

test('requests belong to the first schema that fits', () => {
  const classifier = new Classifier(schemas.map((schema) => ({ schema, level: schema.spec?.priorityLevelConfiguration.name ?? '' })))
  const levelOf = (who: UserInfo, what: Parameters<Classifier<string>['classify']>[1]): string | undefined =>
    classifier.classify(who, what)?.level
  const node = user('system:node:a', 'system:nodes')
  const lease = request('update', 'coordination.k8s.io', 'leases', 'kube-node-lease')
  for (let round = 0; round < 2; round++) {
    assert.equal(levelOf(user('admin', 'system:masters'), request('list', '', 'secrets')), 'exempt')
    assert.equal(levelOf(node, lease), 'node-high')
    assert.equal(levelOf(node, request('patch', '', 'nodes', '', 'status')), 'node-high')
    assert.equal(levelOf(node, request('get', '', 'pods', 'a')), 'system')
    assert.equal(
      levelOf(user('system:kube-scheduler'), request('update', 'coordination.k8s.io', 'leases', 'kube-system')),
      'leader-election',
    )
    assert.equal(levelOf(user('system:kube-scheduler'), request('list', '', 'pods')), 'workload-high')
    assert.equal(
      levelOf(user('system:serviceaccount:kube-system:x', 'system:serviceaccounts'), request('list', '', 'pods')),
      'workload-high',
    )
    assert.equal(levelOf(user('system:serviceaccount:a:x', 'system:serviceaccounts'), request('list', '', 'pods')), 'workload-low')
    assert.equal(levelOf(user('alice'), request('list', '', 'pods')), 'global-default')
    assert.equal(levelOf(user('alice'), { ...request('get', '', ''), isResource: false, path: '/readyz' }), 'exempt')
    assert.equal(levelOf({ name: 'nobody', groups: [], extra: {} }, request('get', '', 'pods')), undefined)
  }
  // Another user of the same name, with other groups.
  assert.equal(levelOf(user('alice', 'system:masters'), request('list', '', 'pods')), 'exempt')
})

test('levels get the seats of the server by their shares', () => {
  const plan = new Map(planLevels(levels, 245).map((limits) => [limits.name, limits]))
  assert.equal(plan.has('exempt'), false)
  assert.deepEqual([plan.get('workload-low')?.nominal, plan.get('workload-low')?.lendable], [100, 90])
  assert.deepEqual([plan.get('catch-all')?.nominal, plan.get('catch-all')?.queuing], [5, undefined])
  assert.deepEqual(plan.get('leader-election')?.queuing, { queues: 16, handSize: 4, lengthLimit: 50 })
})

test('a hand has different queues, always the same for a flow, and flows differ', () => {
  const hands = new Set<string>()
  for (let flow = 0; flow < 200; flow++) {
    const hand = dealHand(flowHash('s', `user-${flow}`), 128, 6)
    assert.equal(new Set(hand).size, 6)
    assert.ok(hand.every((card) => card >= 0 && card < 128))
    assert.deepEqual(dealHand(flowHash('s', `user-${flow}`), 128, 6), hand)
    hands.add([...hand].sort((a, b) => a - b).join())
  }
  assert.equal(hands.size, 200)
})

const scope = rootScope()
const LONG_MS = 60_000
const queuing = { queues: 8, handSize: 1, lengthLimit: 2 }

test('seats that are free are lent, as far as their level lends them', () => {
  const pool = new SeatPool()
  const rich = new Seats(pool, { name: 'rich', nominal: 4, lendable: 2, borrowable: 0 })
  const poor = new Seats(pool, { name: 'poor', nominal: 1, lendable: 0, borrowable: Number.POSITIVE_INFINITY })
  pool.set([rich, poor])
  assert.deepEqual([poor.tryTake(), poor.tryTake(), poor.tryTake(), poor.tryTake()], [true, true, true, false])
  // What is its own it keeps.
  assert.deepEqual([rich.tryTake(), rich.tryTake(), rich.tryTake(), rich.tryTake(), rich.tryTake()], [true, true, true, true, false])
  poor.release()
  assert.equal(poor.tryTake(), false)
})

test('whoever has had least comes next, and a flood fills its own queue only', async () => {
  const pool = new SeatPool()
  const seats = new Seats(pool, { name: 'l', nominal: 1, lendable: 0, borrowable: 0, queuing })
  pool.set([seats])
  assert.ok(seats.tryTake())
  const order: string[] = []
  const wait = async (flow: string, hash: bigint): Promise<boolean> => {
    const granted = (await seats.wait(scope, hash, LONG_MS)) === 'granted'
    if (granted) order.push(flow)
    return granted
  }
  const flood = [wait('flood', 1n), wait('flood', 1n)]
  assert.equal(await wait('flood', 1n), false)
  const other = wait('other', 2n)
  for (let turn = 0; turn < 3; turn++) {
    seats.release()
    await Promise.resolve()
    await Promise.resolve()
  }
  assert.deepEqual(await Promise.all([...flood, other]), [true, true, true])
  assert.deepEqual(order, ['flood', 'other', 'flood'])
})

test('whoever goes away, or waits too long, waits no more', async () => {
  const pool = new SeatPool()
  const seats = new Seats(pool, { name: 'l', nominal: 1, lendable: 0, borrowable: 0, queuing })
  pool.set([seats])
  assert.ok(seats.tryTake())
  const client = scope.child()
  const gone = seats.wait(client, 1n, LONG_MS)
  client.cancel()
  assert.equal(await gone, 'cancelled')
  assert.equal(await seats.wait(scope, 1n, 1), 'time-out')
  assert.equal(seats.isWaiting, false)
  seats.release()
  assert.ok(seats.tryTake())
})

/** A server with one seat for alice, whose writes wait until they are let go. */
async function world(): Promise<{ readonly api: TestApiServer; readonly hold: () => void; readonly letGo: () => void }> {
  const late: { server?: ApiServer } = {}
  const found = (): ApiServer => late.server ?? assert.fail('no server yet')
  const objects = fakeObjects()
  const level: flowcontrol.PriorityLevelConfiguration = {
    metadata: { name: 'small', uid: 'level-uid' },
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } },
  }
  objects.put(refs.prioritylevelconfigurations, level)
  objects.put(refs.flowschemas, {
    metadata: { name: 'all', uid: 'schema-uid' },
    spec: {
      priorityLevelConfiguration: { name: 'small' },
      matchingPrecedence: 100,
      rules: [
        {
          subjects: [{ kind: 'Group', group: { name: 'system:authenticated' } }],
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
        },
      ],
    },
  })
  let gate: PromiseWithResolvers<void> | undefined
  const step: AdmissionStep = { name: 'gate', handles: () => gate !== undefined, mutate: async () => gate?.promise }
  const api = await testApiServer({
    admission: [step],
    fairness: requestFairness(scope, { reader: objects, follow: (...all) => found().follow(...all), concurrency: 1, waitMs: 10 }),
  })
  late.server = api.server
  return {
    api,
    hold: () => void (gate = Promise.withResolvers<void>()),
    letGo: () => {
      gate?.resolve()
      gate = undefined
    },
  }
}

test('a request without a seat is told to come again, and all are told how they were judged', async (t) => {
  const { api, hold, letGo } = await world()
  t.after(() => api.close())
  const namespaces = '/api/v1/namespaces'
  hold()
  const first = api.request('POST', namespaces, { body: { metadata: { name: 'a' } } })
  const refused = await api.request('GET', namespaces)
  assert.deepEqual(
    [refused.status, refused.headers['retry-after'], refused.text],
    [429, '1', 'Too many requests, please try again later.\n'],
  )
  assert.equal(refused.headers['x-kubernetes-pf-flowschema-uid'], 'schema-uid')
  letGo()
  const made = await first
  assert.equal(made.status, 201)
  assert.equal(made.headers['x-kubernetes-pf-prioritylevel-uid'], 'level-uid')
  // Refusals give their seats back too; a watch has its seat only until it has begun.
  assert.equal((await api.request('GET', `${namespaces}/none`)).headers['x-kubernetes-pf-flowschema-uid'], 'schema-uid')
  const watch = await api.watch(`${namespaces}?watch=1`)
  assert.equal((await api.request('GET', namespaces)).status, 200)
  watch.cancel()
})

test('a schema says whether its level is there', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const { reader, writer, follow } = api.server
  watchDangling(api.scope, reader, writer, follow)
  const [schema] = bootstrapFlowControl.suggested().flowSchemas
  await writer.create(api.scope, refs.flowschemas, schema ?? assert.fail())
  const stateOf = (): string | undefined => reader.get(refs.flowschemas, '', 'system-nodes')?.status?.conditions?.[0]?.status
  await eventually('it is dangling', () => stateOf() === 'True')
  const [level] = bootstrapFlowControl.suggested().priorityLevels
  await writer.create(api.scope, refs.prioritylevelconfigurations, level ?? assert.fail())
  await eventually('it is not any more', () => stateOf() === 'False')
})
