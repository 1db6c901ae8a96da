import assert from 'node:assert/strict'
import { test } from 'node:test'
import type * as core from '../../types/core-v1.gen.ts'
import { deployments } from '../../groups/apps/deployment.ts'
import { cronJobs } from '../../groups/batch/cron-job.ts'
import { endpointSlices } from '../../groups/discovery/endpoint-slice.ts'
import { networkPolicies } from '../../groups/networking/network-policy.ts'
import { changeRefusals, refusals } from '../../groups/refusals.fixture.ts'
import { pods } from '../../groups/core/pod.ts'

const pod = (container: object, spec: object = {}): core.Pod => ({
  metadata: { name: 'p', namespace: 'n' },
  spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec },
})

test('what a container may do is shown as the server has it in memory, with all that is not set', () => {
  const securityContext = {
    allowPrivilegeEscalation: false,
    privileged: true,
    capabilities: { drop: ['ALL'] },
    seLinuxOptions: { level: 's0' },
  }
  assert.deepEqual(refusals(pods, pod({ securityContext })), [
    'spec.containers[0].securityContext: Invalid value: {"Capabilities":{"Add":null,"Drop":["ALL"]},"Privileged":true,' +
      '"SELinuxOptions":{"User":"","Role":"","Type":"","Level":"s0"},"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,' +
      '"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}: ' +
      'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
  ])
  const profile = { securityContext: { seccompProfile: { type: 'RuntimeDefault', localhostProfile: 'x' } } }
  assert.match(refusals(pods, pod(profile)).join(), /Invalid value: \{"Type":"RuntimeDefault","LocalhostProfile":"x"\}: can only be set/)
})

test('so are claims of devices and when a Job has succeeded; selectors are shown in their order, without what is empty', () => {
  assert.match(
    refusals(pods, pod({}, { resourceClaims: [{ name: 'r' }] })).join(),
    /Invalid value: \{"Name":"r","ResourceClaimName":null,"ResourceClaimTemplateName":null\}: must specify one of/,
  )
  const spec = {
    selector: { matchExpressions: [{ operator: 'Exists', key: 'a' }], matchLabels: { b: '1', a: '2' } },
    successPolicy: { rules: [{ succeededCount: 1 }] },
    template: pod({}, { restartPolicy: 'Never' }),
  }
  const cronJob = { metadata: { name: 'c', namespace: 'n' }, spec: { schedule: '* * * * *', jobTemplate: { spec } } }
  assert.deepEqual(refusals(cronJobs, cronJob), [
    'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"2","b":"1"},"matchExpressions":[{"key":"a","operator":"Exists"}]}: `selector` will be auto-generated',
    'spec.jobTemplate.spec.successPolicy: Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: requires indexed completion mode',
  ])
})

test('a name of a resource for the whole pod is looked at before whether pods can have it', () => {
  assert.deepEqual(refusals(pods, pod({}, { resources: { limits: { odd: '1', 'a.b/c': '1' } } })), [
    'spec.resources.limits[odd]: Invalid value: "odd": must be a standard resource type or fully qualified',
    'spec.resources.limits[a.b/c]: Unsupported value: "a.b/c": supported values: "cpu", "hugepages-", "memory"',
  ])
})

test('ports that end before they begin are refused with where they begin', () => {
  const policy = { metadata: { name: 'n' }, spec: { podSelector: {}, ingress: [{ ports: [{ port: 5, endPort: 2 }] }] } }
  assert.deepEqual(refusals(networkPolicies, policy), [
    'spec.ingress[0].ports[0].endPort: Invalid value: 5: must be greater than or equal to `port`',
  ])
})

test('a selector and parameters that change are shown in their order; endpoints that were there are not looked at again', () => {
  const deployment = { metadata: { name: 'd', namespace: 'n' }, spec: { selector: { matchLabels: { a: 'b' } }, template: pod({}) } }
  const changed = changeRefusals(deployments, deployment, ({ spec }) => {
    if (spec !== undefined) spec.selector = { matchExpressions: [], matchLabels: { b: '1', a: '2' } }
  })
  assert.ok(changed.includes('spec.selector: Invalid value: {"matchLabels":{"a":"2","b":"1"}}: field is immutable'), changed.join('\n'))
  const slice = { metadata: { name: 's', namespace: 'n' }, addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] }
  const moved = changeRefusals(endpointSlices, slice, (draft) => {
    draft.addressType = 'IPv6'
  })
  assert.deepEqual(moved, ['addressType: Invalid value: "IPv6": field is immutable'])
})
