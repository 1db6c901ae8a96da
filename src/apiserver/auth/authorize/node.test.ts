import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootScope } from '#base'
import { type core, refs } from '#api'
import type { AccessQuestion, UserInfo } from '../../contract.ts'
import { fakeObjects } from '../reader.fake.ts'
import { nodeRules } from '../rbac/policy/policy.ts'
import { authorize, mastersAuthorizer, refusal } from './authorize.ts'
import { nodeAuthorizer } from './node.ts'

const scope = rootScope()
const node = (name: string): UserInfo => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'], extra: {} })
const objects = fakeObjects()
const pod = (name: string, nodeName: string, spec: Partial<core.PodSpec>, annotations = {}): core.Pod => ({
  metadata: { name, namespace: 'a', annotations },
  spec: { containers: [], nodeName, ...spec },
})
objects.put(
  refs.pods,
  pod('mine', 'n1', {
    serviceAccountName: 'sa',
    imagePullSecrets: [{ name: 'pull' }],
    containers: [{ name: 'c', env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'settings', key: 'k' } } }] }],
    volumes: [
      { name: 'v', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'scratch', ephemeral: {} },
    ],
    resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu-claim' }],
  }),
  pod('other', 'n2', { imagePullSecrets: [{ name: 'theirs' }] }),
  pod('unbound', '', { imagePullSecrets: [{ name: 'nobody' }] }),
  pod('mirror', 'n1', { imagePullSecrets: [{ name: 'wanted' }] }, { 'kubernetes.io/config.mirror': 'x' }),
)
objects.put(
  refs.persistentvolumeclaims,
  { metadata: { name: 'data', namespace: 'a' }, spec: { volumeName: 'pv1' } },
  { metadata: { name: 'stolen', namespace: 'a' }, spec: { volumeName: 'pv2' } },
)
const csi = { driver: 'd', volumeHandle: 'h', nodePublishSecretRef: { name: 'csi-secret', namespace: 'storage' } }
objects.put(
  refs.persistentvolumes,
  { metadata: { name: 'pv1' }, spec: { claimRef: { name: 'data', namespace: 'a' }, csi } },
  { metadata: { name: 'pv2' }, spec: { claimRef: { name: 'else', namespace: 'b' } } },
)
objects.put(refs.volumeattachments, { metadata: { name: 'va' }, spec: { attacher: 'd', nodeName: 'n1', source: {} } })

const authorizer = nodeAuthorizer(objects, nodeRules())
const question = (asked: Partial<AccessQuestion>): AccessQuestion => ({
  user: node('n1'),
  verb: 'get',
  isResource: true,
  group: '',
  version: 'v1',
  resource: 'secrets',
  subresource: '',
  namespace: 'a',
  name: '',
  path: '',
  ...asked,
})
const answer = (asked: Partial<AccessQuestion>): string => {
  const decision = authorizer.authorize(scope, question(asked))
  assert.ok(!(decision instanceof Promise))
  return decision.kind === 'allow' ? 'allow' : decision.reason
}
const UNRELATED = "no relationship found between node 'n1' and this object"

const SLICES = { group: 'resource.k8s.io', resource: 'resourceslices', namespace: '', name: '' }

