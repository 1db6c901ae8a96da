import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '#base'
import type { apps, core } from '#api'
import { REVISION_HASH } from '#reconcile'
import { claimOwners } from './claims.ts'
import { revisionOf } from './identity.ts'
import { ordinalOf } from './ordinals.ts'
import { type Deed, type SetView, planSet, statusOf } from './plan-statefulset.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const template: core.PodTemplateSpec = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main' }] } }
const CURRENT = { name: 'web-old', template }
const UPDATE = { name: 'web-new', template }

function setWith(spec: Partial<apps.StatefulSetSpec>): apps.StatefulSet {
  return {
    metadata: { namespace: 'x', name: 'web', uid: 'set' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      template,
      ...spec,
    },
  }
}

type State = 'pending' | 'ready' | 'failed' | 'terminating'
function pod(ordinal: number, state: State = 'ready', revision = CURRENT.name): core.Pod {
  const name = `web-${ordinal}`
  return {
    metadata: {
      name,
      namespace: 'x',
      uid: name,
      labels: { app: 'web', [REVISION_HASH]: revision, 'statefulset.kubernetes.io/pod-name': name },
      ...(state === 'terminating' ? { deletionTimestamp: '2026-01-01T00:59:59Z' } : {}),
    },
    spec: { containers: [] },
    status: {
      phase: state === 'pending' ? 'Pending' : state === 'failed' ? 'Failed' : 'Running',
      conditions: [{ type: 'Ready', status: state === 'ready' || state === 'terminating' ? 'True' : 'False' }],
    },
  }
}

function view(spec: Partial<apps.StatefulSetSpec>, pods: readonly core.Pod[], isUpdating = true): SetView {
  return { set: setWith(spec), pods, claim: () => undefined, current: isUpdating ? CURRENT : UPDATE, update: UPDATE, nowMs: NOW }
}
const told = (deeds: readonly Deed[]): string[] => deeds.map(({ do: what, pod: { metadata } }) => `${what} ${metadata?.name}`)
const plan = (spec: Partial<apps.StatefulSetSpec>, ...pods: readonly core.Pod[]): string[] => told(planSet(view(spec, pods)).stages.flat())
const fresh = (ordinal: number, state: State = 'ready'): core.Pod => pod(ordinal, state, UPDATE.name)

test('an ordered set makes the next pod when all before it are available', () => {
  assert.deepEqual(plan({}), ['create web-0'])
  assert.deepEqual(plan({}, fresh(0, 'pending')), [])
  assert.deepEqual(plan({}, fresh(0)), ['create web-1'])
  assert.deepEqual(plan({}, fresh(0), fresh(2)), ['create web-1'])
  assert.deepEqual(plan({ podManagementPolicy: 'Parallel' }, fresh(1, 'pending')), ['create web-0', 'create web-2'])
  assert.deepEqual(plan({ ordinals: { start: 4 }, replicas: 1 }), ['create web-4'])
})

test('an ordered set shrinks from the top, and waits for what is unready below', () => {
  assert.deepEqual(plan({ replicas: 1 }, fresh(0), fresh(1), fresh(2)), ['remove web-2'])
  assert.deepEqual(plan({ replicas: 1 }, fresh(0), fresh(1, 'pending'), fresh(2)), ['remove web-2'])
  assert.deepEqual(plan({ replicas: 1 }, fresh(0, 'pending'), fresh(1), fresh(2)), [])
  assert.deepEqual(plan({ replicas: 1 }, fresh(0), fresh(1), fresh(2, 'pending')), ['remove web-2'])
  assert.deepEqual(plan({ replicas: 1 }, fresh(0), fresh(1, 'pending'), fresh(2, 'pending')), [])
  assert.deepEqual(plan({ replicas: 1 }, fresh(0), fresh(1), fresh(2, 'terminating')), [])
  assert.deepEqual(plan({ replicas: 0, podManagementPolicy: 'Parallel' }, fresh(0), fresh(1, 'pending')), ['remove web-1', 'remove web-0'])
})

test('an update goes from the top, one pod at a time, down to the partition', () => {
  assert.deepEqual(plan({}, pod(0), pod(1), pod(2)), ['remove web-2'])
  assert.deepEqual(plan({}, pod(0), pod(1), fresh(2)), ['remove web-1'])
  assert.deepEqual(plan({ podManagementPolicy: 'Parallel' }, pod(0), pod(1), fresh(2, 'pending')), [])
  assert.deepEqual(plan({ podManagementPolicy: 'Parallel' }, pod(0), pod(1), pod(2, 'pending')), ['remove web-2'])
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }
  assert.deepEqual(plan({ updateStrategy }, pod(0), pod(1), fresh(2)), [])
  assert.deepEqual(plan({ updateStrategy: { type: 'OnDelete' } }, pod(0), pod(1), pod(2)), [])
  const [[created] = []] = planSet(view({ updateStrategy }, [pod(1), fresh(2)])).stages
  assert.equal(created === undefined ? '' : revisionOf(created.pod), CURRENT.name)
})

