import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { core } from '#api'
import { PodRejected } from '../refusal.ts'
import { admitPod, requestsOf } from './admission.ts'

const node: core.Node = {
  metadata: { labels: { zone: 'a' } },
  status: { allocatable: { cpu: '2', memory: '1Gi', pods: '2', 'ephemeral-storage': '10Gi', 'hugepages-2Mi': '4Mi' } },
}
const pod = (spec: Partial<core.PodSpec> = {}): core.Pod => ({ spec: { containers: [{ name: 'main' }], ...spec } })
const asking = (cpu: string, extra: Partial<core.Container> = {}): core.Container => ({
  name: 'main',
  resources: { requests: { cpu } },
  ...extra,
})
const huge = (amount: string): core.Pod =>
  pod({ containers: [{ name: 'main', resources: { requests: { 'hugepages-2Mi': amount }, limits: { 'hugepages-2Mi': amount } } }] })
const port = (hostPort: number, hostIP = ''): core.Pod =>
  pod({ containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort, hostIP }] }] })

describe('what a node refuses', () => {
  const cases: readonly [what: string, pod: core.Pod, others: readonly core.Pod[], reason: string | undefined][] = [
    ['nothing that fits', pod({ containers: [asking('1')] }), [pod({ containers: [asking('1')] })], undefined],
    ['more processor time than is left', pod({ containers: [asking('1')] }), [pod({ containers: [asking('1500m')] })], 'OutOfcpu'],
    ['more huge pages than there are', huge('4Mi'), [huge('2Mi')], 'OutOfhugepages-2Mi'],
    [
      'not what somebody else of the cluster counts',
      pod({ containers: [{ name: 'main', resources: { requests: { 'a.example/x': '9' } } }] }),
      [],
      undefined,
    ],
    ['more pods than it holds', pod(), [pod(), pod()], 'OutOfpods'],
    ['a selector for other nodes', pod({ nodeSelector: { zone: 'b' } }), [], 'NodeAffinity'],
    ['a port that is taken', port(80), [port(80)], 'NodePorts'],
    ['not a port of another address', port(80, '10.0.0.1'), [port(80, '10.0.0.2')], undefined],
    ['another system', pod({ os: { name: 'windows' } }), [], 'PodOSNotSupported'],
    [
      'a restart of all containers, which it does not say that it can',
      pod({ containers: [{ name: 'main', restartPolicyRules: [{ action: 'RestartAllContainers' }] }] }),
      [],
      'PodFeatureUnsupported',
    ],
    [
      'groups that it cannot keep strict',
      pod({ securityContext: { supplementalGroupsPolicy: 'Strict' } }),
      [],
      'SupplementalGroupsPolicyNotSupported',
    ],
  ]
  for (const [what, of, others, reason] of cases) {
    test(what, () => {
      if (reason === undefined) assert.doesNotThrow(() => admitPod(of, others, node))
      else
        assert.throws(
          () => admitPod(of, others, node),
          (error) => error instanceof PodRejected && error.reason === reason,
        )
    })
  }
  test("the message is the scheduler's measure of it", () => {
    assert.throws(() => admitPod(pod({ containers: [asking('3')] }), [], node), {
      message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000",
    })
  })
})

test('init containers count by the largest, sidecars with all that comes after them', () => {
  const of = pod({
    initContainers: [asking('1', { name: 'a' }), asking('500m', { name: 'side', restartPolicy: 'Always' }), asking('2', { name: 'b' })],
    containers: [asking('1')],
  })
  assert.equal(requestsOf(of).get('cpu'), 2500)
})
