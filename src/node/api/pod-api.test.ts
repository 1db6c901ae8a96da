import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import type { core } from '#api'
import type { Client } from '#client'
import { manualClock } from '#testing/basics'
import { podApi } from './pod-api.ts'

const pod: core.Pod = { metadata: { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1' }, status: { phase: 'Pending' } }
const waiting = (reason: string): core.PodStatus => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason } } }],
})
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** An API that keeps what it is told. */
function fakeApi() {
  const told: (core.PodStatus | 'deleted')[] = []
  const pods = {
    patch: async (_scope: unknown, _at: unknown, { body }: { body: { status: core.PodStatus } }) => {
      told.push(body.status)
      return { metadata: { resourceVersion: String(told.length + 1) } }
    },
    delete: async () => void told.push('deleted'),
  }
  return { told, client: { resource: () => pods } as unknown as Client }
}

test('a pod on its way is told once it has been for a moment, and not at all when it is up by then', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  const { told, client } = fakeApi()
  const api = podApi(scope, client)
  api.report(pod, waiting('ContainerCreating'), false)
  await turns()
  assert.equal(told.length, 0)
  api.report(pod, { phase: 'Running' }, false)
  await turns()
  clock.advance(1000)
  await turns()
  assert.deepEqual(
    told.map((status) => (typeof status === 'string' ? status : status.phase)),
    ['Running'],
  )

  api.report({ metadata: { ...pod.metadata, uid: 'other' } }, waiting('ContainerCreating'), false)
  clock.advance(1000)
  await turns()
  assert.equal(told.length, 2)
})

test('that the deletion of a pod was seen goes with what comes next of it', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  const { told, client } = fakeApi()
  const api = podApi(scope, client)
  const status = (observedGeneration: number, ready = 'True'): core.PodStatus => ({
    phase: 'Running',
    observedGeneration,
    conditions: [{ type: 'Ready', status: ready, observedGeneration }],
  })
  const leaving = {
    ...pod,
    metadata: { ...pod.metadata, resourceVersion: '9', deletionTimestamp: '2026-01-01T00:00:00Z' },
    status: status(1),
  }
  api.report(leaving, status(2), false)
  await turns()
  assert.deepEqual(told, [])
  api.report(leaving, status(2, 'False'), false)
  await turns()
  assert.deepEqual(told, [{ observedGeneration: 2, conditions: status(2, 'False').conditions }])

  // Of one that stays nothing is kept back, and what is kept back is told in the end.
  api.report({ ...leaving, metadata: { ...pod.metadata, uid: 'stays', resourceVersion: '9' } }, status(2), false)
  api.report({ ...leaving, metadata: { ...leaving.metadata, uid: 'other' } }, status(2), false)
  await turns()
  assert.equal(told.length, 2)
  clock.advance(1000)
  await turns()
  assert.equal(told.length, 3)
})

test('what went wrong is told at once', async () => {
  using scope = rootScope({ clock: manualClock() })
  const { told, client } = fakeApi()
  podApi(scope, client).report(pod, waiting('ErrImagePull'), false)
  await turns()
  assert.equal(told.length, 1)
})

test('of many pods a few are told at a time, each in the end, and what comes meanwhile goes along', async () => {
  using scope = rootScope({ clock: manualClock() })
  const answers: (() => void)[] = []
  let most = 0
  const pods = {
    patch: async () => {
      most = Math.max(most, answers.length + 1)
      await new Promise<void>((answer) => answers.push(answer))
      return {}
    },
  }
  const api = podApi(scope, { resource: () => pods } as unknown as Client)
  for (let uid = 0; uid < 50; uid++) api.report({ metadata: { ...pod.metadata, uid: String(uid) } }, { phase: 'Running' }, false)
  let told = 0
  for (await turns(); answers.length > 0; await turns()) {
    told += answers.length
    for (const answer of answers.splice(0)) answer()
  }
  assert.equal(told, 50)
  assert.equal(most, 8)
})

test('the last status goes before the deletion, also when it waited', async () => {
  using scope = rootScope({ clock: manualClock() })
  const { told, client } = fakeApi()
  const api = podApi(scope, client)
  api.report(pod, waiting('ContainerCreating'), false)
  await api.confirmDeletion(scope, pod)
  assert.equal(told.length, 2)
  assert.equal(told[1], 'deleted')
})
