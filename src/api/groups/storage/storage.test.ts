import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FieldErrors } from '../../meta/field-error.ts'
import type { KubeObject } from '../../meta/object.ts'
import type { Resource } from '../../resource.ts'
import type { Event } from '../../types/core-v1.gen.ts'
import { limitRanges } from '../core/limits/limit-range.ts'
import { resourceQuotas } from '../core/limits/resource-quota.ts'
import { persistentVolumeClaims } from '../core/volumes/persistent-volume-claim.ts'
import { persistentVolumes } from '../core/volumes/persistent-volume.ts'
import { eventsV1 } from '../events/event.ts'
import { statusRefusals } from '../refusals.fixture.ts'
import { csiDrivers } from './csi-driver.ts'
import { storageClasses } from './storage-class.ts'
import { volumeAttachments } from './volume-attachment.ts'

/** What is wrong with an object once its defaults are there, as `field: message`. */
function wrong<T extends KubeObject>({ strategy }: Resource<T>, object: T, old?: T): string[] {
  const errors: FieldErrors = []
  strategy.defaults?.(object)
  if (old === undefined) strategy.validate?.(object, errors)
  else {
    strategy.defaults?.(old)
    strategy.validateUpdate?.(object, old, errors)
  }
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

const claim = (spec: object, phase = 'Pending', capacity = '1Gi'): Parameters<(typeof persistentVolumeClaims.columns)[0]['cell']>[0] => ({
  metadata: { name: 'c', namespace: 'a' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec },
  status: { phase, capacity: { storage: capacity } },
})

describe('volumes and claims', () => {
  it('a claim asks for something, and changes only while it is bound', () => {
    assert.deepEqual(wrong(persistentVolumeClaims, { metadata: {} }), [
      'spec.accessModes: Required value: at least 1 access mode is required',
      'spec.resources[storage]: Required value',
    ])
    const bigger = { resources: { requests: { storage: '3Gi' } } }
    assert.match(wrong(persistentVolumeClaims, claim(bigger), claim({})).join(), /^spec: Forbidden: spec is immutable after creation/)
    assert.deepEqual(wrong(persistentVolumeClaims, claim(bigger, 'Bound'), claim({}, 'Bound')), [])
  })

  it('a claim does not shrink below what there is', () => {
    const smaller = claim({ resources: { requests: { storage: '1Gi' } } }, 'Bound')
    assert.deepEqual(wrong(persistentVolumeClaims, smaller, claim({}, 'Bound')), [
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ])
  })

  it('the status of a claim says what is resized by the names of its fields', () => {
    const status = { phase: 'Bound', capacity: {}, allocatedResourceStatuses: { storage: 'Odd' } }
    assert.deepEqual(statusRefusals(persistentVolumeClaims, claim({}), { ...claim({}), status }), [
      'status.allocatedResourceStatuses: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
    ])
    const odd = { phase: 'Bound', capacity: {}, allocatedResources: { 'BAD!': '1' } }
    assert.equal(statusRefusals(persistentVolumeClaims, claim({}), { ...claim({}), status: odd }).length, 1)
  })

  it('what went wrong with an attachment is told in a kilobyte', () => {
    const old = { metadata: {}, spec: { attacher: 'a.b', nodeName: 'n', source: { persistentVolumeName: 'p' } } }
    const status = (bytes: number): { attached: boolean; detachError: { message: string } } => ({
      attached: true,
      detachError: { message: 'x'.repeat(bytes) },
    })
    assert.deepEqual(statusRefusals(volumeAttachments, old, { ...old, status: status(1024) }), [])
    assert.deepEqual(statusRefusals(volumeAttachments, old, { ...old, status: status(1025) }), [
      'status.detachError.message: Too long: may not be more than 262144 bytes',
    ])
  })

  it('a claim that names its source twice says the same', () => {
    const twice = (dataSource: object, dataSourceRef: object) => wrong(persistentVolumeClaims, claim({ dataSource, dataSourceRef }))
    const source = { apiGroup: 'a.b', kind: 'K', name: 'n' }
    assert.deepEqual(twice(source, source), [])
    assert.deepEqual(twice(source, { ...source, name: 'other' }), ['spec: Invalid value: {}: must match dataSourceRef'])
  })

  it('an unbound claim is bound once', () => {
    assert.deepEqual(wrong(persistentVolumeClaims, claim({ volumeName: 'v' }), claim({})), [])
    assert.match(wrong(persistentVolumeClaims, claim({ volumeName: 'w' }), claim({ volumeName: 'v' })).join(), /immutable/)
  })

  it('a driver that wants tokens in Secrets wants tokens', () => {
    const driver = (spec: object) => ({ metadata: { name: 'd' }, spec: { serviceAccountTokenInSecrets: false, ...spec } })
    assert.deepEqual(wrong(csiDrivers, driver({})), [
      'spec.serviceAccountTokenInSecrets: Invalid value: false: serviceAccountTokenInSecrets is set but no tokenRequests are specified',
    ])
    assert.deepEqual(wrong(csiDrivers, driver({ tokenRequests: [{ audience: 'a' }] })), [])
  })

  it('a volume has one source, and keeps it', () => {
    const volume = (spec: object): { metadata: object; spec: object } => ({
      metadata: { name: 'v' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...spec },
    })
    assert.deepEqual(wrong(persistentVolumes, volume({})), ['spec: Required value: must specify a volume type'])
    const two = volume({ hostPath: { path: '/x' }, nfs: { server: 's', path: '/p' } })
    assert.deepEqual(wrong(persistentVolumes, two), ['spec.nfs: Forbidden: may not specify more than 1 volume type'])
    // What the words say of cephfs, and that flexVolume is never one too many, is as in Kubernetes.
    const many = volume({ hostPath: { path: '/x' }, cephfs: { monitors: ['m'] }, flexVolume: { driver: 'd' }, local: { path: '/l' } })
    assert.deepEqual(wrong(persistentVolumes, many), [
      'spec.cephFS: Forbidden: may not specify more than 1 volume type',
      'spec.local: Forbidden: may not specify more than 1 volume type',
    ])
    const moved = wrong(persistentVolumes, volume({ hostPath: { path: '/y' } }), volume({ hostPath: { path: '/x' } }))
    assert.match(moved.join(), /^spec.persistentvolumesource: Forbidden: .*\n@@ -1,1 \+1,1 @@\n-hostPath: {"path":"\/x"/)
    assert.deepEqual(wrong(persistentVolumes, volume({ local: { path: '/l' } })), [
      'spec.nodeAffinity: Required value: Local volume requires node affinity',
    ])
  })

  it('labels of nodes may get their new name in a volume', () => {
    const on = (key: string): { metadata: object; spec: object } => ({
      metadata: { name: 'v' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        local: { path: '/l' },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'Exists' }] }] } },
      },
    })
    assert.deepEqual(wrong(persistentVolumes, on('topology.kubernetes.io/zone'), on('failure-domain.beta.kubernetes.io/zone')), [])
    assert.match(
      wrong(persistentVolumes, on('failure-domain.beta.kubernetes.io/zone'), on('topology.kubernetes.io/zone')).join(),
      /^nodeAffinity: .*immutable/,
    )
  })

  it('topologies of a class differ', () => {
    const term = { matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }
    const allowedTopologies = [term, { matchLabelExpressions: [{ key: 'zone', values: ['b', 'a'] }] }]
    assert.deepEqual(wrong(storageClasses, { metadata: { name: 's' }, provisioner: 'x.io/p', allowedTopologies }), [
      'allowedTopologies[1].matchLabelExpressions: Duplicate value: ""',
    ])
  })
})

