import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type * as core from '../types/core-v1.gen.ts'
import { podEvaluator } from './pods.ts'
import { quotaEvaluator, quotaResources, quotaSelects, quotaUsage } from './quota.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const pod = (spec: Partial<core.PodSpec> = {}, more: Partial<core.Pod> = {}): core.Pod => ({
  metadata: { name: 'p', namespace: 'a' },
  ...more,
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
})
const asking = (requests: Record<string, string>, limits?: Record<string, string>): Partial<core.PodSpec> => ({
  containers: [{ name: 'c', image: 'i', resources: { requests, ...(limits === undefined ? {} : { limits }) } }],
})

describe('what pods use of a quota', () => {
  it('counts amounts under each of their names', () => {
    const usage = podEvaluator.usage(pod(asking({ cpu: '500m', 'example.com/gpu': '1', 'hugepages-2Mi': '4Mi' }, { memory: '1Gi' })), NOW)
    assert.deepEqual(usage, {
      'count/pods': '1',
      pods: '1',
      cpu: '500m',
      'requests.cpu': '500m',
      'requests.example.com/gpu': '1',
      'hugepages-2Mi': '4Mi',
      'requests.hugepages-2Mi': '4Mi',
      'limits.memory': '1Gi',
    })
  })

  it('counts nothing but the object once a pod has finished, or should have ended', () => {
    const only = { 'count/pods': '1' }
    assert.deepEqual(podEvaluator.usage(pod({}, { status: { phase: 'Failed' } }), NOW), only)
    const ending = (deletionTimestamp: string): core.Pod =>
      pod({}, { metadata: { name: 'p', deletionTimestamp, deletionGracePeriodSeconds: 30 } })
    assert.deepEqual(podEvaluator.usage(ending('2025-12-31T23:59:00Z'), NOW), only)
    assert.equal(podEvaluator.usage(ending('2025-12-31T23:59:45Z'), NOW)['pods'], '1')
  })

  it('counts the most that a pod holds while it is resized', () => {
    const resized = pod(asking({ cpu: '1' }), {
      status: {
        containerStatuses: [
          {
            name: 'c',
            allocatedResources: { cpu: '2' },
            resources: { requests: { cpu: '1500m' } },
          } as Partial<core.ContainerStatus> as core.ContainerStatus,
        ],
      },
    })
    assert.equal(podEvaluator.usage(resized, NOW)['cpu'], '2')
  })

  it('names every container that does not state what the quota limits', () => {
    const two = pod({
      containers: [{ name: 'b' }, { name: 'a', resources: { limits: { memory: '1Gi' } } }],
      initContainers: [{ name: 'i' }],
    })
    assert.equal(
      podEvaluator.problem(['requests.cpu', 'limits.memory', 'pods'], two),
      'must specify limits.memory for: b,i; requests.cpu for: a,b,i',
    )
    assert.equal(podEvaluator.problem(['limits.memory'], pod({ resources: { requests: { cpu: '1' } } })), undefined)
  })
})

describe('scopes', () => {
  const selects = (spec: core.ResourceQuotaSpec, object: core.Pod): boolean => quotaSelects({ spec }, podEvaluator, object)
  it('select by quality, planned end, priority class and affinity to other namespaces', () => {
    assert.ok(selects({ scopes: ['BestEffort', 'NotTerminating'] }, pod()))
    assert.ok(!selects({ scopes: ['BestEffort'] }, pod(asking({ cpu: '1' }))))
    assert.ok(selects({ scopes: ['Terminating'] }, pod({ activeDeadlineSeconds: 0 })))
    const inHigh = { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }
    assert.ok(selects(inHigh, pod({ priorityClassName: 'high' })))
    assert.ok(!selects(inHigh, pod()))
    const notHigh = { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] }] } }
    assert.ok(selects(notHigh, pod()))
    const term = { topologyKey: 'zone', namespaces: ['b'] }
    const affinity = { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] } }
    assert.ok(selects({ scopes: ['CrossNamespacePodAffinity'] }, pod({ affinity })))
    assert.ok(!selects({ scopes: ['CrossNamespacePodAffinity'] }, pod()))
  })
})

describe('the resources of a quota', () => {
  it('are found from its names', () => {
    const names = [
      'pods',
      'secrets',
      'count/deployments.apps',
      'services.nodeports',
      'count/events',
      'x.storageclass.storage.k8s.io/requests.storage',
    ]
    assert.deepEqual(
      quotaResources(names).map(({ group, plural }) => `${plural}.${group}`),
      ['pods.', 'services.', 'persistentvolumeclaims.', 'secrets.', 'deployments.apps'],
    )
  })

  it('are measured in the notation of what is measured', () => {
    const claims = quotaEvaluator({ group: '', plural: 'persistentvolumeclaims' })
    assert.ok(claims)
    const claim = (storage: string): core.PersistentVolumeClaim => ({
      spec: { storageClassName: 'gold', resources: { requests: { storage } } },
    })
    const names = ['requests.storage', 'gold.storageclass.storage.k8s.io/persistentvolumeclaims', 'persistentvolumeclaims', 'pods']
    assert.deepEqual(quotaUsage({}, names, claims, [claim('1Gi'), claim('512Mi'), claim('0.5')], NOW), {
      'requests.storage': '1610612737',
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '3',
      persistentvolumeclaims: '3',
    })
  })
})
