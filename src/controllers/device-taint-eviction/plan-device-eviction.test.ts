import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core, resource } from '#api'
import { claimDueMs, evictingTaints, podDueMs } from './plan-device-eviction.ts'

const AT = '2026-01-01T00:00:00Z'
const atMs = Date.parse(AT)
const taint = (key: string, more: Partial<resource.DeviceTaint> = {}): resource.DeviceTaint => ({
  key,
  effect: 'NoExecute',
  timeAdded: AT,
  ...more,
})
const tolerated = (key: string, tolerationSeconds?: number): resource.DeviceToleration => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds !== undefined && { tolerationSeconds }),
})
const slice = (generation: number, device: string, ...taints: resource.DeviceTaint[]): resource.ResourceSlice => ({
  spec: { driver: 'd', pool: { name: 'p', generation, resourceSliceCount: 1 }, devices: [{ name: device, taints }] },
})
const claim = (tolerations: resource.DeviceToleration[] = [], uid = 'u1'): resource.ResourceClaim => ({
  metadata: { name: 'c', namespace: 'a' },
  spec: {},
  status: {
    allocation: { devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'gpu', tolerations }] } },
    reservedFor: [{ resource: 'pods', name: 'web', uid }],
  },
})

test('of a pool the newest generation holds, and of its taints those that make pods go', () => {
  const found = evictingTaints([
    slice(1, 'gpu', taint('old')),
    slice(2, 'gpu', taint('a'), taint('b', { effect: 'NoSchedule' })),
    slice(2, 'other'),
  ])
  assert.deepEqual([...found], [['gpu', [taint('a')]]])
})

test('pods stay as long as their claim puts up with all taints of its devices', () => {
  const dueIn = (taints: readonly resource.DeviceTaint[], ...tolerations: resource.DeviceToleration[]): number | undefined => {
    const dueMs = claimDueMs(claim(tolerations), () => taints)
    return dueMs === undefined ? undefined : (dueMs - atMs) / 1000
  }
  assert.equal(dueIn([]), undefined)
  assert.equal(dueIn([taint('a')]), 0)
  assert.equal(dueIn([taint('a')], tolerated('b')), 0)
  assert.equal(dueIn([taint('a')], tolerated('a')), undefined)
  assert.equal(dueIn([taint('a')], tolerated('a', 9), tolerated('a', 4)), 4)
  assert.equal(dueIn([taint('a')], tolerated('a', -5)), 0)
  assert.equal(dueIn([taint('a'), taint('b')], tolerated('a', 9), tolerated('b')), 9)
  assert.equal(dueIn([taint('a'), taint('b', { timeAdded: '2025-12-31T23:59:50Z' })], tolerated('a', 9), tolerated('b', 8)), -2)
  assert.equal(dueIn([taint('a')], { key: 'a', operator: 'Exists' }), 0, 'a toleration without effect is for the scheduler')
})

test('a pod goes for the claims that are reserved for it, once it has a node', () => {
  const pod = (more: Partial<core.PodSpec> = {}): core.Pod => ({
    metadata: { name: 'web', namespace: 'a', uid: 'u1' },
    spec: { nodeName: 'n1', containers: [], resourceClaims: [{ name: 'x', resourceClaimName: 'c' }], ...more },
  })
  const dueMs = (of: core.Pod, found: resource.ResourceClaim | undefined): number | undefined =>
    podDueMs(
      of,
      () => found,
      () => [taint('a')],
    )
  assert.equal(dueMs(pod(), claim()), atMs)
  assert.equal(dueMs(pod({ nodeName: '' }), claim()), undefined)
  assert.equal(dueMs(pod(), undefined), undefined)
  assert.equal(dueMs(pod(), claim([], 'of one before')), undefined)
  assert.equal(dueMs(pod({ resourceClaims: [{ name: 'x', resourceClaimTemplateName: 't' }] }), claim()), undefined)
})
