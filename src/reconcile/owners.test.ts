import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adoptPatch, releasePatch } from './owners.ts'

const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'u1' }
const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'u2', controller: true, blockOwnerDeletion: true }

test('who takes an object over stands before its other owners, and leaves them where they are', () => {
  const object = { metadata: { uid: 'o', resourceVersion: '1', ownerReferences: [other] } }
  assert.deepEqual(adoptPatch(object, owner), { metadata: { uid: 'o', resourceVersion: '1', ownerReferences: [owner, other] } })
  const adopted = { metadata: { ...object.metadata, ownerReferences: [owner, other] } }
  assert.deepEqual(releasePatch(adopted, 'u2'), { metadata: { uid: 'o', resourceVersion: '1', ownerReferences: [other] } })
})
