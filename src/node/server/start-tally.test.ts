import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { StartTally } from './start-tally.ts'

test('each end of a container is counted once, by its kind, code and reason', () => {
  const tally = new StartTally()
  const of = (name: string, exitCode?: number): core.ContainerStatus => ({
    name,
    state: exitCode === undefined ? { running: {} } : { terminated: { exitCode, reason: 'Error' } },
    ready: false,
    restartCount: 0,
    image: '',
    imageID: '',
  })
  const [up, down, other] = [of('a'), of('a', 139), of('b', 139)]
  tally.ended(undefined, { containerStatuses: [up] })
  tally.ended({ containerStatuses: [up] }, { containerStatuses: [down], initContainerStatuses: [of('i', 1)] })
  tally.ended({ containerStatuses: [down] }, { containerStatuses: [down, other] })
  tally.ended({ containerStatuses: [up] }, { containerStatuses: [down] })
  const samples = tally.metrics().find(({ name }) => name === 'kubelet_terminated_containers_total')?.samples
  assert.deepEqual(samples, [
    { labels: { container_type: 'init_container', exit_code: '1', reason: 'Error' }, value: 1 },
    { labels: { container_type: 'container', exit_code: '139', reason: 'Error' }, value: 3 },
  ])
})
