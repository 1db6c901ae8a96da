import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rootScope } from '#base'
import type { ContainerRuntime, ContainerState, ContainerStatus } from '../cri/runtime.ts'
import { ANNOTATIONS } from './pod-facts.ts'
import { RuntimeState } from './runtime-state.ts'

/** A runtime that has one container, and tells of it what is `next`. */
function stateOf(next: () => Partial<ContainerStatus> & { readonly state: ContainerState }): RuntimeState {
  const containerStatus = async (_: unknown, id: string) => ({ id, name: 'main', annotations: {}, exitCode: 0, reason: '', ...next() })
  return new RuntimeState({ containerStatus } as Partial<Record<keyof ContainerRuntime, unknown>> as ContainerRuntime)
}
const exit = (exitCode: number) => ({ type: 'exit', containerId: 'c', sandboxId: undefined, exitCode, atMs: 7 }) as const

test('the end of a container is found though the runtime tells older states first', async () => {
  using scope = rootScope()
  const states: ContainerState[] = ['created', 'running', 'running', 'exited']
  const state = stateOf(() => ({ state: states.shift() ?? 'exited' }))
  state.expect('c', 's')
  await state.readAfterExit(scope, 'c')
  assert.equal(state.containers[0]?.state, 'exited')
  assert.deepEqual(states, [])
})

test('an answer that comes late does not bring back what was removed', async () => {
  using scope = rootScope()
  let state = 'running' as ContainerState
  const runtime = stateOf(() => ({ state, annotations: { [ANNOTATIONS.terminationMessageFile]: '/nowhere' } }))
  await runtime.readContainer(scope, 'c', 's')
  state = 'exited'
  const reading = runtime.readContainer(scope, 'c', 's')
  // It waits for the file with its message now.
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  runtime.removed('c')
  assert.equal(await reading, undefined)
  assert.deepEqual(runtime.containers, [])
})

describe('an event tells how a container has ended', () => {
  test('before the runtime has put it down, and no longer', async () => {
    using scope = rootScope()
    let told: Partial<ContainerStatus> & { readonly state: ContainerState } = { state: 'running' }
    const state = stateOf(() => told)
    await state.readContainer(scope, 'c', 's')
    await state.noteEnd(exit(3))
    assert.equal(state.containers[0]?.state, 'running', 'its log may still be written')
    const [ended] = state.containersByEvents
    assert.deepEqual([ended?.state, ended?.exitCode, ended?.reason, ended?.finishedAtMs], ['exited', 3, 'Error', 7])
    told = { state: 'exited', exitCode: 4, reason: 'OOMKilled' }
    await state.readAfterExit(scope, 'c')
    assert.deepEqual([state.containersByEvents[0]?.exitCode, state.containersByEvents[0]?.reason], [4, 'OOMKilled'])
  })

  const fallback = { [ANNOTATIONS.terminationMessagePolicy]: 'FallbackToLogsOnError' }
  const cases: [string, Partial<ContainerStatus>, number, boolean][] = [
    ['one that ended well', {}, 0, true],
    ['one that was killed, perhaps for want of memory', {}, 137, false],
    ['one of which the runtime knows why it will end', { reason: 'OOMKilled' }, 0, false],
    ['one whose log is its message', { annotations: fallback }, 1, false],
    ['one whose log is its message only when it fails', { annotations: fallback }, 0, true],
  ]
  for (const [title, status, exitCode, isKnown] of cases)
    test(title, async () => {
      using scope = rootScope()
      const state = stateOf(() => ({ state: 'running', ...status }))
      await state.readContainer(scope, 'c', 's')
      await state.noteEnd(exit(exitCode))
      assert.equal(state.containersByEvents[0]?.state, isKnown ? 'exited' : 'running')
    })

  test('not of one that was short of memory', async () => {
    using scope = rootScope()
    const state = stateOf(() => ({ state: 'running' }))
    await state.readContainer(scope, 'c', 's')
    state.noteShortage('c')
    await state.noteEnd(exit(0))
    assert.equal(state.containersByEvents[0]?.state, 'running')
  })
})
