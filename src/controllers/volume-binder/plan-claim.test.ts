import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core, storage } from '#api'
import { type ClaimPlan, type ClaimView, planClaim } from './plan-claim.ts'
import { planVolume, unbound } from './plan-volume.ts'

type Claim = core.PersistentVolumeClaim
type Volume = core.PersistentVolume

const claim = (spec: Partial<core.PersistentVolumeClaimSpec> = {}, annotations?: Record<string, string>): Claim => ({
  metadata: { name: 'c', namespace: 'n', uid: 'u', ...(annotations === undefined ? {} : { annotations }) },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'sc', resources: { requests: { storage: '2Gi' } }, ...spec },
})
const volume = (name: string, storage: string, spec: Partial<core.PersistentVolumeSpec> = {}, phase = 'Available'): Volume => ({
  metadata: { name, labels: { disk: name } },
  spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: 'sc', persistentVolumeReclaimPolicy: 'Retain', ...spec },
  status: { phase },
})
const storageClass = (provisioner: string, volumeBindingMode = 'Immediate'): storage.StorageClass => ({
  metadata: { name: 'sc' },
  provisioner,
  volumeBindingMode,
})

function plan(one: Claim, volumes: readonly Volume[], more: Partial<ClaimView> = {}): ClaimPlan {
  return planClaim(one, {
    volume: (name) => volumes.find(({ metadata }) => metadata?.name === name),
    candidates: () => volumes,
    storageClass: () => undefined,
    defaultClass: () => undefined,
    waitingPods: () => [],
    ...more,
  })
}
const taken = (result: ClaimPlan): string | undefined => (result.kind === 'bind' ? result.volume.metadata?.name : undefined)
const said = (result: ClaimPlan): string =>
  'notice' in result && result.notice !== undefined ? `${result.notice.reason}: ${result.notice.message}` : ''

describe('a claim that takes any volume', () => {
  it('gets the smallest that has all it asks for', () => {
    const volumes = [volume('big', '9Gi'), volume('small', '1Gi'), volume('fits', '3Gi'), volume('used', '2Gi', {}, 'Released')]
    assert.equal(taken(plan(claim(), volumes)), 'fits')
    assert.equal(taken(plan(claim({ selector: { matchLabels: { disk: 'big' } } }), volumes)), 'big')
    assert.equal(taken(plan(claim({ volumeMode: 'Block' }), volumes)), undefined)
    assert.equal(taken(plan(claim({ volumeAttributesClassName: 'gold' }), volumes)), undefined)
    assert.equal(taken(plan(claim({ storageClassName: 'other' }), volumes)), undefined)
  })

  it('gets one with no more modes than it needs before a smaller one', () => {
    const volumes = [volume('many', '2Gi', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }), volume('one', '9Gi')]
    assert.equal(taken(plan(claim(), volumes)), 'one')
    assert.equal(taken(plan(claim({ accessModes: ['ReadOnlyMany'] }), volumes)), 'many')
  })

  it('gets what is reserved for it, even when it binds late', () => {
    const volumes = [volume('free', '2Gi'), volume('mine', '5Gi', { claimRef: { name: 'c', namespace: 'n' } })]
    const late = { storageClass: () => storageClass('kubernetes.io/no-provisioner', 'WaitForFirstConsumer') }
    assert.equal(taken(plan(claim(), volumes, late)), 'mine')
    assert.equal(taken(plan(claim(), [volume('theirs', '5Gi', { claimRef: { name: 'c', namespace: 'n', uid: 'x' } })])), undefined)
  })

  it('says what it waits for', () => {
    assert.equal(said(plan(claim(), [])), 'ProvisioningFailed: storageclass.storage.k8s.io "sc" not found')
    assert.equal(
      said(plan(claim({ storageClassName: '' }), [])),
      'FailedBinding: no persistent volumes available for this claim and no storage class is set',
    )
    const late = { storageClass: () => storageClass('x.example.com', 'WaitForFirstConsumer') }
    assert.equal(said(plan(claim(), [], late)), 'WaitForFirstConsumer: waiting for first consumer to be created before binding')
    assert.equal(
      said(plan(claim(), [], { ...late, waitingPods: () => ['p', 'q'] })),
      'WaitForPodScheduled: waiting for pods p,q to be scheduled',
    )
    const selected = plan(claim({}, { 'volume.kubernetes.io/selected-node': 'node' }), [], late)
    assert.equal(selected.kind === 'provision' && selected.provisioner, 'x.example.com')
    const inTree = (name: string): ClaimPlan => plan(claim(), [], { storageClass: () => storageClass(name) })
    assert.equal(said(inTree('kubernetes.io/nothing')), 'ProvisioningFailed: no volume plugin matched name: kubernetes.io/nothing')
    assert.equal(said(inTree('kubernetes.io/nfs')), 'ProvisioningFailed: no provisionable volume plugin matched')
    const migrated = inTree('kubernetes.io/gce-pd')
    assert.equal(migrated.kind === 'provision' && migrated.provisioner, 'pd.csi.storage.gke.io')
  })

  it('gets the default class when it names none', () => {
    const { storageClassName: _, ...spec } = claim().spec ?? {}
    const result = plan({ ...claim(), spec }, [], { defaultClass: () => storageClass('x') })
    assert.deepEqual(result, { kind: 'assign-class', name: 'sc' })
    assert.equal(plan(claim({ storageClassName: '' }), [], { defaultClass: () => storageClass('x') }).kind, 'pending')
  })
})

