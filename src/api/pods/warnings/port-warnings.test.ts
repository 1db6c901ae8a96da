import assert from 'node:assert/strict'
import { it } from 'node:test'
import type * as core from '../../types/core-v1.gen.ts'
import { portWarnings } from './port-warnings.ts'

const warned = (initContainers: readonly core.ContainerPort[][], containers: readonly core.ContainerPort[][]): readonly string[] => {
  const warnings: string[] = []
  const named = (ports: core.ContainerPort[], i: number): core.Container => ({ name: `c${i}`, ports })
  portWarnings({ initContainers: initContainers.map(named), containers: containers.map(named) }, 'spec', warnings)
  return warnings
}
const port = (containerPort: number, rest: Partial<core.ContainerPort> = {}): core.ContainerPort => ({
  containerPort,
  protocol: 'TCP',
  ...rest,
})

it('compares the ports of all containers with each other, one pair at a time', () => {
  assert.deepEqual(
    warned(
      [[port(80)], [port(80)]],
      [[port(80, { hostPort: 8080 })], [port(80, { hostPort: 8080, hostIP: '10.0.0.1' })], [port(80, { protocol: 'UDP' })]],
    ),
    [
      'spec.initContainers[1].ports[0]: duplicate port definition with spec.initContainers[0].ports[0]',
      'spec.containers[0].ports[0]: overlapping port definition with spec.initContainers[0].ports[0]',
      'spec.containers[0].ports[0]: overlapping port definition with spec.initContainers[1].ports[0]',
      'spec.containers[1].ports[0]: overlapping port definition with spec.initContainers[0].ports[0]',
      'spec.containers[1].ports[0]: overlapping port definition with spec.initContainers[1].ports[0]',
      'spec.containers[1].ports[0]: dangerously ambiguous port definition with spec.containers[0].ports[0]',
    ],
  )
})

it('says of names after it has said all of numbers', () => {
  assert.deepEqual(warned([[port(80, { name: 'x' })]], [[port(81, { name: 'x' }), port(81)]]), [
    'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
    'spec.containers[0].ports[0]: duplicate port name "x" with spec.initContainers[0].ports[0], services and probes that select ports by name will use spec.initContainers[0].ports[0]',
  ])
})
