import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { core } from '#api'
import type { ContainerView, PodSnapshot } from '../plan/snapshot.ts'
import { isLost } from './initialized.ts'

const ended = (exitCode: number) => ({ terminated: { exitCode } })

/** Which containers are lost of a pod of two init containers and a main one, by what there is of them and what was told. */
function lost(
  runs: Readonly<Record<string, number>>,
  told: Readonly<Record<string, object>> = {},
  second: Partial<core.Container> = {},
): string {
  const status = (name: string): core.ContainerStatus[] =>
    told[name] === undefined ? [] : [{ name, state: { waiting: {} }, ...told[name] } as core.ContainerStatus]
  const spec = { initContainers: [{ name: 'first' }, { name: 'second', ...second }], containers: [{ name: 'main' }] }
  const pod: core.Pod = {
    spec,
    status: { initContainerStatuses: [...status('first'), ...status('second')], containerStatuses: status('main') },
  }
  const containers = Object.entries(runs).map(([name, exitCode]) => ({ name, state: 'exited', exitCode }) as ContainerView)
  const snapshot = { pod, containers } as unknown as PodSnapshot
  return [...spec.initContainers, ...spec.containers]
    .filter((container) => isLost(snapshot, container))
    .map(({ name }) => name)
    .join(' ')
}

describe('of a pod that is over, what counts as lost', () => {
  const cases: readonly [what: string, found: string, expected: string][] = [
    ['nothing began', lost({}), 'first'],
    ['the first failed', lost({ first: 1 }), 'first'],
    ['the first ended well', lost({ first: 0 }), 'first'],
    ['the second failed', lost({ second: 1 }), 'first second'],
    ['the second ended well', lost({ second: 0 }), 'first second main'],
    ['it was told that it had', lost({}, { second: { state: ended(0) } }), 'first second main'],
    ['the main one has begun all the same', lost({}, { main: { lastState: ended(1) } }), 'first main'],
    ['a sidecar was up', lost({}, { second: { state: { running: {} }, started: true } }, { restartPolicy: 'Always' }), 'first second main'],
    ['a sidecar was not up yet', lost({}, { second: { state: { running: {} } } }, { restartPolicy: 'Always' }), 'first second'],
  ]
  for (const [what, found, expected] of cases) test(what, () => assert.equal(found, expected))
})