describe('the node authorizer', () => {
  const cases: readonly (readonly [string, Partial<AccessQuestion>, string])[] = [
    ['a secret of its pod', { name: 'pull' }, 'allow'],
    ['watching a secret of its pod', { name: 'pull', verb: 'watch' }, 'allow'],
    ['a secret of the volume of its pod', { name: 'csi-secret', namespace: 'storage' }, 'allow'],
    ['a secret of that name elsewhere', { name: 'pull', namespace: 'b' }, UNRELATED],
    [
      'taking back what drivers announce of it',
      { ...SLICES, verb: 'deletecollection', fieldSelector: 'spec.driver=d,spec.nodeName=n1' },
      'allow',
    ],
    [
      'taking back what drivers announce of others',
      { ...SLICES, verb: 'deletecollection', fieldSelector: 'spec.nodeName=n2' },
      'can only list/watch/deletecollection resourceslices with nodeName field selector',
    ],
    ["another node's secret", { name: 'theirs' }, UNRELATED],
    ['a secret of a pod without a node', { name: 'nobody' }, UNRELATED],
    ['a secret that a mirror pod names', { name: 'wanted' }, UNRELATED],
    ['all secrets', { verb: 'list' }, 'No Object name found'],
    ['secrets of all namespaces', { verb: 'list', namespace: '' }, 'can only read namespaced object of this type'],
    ['writing a secret', { verb: 'update', name: 'pull' }, 'can only read resources of this type'],
    ['a config map of its pod', { resource: 'configmaps', name: 'settings' }, 'allow'],
    ['a claim of its pod', { resource: 'persistentvolumeclaims', name: 'data' }, 'allow'],
    ['the claim of an ephemeral volume', { resource: 'persistentvolumeclaims', name: 'mine-scratch' }, 'allow'],
    [
      'the status of a claim of its pod',
      { resource: 'persistentvolumeclaims', subresource: 'status', verb: 'patch', name: 'data' },
      'allow',
    ],
    ['a volume of its pod', { resource: 'persistentvolumes', namespace: '', name: 'pv1' }, 'allow'],
    ['a volume that only a claim points to', { resource: 'persistentvolumes', namespace: '', name: 'pv2' }, UNRELATED],
    ['its attachment', { group: 'storage.k8s.io', resource: 'volumeattachments', namespace: '', name: 'va' }, 'allow'],
    ['a claim on a device', { group: 'resource.k8s.io', resource: 'resourceclaims', name: 'gpu-claim' }, 'allow'],
    ["a token of its pod's account", { resource: 'serviceaccounts', subresource: 'token', verb: 'create', name: 'sa' }, 'allow'],
    ['a token of another account', { resource: 'serviceaccounts', subresource: 'token', verb: 'create', name: 'x' }, UNRELATED],
    [
      'an account itself',
      { resource: 'serviceaccounts', verb: 'create', name: 'sa' },
      'can only create token subresource of serviceaccount',
    ],
    ['its pod', { resource: 'pods', name: 'mine' }, 'allow'],
    ["another node's pod", { resource: 'pods', name: 'other' }, UNRELATED],
    ['its pods', { resource: 'pods', verb: 'watch', namespace: '', fieldSelector: 'metadata.namespace=x,spec.nodeName=n1' }, 'allow'],
    [
      "another node's pods",
      { resource: 'pods', verb: 'list', fieldSelector: 'spec.nodeName=n2' },
      'can only list/watch pods with spec.nodeName field selector',
    ],
    [
      'all pods but its own',
      { resource: 'pods', verb: 'list', fieldSelector: 'spec.nodeName!=n1' },
      'can only list/watch pods with spec.nodeName field selector',
    ],
    ['patching a pod', { resource: 'pods', verb: 'patch', name: 'mine' }, ''],
    ['the status of a pod', { resource: 'pods', subresource: 'status', verb: 'patch', name: 'mine' }, 'allow'],
    ['exec into a pod', { resource: 'pods', subresource: 'exec', verb: 'create', name: 'mine' }, ''],
    ['itself', { resource: 'nodes', namespace: '', name: 'n1' }, 'allow'],
    ['another node', { resource: 'nodes', namespace: '', name: 'n2' }, "node 'n1' cannot read 'n2', only its own Node object"],
    ['all nodes', { resource: 'nodes', namespace: '', verb: 'list' }, "node 'n1' cannot read all nodes, only its own Node object"],
    ['deleting itself', { resource: 'nodes', namespace: '', verb: 'delete', name: 'n1' }, ''],
    ['its lease', { group: 'coordination.k8s.io', resource: 'leases', namespace: 'kube-node-lease', verb: 'update', name: 'n1' }, 'allow'],
    [
      'a lease elsewhere',
      { group: 'coordination.k8s.io', resource: 'leases', verb: 'update', name: 'n1' },
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    ['services, by the rules of its role', { resource: 'services', verb: 'list', namespace: '' }, 'allow'],
    ['deployments', { group: 'apps', resource: 'deployments', verb: 'list' }, ''],
  ]
  for (const [what, asked, wanted] of cases)
    it(`${wanted === 'allow' ? 'allows' : 'refuses'} ${what}`, () => assert.equal(answer(asked), wanted))

  it('is only for nodes, and for known ones', () => {
    assert.equal(answer({ user: { ...node('n1'), groups: ['system:authenticated'] }, name: 'pull' }), '')
    assert.equal(answer({ user: { ...node(''), name: 'system:node:' }, name: 'pull' }), 'unknown node for user "system:node:"')
  })

  it('uses the index of the server where there is one', () => {
    const asked: string[] = []
    const indexed = nodeAuthorizer(
      {
        ...objects,
        list: () => assert.fail('not by a search'),
        select: (ref, field, value) => {
          asked.push(`${field}=${value}`)
          return objects.list(ref).filter((one) => (one as core.Pod).spec?.nodeName === value)
        },
      },
      [],
    )
    assert.deepEqual(indexed.authorize(scope, question({ name: 'pull' })), { kind: 'allow', reason: '' })
    assert.deepEqual(asked, ['spec.nodeName=n1'])
  })
})

describe('refusals', () => {
  it('say who cannot do what where, and why', async () => {
    const asked = question({ name: 'theirs' })
    const decision = await authorize(scope, [mastersAuthorizer, authorizer], asked)
    assert.equal(
      refusal(asked, decision.reason).message,
      `secrets "theirs" is forbidden: User "system:node:n1" cannot get resource "secrets" in API group "" in the namespace "a": ${UNRELATED}`,
    )
    const path = question({ isResource: false, resource: '', namespace: '', path: '/metrics', user: { name: 'x', groups: [], extra: {} } })
    assert.equal(refusal(path, '').message, 'forbidden: User "x" cannot get path "/metrics"')
    const all = question({ group: 'apps', resource: 'deployments', subresource: 'scale', namespace: '', verb: 'update' })
    assert.equal(
      refusal(all, '').message,
      'deployments.apps is forbidden: User "system:node:n1" cannot update resource "deployments/scale" in API group "apps" at the cluster scope',
    )
  })
})
