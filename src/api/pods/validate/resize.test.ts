import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type * as core from '../../types/core-v1.gen.ts'
import { onlyResources } from '../parts.ts'
import { validateResize } from './resize.ts'

const asking = (cpu: string, more: Partial<core.Container> = {}): core.Container => ({
  name: 'c',
  image: 'i',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'Always',
  resources: { requests: { cpu } },
  ...more,
})
const podOf = (spec: Partial<core.PodSpec>): core.Pod => ({
  metadata: { name: 'p', namespace: 'a' },
  spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', containers: [asking('1')], ...spec },
})

/** What is wrong with it, as `FIELD: WHY`. */
function refusals(before: Partial<core.PodSpec>, wanted: Partial<core.PodSpec>): readonly string[] {
  const [old, pod] = [podOf(before), podOf(wanted)]
  onlyResources(pod, old)
  const errors: Parameters<typeof validateResize>[2] = []
  validateResize(pod, old, errors)
  return errors.map(({ field, message }) => `${field}: ${message.replace(/^Forbidden: /, '')}`)
}

describe('other resources for a pod that runs', () => {
  const init = (cpu: string, more: Partial<core.Container> = {}): Partial<core.PodSpec> => ({
    initContainers: [asking(cpu, { name: 'i', ...more })],
  })
  const ofPod = (resources?: core.ResourceRequirements): Partial<core.PodSpec> => ({ ...(resources && { resources }) })
  const two = [asking('1'), asking('1', { name: 'd' })]
  const cases: readonly [what: string, before: Partial<core.PodSpec>, wanted: Partial<core.PodSpec>, refused: readonly string[]][] = [
    ['of a container', {}, { containers: [asking('2')] }, []],
    ['of an init container', init('1'), init('2'), []],
    ['of the pod', ofPod({ requests: { cpu: '1' } }), ofPod({ requests: { cpu: '2' } }), []],
    [
      'none for a container',
      {},
      { containers: [asking('1', { resources: {} })] },
      [
        'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
        'spec.containers[0].resources.requests: resource requests cannot be removed',
      ],
    ],
    ['none for the pod', ofPod({ requests: { cpu: '1' } }), {}, ['spec.resources: pod-level resources cannot be removed']],
    [
      'containers in another order',
      { containers: two },
      { containers: two.toReversed() },
      [
        'spec.containers[0].name: containers may not be renamed or reordered on resize',
        'spec.containers[1].name: containers may not be renamed or reordered on resize',
      ],
    ],
    ['one more init container', {}, init('1'), ['spec.initContainers: initContainers may not be added or removed on resize']],
    [
      'another policy',
      {},
      { containers: [asking('1', { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }] })] },
      ['spec: only cpu and memory resources are mutable'],
    ],
    [
      'another kind of resource',
      init('1'),
      init('1', { resources: { requests: { cpu: '1', 'ephemeral-storage': '1Gi' } } }),
      ['spec.initContainers[0]: only cpu and memory resources for init or sidecar containers are mutable'],
    ],
  ]
  for (const [what, before, wanted, refused] of cases) test(what, () => assert.deepEqual(refusals(before, wanted), refused))
})