describe('a claim that names its volume', () => {
  it('gets it, or hears why not', () => {
    assert.equal(taken(plan(claim({ volumeName: 'v' }), [volume('v', '2Gi')])), 'v')
    assert.equal(
      said(plan(claim({ volumeName: 'v' }), [volume('v', '1Gi')])),
      'VolumeMismatch: Cannot bind to requested volume "v": requested PV is too small',
    )
    assert.deepEqual(plan(claim({ volumeName: 'w' }), [volume('v', '2Gi')]), { kind: 'pending' })
    const theirs = volume('v', '2Gi', { claimRef: { name: 'x', namespace: 'n', uid: 'x' } }, 'Bound')
    assert.equal(said(plan(claim({ volumeName: 'v' }), [theirs])), 'FailedBinding: volume "v" already bound to a different claim.')
  })

  it('is lost when it was bound and the volume is gone, or another claim has it', () => {
    const bound = { 'pv.kubernetes.io/bind-completed': 'yes' }
    assert.equal(
      said(plan(claim({ volumeName: 'v' }, bound), [])),
      'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    )
    const theirs = volume('v', '2Gi', { claimRef: { name: 'c', namespace: 'n', uid: 'x' } }, 'Bound')
    const result = plan(claim({ volumeName: 'v' }, bound), [theirs])
    assert.equal(result.kind, 'lost')
    assert.equal(said(result), 'ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly')
  })
})

describe('a volume', () => {
  const claimRef = { name: 'c', namespace: 'n', uid: 'u' }
  const kindOf = (one: Volume, its?: Claim): string => {
    const result = planVolume(one, its)
    return result.kind === 'release' ? `release ${result.problem?.message ?? ''}` : result.kind === 'phase' ? result.phase : result.kind
  }

  it('is available until a claim of a known uid has it', () => {
    assert.equal(kindOf(volume('v', '1Gi')), 'Available')
    assert.equal(kindOf(volume('v', '1Gi', { claimRef: { name: 'c', namespace: 'n' } })), 'Available')
    assert.equal(kindOf(volume('v', '1Gi', { claimRef }), claim({ volumeName: 'v' })), 'Bound')
    assert.equal(kindOf(volume('v', '1Gi', { claimRef }), claim()), 'wait')
    assert.equal(kindOf(volume('v', '1Gi', { claimRef }), claim({ volumeMode: 'Block' })), 'mismatch')
  })

  it('is released with its claim, and fails when nobody can delete or wipe it', () => {
    assert.equal(kindOf(volume('v', '1Gi', { claimRef })), 'release ')
    assert.equal(
      kindOf(volume('v', '1Gi', { claimRef, persistentVolumeReclaimPolicy: 'Delete', csi: { driver: 'd', volumeHandle: 'h' } })),
      'release ',
    )
    assert.match(
      kindOf(volume('v', '1Gi', { claimRef, persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/data' } })),
      /^release host_path deleter/,
    )
    for (const source of [{ nfs: { server: 's', path: '/' } }, { fc: { lun: 1 } }])
      assert.match(
        kindOf(volume('v', '1Gi', { claimRef, persistentVolumeReclaimPolicy: 'Delete', ...source })),
        /: no deletable volume plugin matched$/,
      )
    assert.equal(
      kindOf(volume('v', '1Gi', { claimRef, persistentVolumeReclaimPolicy: 'Recycle' })),
      'release No recycler plugin found for the volume!',
    )
  })

  it('is given back when its claim has another one, and stays reserved where a user did so', () => {
    const reserved = volume('v', '1Gi', { claimRef })
    assert.equal(kindOf(reserved, claim({ volumeName: 'w' })), 'unbind')
    assert.deepEqual(unbound(reserved).spec?.claimRef, { name: 'c', namespace: 'n' })
    const ours = { ...reserved, metadata: { name: 'v', annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } } }
    assert.equal(unbound(ours).spec?.claimRef, undefined)
    assert.deepEqual(unbound(ours).metadata?.annotations, {})
  })
})
