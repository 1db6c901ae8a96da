import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { core, storage } from '#api'
import { type Attachable, UNMOUNT_WITHIN_MS, attachableOf, isShareable, planAttachments } from './plan-attachments.ts'

const volume = (name: string): core.PersistentVolume => ({ metadata: { name }, spec: { csi: { driver: 'd', volumeHandle: name } } })
const on = (name: string): Attachable => attachableOf(volume(name), undefined, 'n') as Attachable
const attachment = (of: Attachable, attached: boolean, metadata: object = {}): storage.VolumeAttachment => ({
  metadata: { name: of.attachment, ...metadata },
  spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: of.volume } },
  status: { attached },
})
const node = (status: core.NodeStatus = {}, spec: core.NodeSpec = {}): core.Node => ({
  metadata: { name: 'n', annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
  spec,
  status,
})
const READY = { conditions: [{ type: 'Ready', status: 'True' }] }
const names = (list: readonly Attachable[]): readonly string[] => list.map(({ volume: name }) => name)

describe('attachments', () => {
  const a = on('a')
  const present = [{ attachable: a, attachment: attachment(a, true) }]
  const none = new Map<string, number>()

  it('are named by handle, driver and node, and made only for drivers that attach', () => {
    assert.equal(a.uniqueName, 'kubernetes.io/csi/d^a')
    assert.match(a.attachment, /^csi-[0-9a-f]{64}$/)
    assert.notEqual(attachableOf(volume('a'), undefined, 'm')?.attachment, a.attachment)
    assert.equal(attachableOf(volume('a'), { spec: { attachRequired: false } }, 'n'), undefined)
    assert.equal(attachableOf({ spec: { nfs: { server: 's', path: '/' } } }, undefined, 'n'), undefined)
  })

  it('are made for what pods use, on nodes that leave it to the controller, which are then told', () => {
    assert.deepEqual(names(planAttachments({ node: node(READY), wanted: [a], present: [], unwantedMs: none }).attach), ['a'])
    assert.deepEqual(planAttachments({ node: { metadata: { name: 'n' } }, wanted: [a], present: [], unwantedMs: none }).attach, [])
    const waiting = [{ attachable: a, attachment: attachment(a, false) }]
    assert.equal(planAttachments({ node: node(READY), wanted: [a], present: waiting, unwantedMs: none }).attached, undefined)
    const { attached } = planAttachments({ node: node(READY), wanted: [a], present, unwantedMs: none })
    assert.deepEqual(attached, [{ name: 'kubernetes.io/csi/d^a', devicePath: '' }])
    const knows = node({ ...READY, volumesAttached: [{ name: a.uniqueName, devicePath: '' }] })
    assert.equal(planAttachments({ node: knows, wanted: [a], present, unwantedMs: none }).attached, undefined)
  })

  it('end when the node has unmounted; a silent node has six minutes, one that is out of service none', () => {
    const used = { volumesInUse: [a.uniqueName], volumesAttached: [{ name: a.uniqueName, devicePath: '' }] }
    const plan = (of: core.Node | undefined, sinceMs = 0) =>
      planAttachments({ node: of, wanted: [], present, unwantedMs: new Map([[a.attachment, sinceMs]]) })
    const free = plan(node({ ...READY, volumesAttached: used.volumesAttached }))
    assert.deepEqual([names(free.detach), free.attached], [['a'], []])
    assert.deepEqual(plan(node({ ...READY, ...used }), UNMOUNT_WITHIN_MS).detach, [])
    assert.equal(plan(node(used), 60_000).againMs, UNMOUNT_WITHIN_MS - 60_000)
    assert.deepEqual(names(plan(node(used), UNMOUNT_WITHIN_MS).detach), ['a'])
    assert.deepEqual(names(plan(node(used, { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] })).detach), ['a'])
    assert.deepEqual(plan(undefined).detach, [])
    assert.deepEqual(names(plan(undefined, UNMOUNT_WITHIN_MS).detach), ['a'])
  })

  it('may be many for volumes that many may use', () => {
    assert.equal(isShareable({ spec: { accessModes: ['ReadWriteOnce'] } }), false)
    assert.equal(isShareable({ spec: { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] } }), true)
    assert.equal(isShareable({ spec: {} }), true)
  })
})