test('maxUnavailable counts what is down anywhere in the set', () => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 2 } }
  const parallel = { updateStrategy, podManagementPolicy: 'Parallel', replicas: 4 }
  assert.deepEqual(plan(parallel, pod(0), pod(1), pod(2), pod(3)), ['remove web-3', 'remove web-2'])
  assert.deepEqual(plan(parallel, pod(0), pod(1), pod(2), fresh(3, 'pending')), ['remove web-2'])
  assert.deepEqual(plan(parallel, pod(0, 'pending'), pod(1), pod(2), fresh(3, 'pending')), [])
})

test('a pod that has ended is deleted, and made again when it is gone', () => {
  assert.deepEqual(plan({}, fresh(0, 'failed'), fresh(1), fresh(2)), ['remove web-0'])
  assert.deepEqual(plan({}, fresh(1), fresh(2)), ['create web-0'])
})

test('an adopted pod gets the labels of its ordinal', () => {
  const adopted = fresh(0)
  const bare = { ...adopted, metadata: { ...adopted.metadata, labels: { [REVISION_HASH]: UPDATE.name } } }
  assert.deepEqual(plan({ replicas: 1 }, bare), ['repair web-0'])
})

test('the owners of a claim follow the retention policy', () => {
  const owned = (whenDeleted: string, whenScaled: string, ordinal: number, ownerReferences: object[] = []): unknown => {
    const set = setWith({ persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } })
    const claim = { metadata: { ownerReferences } } as core.PersistentVolumeClaim
    const { owners, isForeign } = claimOwners(set, pod(ordinal), claim)
    return isForeign ? 'foreign' : owners?.map(({ kind }) => kind)
  }
  assert.deepEqual(owned('Retain', 'Retain', 0), undefined)
  assert.deepEqual(owned('Delete', 'Retain', 0), ['StatefulSet'])
  assert.deepEqual(owned('Delete', 'Retain', 5), ['StatefulSet'])
  assert.deepEqual(owned('Retain', 'Delete', 0), undefined)
  assert.deepEqual(owned('Retain', 'Delete', 5), ['Pod'])
  assert.deepEqual(owned('Delete', 'Delete', 0), ['StatefulSet'])
  assert.deepEqual(owned('Delete', 'Delete', 5), ['Pod'])
  const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'set', controller: true }
  assert.deepEqual(owned('Delete', 'Retain', 0, [set]), undefined)
  assert.deepEqual(owned('Retain', 'Retain', 0, [set]), [])
  assert.deepEqual(owned('Delete', 'Retain', 0, [{ ...set, kind: 'Other' }]), 'foreign')
  assert.deepEqual(owned('Delete', 'Retain', 0, [{ ...set, uid: 'earlier' }]), 'foreign')
})

test('the status counts by revision, and an update that is through becomes the current one', () => {
  const half = statusOf(view({}, [pod(0), pod(1), fresh(2)]), 0)
  assert.deepEqual([half.currentReplicas, half.updatedReplicas, half.currentRevision], [2, 1, CURRENT.name])
  const through = statusOf(view({}, [fresh(0), fresh(1), fresh(2)]), 0)
  assert.deepEqual([through.currentReplicas, through.updatedReplicas, through.currentRevision], [3, 3, UPDATE.name])
})

/** Plays a kubelet at random: pods become ready, fail, go. Returns what must never have happened. */
function walk(random: Random, parallel: boolean, maxUnavailable: number | undefined): void {
  const spec: Partial<apps.StatefulSetSpec> = {
    replicas: 5,
    podManagementPolicy: parallel ? 'Parallel' : 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, ...(maxUnavailable === undefined ? {} : { maxUnavailable }) } },
  }
  let pods = Array.from({ length: 5 }, (_, i) => pod(i))
  for (let round = 0; round < 200; round++) {
    const readyBefore = pods.filter((one) => one.status?.conditions?.[0]?.status === 'True' && !one.metadata?.deletionTimestamp).length
    const deeds = planSet(view(spec, pods)).stages.flat()
    const removed = deeds.filter((deed) => deed.do === 'remove' && deed.pod.status?.conditions?.[0]?.status === 'True').length
    if (removed > 0) assert.ok(5 - readyBefore + removed <= (maxUnavailable ?? 1), 'more are down than may be')
    for (const deed of deeds) {
      const ordinal = ordinalOf(deed.pod)
      if (deed.do === 'create') {
        assert.ok(!pods.some((one) => ordinalOf(one) === ordinal), `ordinal ${ordinal} is there twice`)
        pods.push(fresh(ordinal, 'pending'))
      } else if (deed.do === 'remove')
        pods = pods.map((one) => (ordinalOf(one) === ordinal ? pod(ordinal, 'terminating', revisionOf(one)) : one))
    }
    pods = pods
      .filter((one) => one.metadata?.deletionTimestamp === undefined || random.float() < 0.5)
      .map((one) => {
        if (one.metadata?.deletionTimestamp !== undefined || one.status?.phase !== 'Pending') return one
        return random.float() < 0.1 ? pod(ordinalOf(one), 'failed', revisionOf(one)) : pod(ordinalOf(one), 'ready', revisionOf(one))
      })
  }
  assert.deepEqual(
    pods.map(revisionOf),
    Array.from({ length: 5 }, () => UPDATE.name),
  )
}

test('in whatever order pods come and go, an update ends, no ordinal is there twice, and no more are down than may be', () => {
  for (let seed = 1; seed <= 6; seed++)
    for (const parallel of [false, true]) for (const most of [undefined, 1, 3]) walk(seededRandom(seed), parallel, most)
})
