import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type KubeObject, type Resource, type ResourceRef, type resource, refs } from '#api'
import { fakeObjects } from '../auth/reader.fake.ts'
import { mastersAuthorizer } from '../auth/authorize/authorize.ts'
import type { AccessQuestion, AdmissionRequest, Authorizer } from '../contract.ts'
import type { RegistryHook } from '../registry/core.ts'
import { deviceClaimHooks } from './device-claims.ts'

const scope = rootScope()
const claim = (adminAccess: boolean, status: resource.ResourceClaim['status'] = {}): resource.ResourceClaim => ({
  metadata: { name: 'c', namespace: 'a' },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', adminAccess } }] } },
  status,
})
async function outcome(
  { causes }: RegistryHook,
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
  const errors = (await causes?.(scope, request)) ?? []
  return errors.map(({ field, message }) => `${field}: ${message}`).join('\n')
}
/** The rules of claims, beside objects and an authorizer. */
function rules(objects = fakeObjects(), authorizer: Authorizer = mastersAuthorizer): RegistryHook {
  const hook = deviceClaimHooks(objects, authorizer)['resourceclaims.resource.k8s.io']
  assert.ok(hook !== undefined)
  return hook
}

test('devices of others are open only to namespaces that are labelled for it', async () => {
  const objects = fakeObjects()
  objects.put(refs.namespaces, { metadata: { name: 'a' } })
  const hook = rules(objects)
  assert.match(await outcome(hook, claim(true), undefined), /requests\[0\]\.adminAccess: Forbidden: admin access to devices requires/)
  assert.equal(await outcome(hook, claim(false), undefined), '')
  objects.put(refs.namespaces, { metadata: { name: 'a', labels: { 'resource.kubernetes.io/admin-access': 'true' } } })
  assert.equal(await outcome(hook, claim(true), undefined), '')
})

test('binding and the state of devices need rights of their own', async () => {
  const asked: string[] = []
  const rights = new Set<string>()
  const hook = rules(undefined, {
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
  assert.match(await outcome(hook, bound, claim(false)), /changing status.allocation or status.reservedFor requires/)
  rights.add('patch binding')
  assert.equal(await outcome(hook, bound, claim(false)), '')
  const reported = claim(false, { allocation, devices: [{ driver: 'd', pool: 'p', device: 'x' }] })
  rights.add('associated-node:patch driver d')
  assert.match(await outcome(hook, reported, bound), /verb="\[arbitrary-node:patch\]" permission/)
  assert.equal(await outcome(hook, reported, bound, { 'authentication.kubernetes.io/node-name': ['n1'] }), '')
  assert.ok(asked.includes('arbitrary-node:patch driver d'))
})
