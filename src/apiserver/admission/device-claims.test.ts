import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type KubeObject, type Resource, type ResourceRef, type resource, refs } from '#api'
import { fakeObjects } from '../auth/reader.fake.ts'
import type { AccessQuestion, AdmissionRequest, AdmissionStep } from '../contract.ts'
import { claimStatusAuthorization, deviceAdminAccess } from './device-claims.ts'

const scope = rootScope()
const claim = (adminAccess: boolean, status: resource.ResourceClaim['status'] = {}): resource.ResourceClaim => ({
  metadata: { name: 'c', namespace: 'a' },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', adminAccess } }] } },
  status,
})
async function outcome(
  step: AdmissionStep,
  object: KubeObject,
  old: KubeObject | undefined,
  extra: AdmissionRequest['user']['extra'] = {},
): Promise<string> {
  const request: AdmissionRequest = {
    operation: old === undefined ? 'CREATE' : 'UPDATE',
    resource: refs.resourceclaims as ResourceRef as Resource,
    subresource: old === undefined ? '' : 'status',
    namespace: 'a',
    name: 'c',
    user: { name: 'system:serviceaccount:a:driver', groups: [], extra },
    dryRun: false,
    object,
    old,
    options: { kind: 'PatchOptions' },
    warn: () => undefined,
  }
  assert.ok(step.handles(request))
  try {
    await step.validate?.(scope, request)
    return 'allowed'
  } catch (error) {
    return (error as Error).message
  }
}

test('devices of others are open only to namespaces that are labelled for it', async () => {
  const objects = fakeObjects()
  objects.put(refs.namespaces, { metadata: { name: 'a' } })
  const step = deviceAdminAccess(objects)
  assert.match(await outcome(step, claim(true), undefined), /requests\[0\]\.adminAccess: Forbidden: admin access to devices requires/)
  assert.equal(await outcome(step, claim(false), undefined), 'allowed')
  objects.put(refs.namespaces, { metadata: { name: 'a', labels: { 'resource.kubernetes.io/admin-access': 'true' } } })
  assert.equal(await outcome(step, claim(true), undefined), 'allowed')
})

test('binding and the state of devices need rights of their own', async () => {
  const asked: string[] = []
  const rights = new Set<string>()
  const step = claimStatusAuthorization({
    name: 'test',
    authorize: (_scope, { verb, subresource, name }: AccessQuestion) => {
      const text = `${verb} ${subresource} ${name}`.trim()
      asked.push(text)
      return rights.has(text) ? { kind: 'allow', reason: '' } : { kind: 'no-opinion', reason: '' }
    },
  })
  const allocation = {
    devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'x' }] },
    nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }] },
  }
  const bound = claim(false, { allocation })
  assert.match(await outcome(step, bound, claim(false)), /changing status.allocation or status.reservedFor requires/)
  rights.add('patch binding')
  assert.equal(await outcome(step, bound, claim(false)), 'allowed')
  const reported = claim(false, { allocation, devices: [{ driver: 'd', pool: 'p', device: 'x' }] })
  rights.add('associated-node:patch driver d')
  assert.match(await outcome(step, reported, bound), /verb="\[arbitrary-node:patch\]" permission/)
  assert.equal(await outcome(step, reported, bound, { 'authentication.kubernetes.io/node-name': ['n1'] }), 'allowed')
  assert.ok(asked.includes('arbitrary-node:patch driver d'))
})
