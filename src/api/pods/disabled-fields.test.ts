import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodStatus } from '../types/core-v1.gen.ts'
import { onlyStatus } from './parts.ts'

test('a status loses what belongs to features that are switched off', () => {
  const mount = { name: 'v', mountPath: '/v', volumeStatus: { image: { imageRef: 'i' } } }
  const status: PodStatus = {
    nodeAllocatableResourceClaimStatuses: [{ resourceClaimName: 'a', containers: ['c'], resources: { cpu: '1' } }],
    containerStatuses: [{ name: 'c', ready: true, restartCount: 0, image: 'i', imageID: 'i', volumeMounts: [mount] }],
  }
  const pod = { metadata: { name: 'p' }, status }
  onlyStatus(pod, { metadata: { name: 'p' } })
  assert.equal(pod.status.nodeAllocatableResourceClaimStatuses, undefined)
  assert.deepEqual(pod.status.containerStatuses?.[0]?.volumeMounts, [{ name: 'v', mountPath: '/v' }])
})