describe('limits', () => {
  it('defaults of containers come from their bounds', () => {
    const range = {
      metadata: { name: 'l' },
      spec: { limits: [{ type: 'Container', max: { cpu: '2', memory: '1Gi' }, min: { cpu: '1', storage: '1' } }] },
    }
    limitRanges.strategy.defaults?.(range)
    assert.deepEqual(range.spec.limits[0], {
      type: 'Container',
      max: { cpu: '2', memory: '1Gi' },
      min: { cpu: '1', storage: '1' },
      default: { cpu: '2', memory: '1Gi' },
      defaultRequest: { cpu: '2', memory: '1Gi', storage: '1' },
    })
  })

  it('bounds are in order', () => {
    const limits = [{ type: 'Pod', max: { cpu: '1' }, min: { cpu: '2' }, maxLimitRequestRatio: { cpu: '500m' } }]
    assert.deepEqual(wrong(limitRanges, { metadata: { name: 'l' }, spec: { limits } }), [
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1',
    ])
  })

  it('scopes of a quota fit its resources and each other', () => {
    const quota = (hard: Record<string, string>, ...scopes: string[]): { metadata: object; spec: object } => ({
      metadata: { name: 'q' },
      spec: { hard, scopes },
    })
    assert.deepEqual(wrong(resourceQuotas, quota({ pods: '1', cpu: '1' }, 'NotBestEffort')), [])
    assert.deepEqual(wrong(resourceQuotas, quota({ cpu: '1' }, 'BestEffort')), [
      'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource',
    ])
    assert.match(wrong(resourceQuotas, quota({ pods: '1' }, 'Terminating', 'NotTerminating')).join(), /conflicting scopes$/)
    assert.match(
      wrong(resourceQuotas, quota({ pods: '1' }, 'Terminating'), quota({ pods: '1' }, 'NotTerminating')).join(),
      /field is immutable$/,
    )
  })
})

describe('events of both groups', () => {
  it('are the same objects', () => {
    const core: Event = {
      metadata: { name: 'e', namespace: 'a' },
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'a' },
      message: 'M',
      source: { component: 'c' },
      count: 2,
    }
    const own = eventsV1.conversion?.fromStored(core) as Record<string, unknown>
    assert.deepEqual(
      [own['regarding'], own['note'], own['deprecatedSource'], own['deprecatedCount']],
      [core.involvedObject, 'M', { component: 'c' }, 2],
    )
    assert.deepEqual(eventsV1.conversion?.toStored(own), { ...core, apiVersion: 'v1' })
  })
})
