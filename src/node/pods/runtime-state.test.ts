import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import type { ContainerRuntime, ContainerState } from '../cri/runtime.ts'
import { RuntimeState } from './runtime-state.ts'

test('the end of a container is found though the runtime tells older states first', async () => {
  using scope = rootScope()
  const states: ContainerState[] = ['created', 'running', 'running', 'exited']
  const runtime = {
    containerStatus: async (_: unknown, id: string) => ({
      id,
      name: 'main',
      state: states.shift() ?? 'exited',
      annotations: {},
      exitCode: 0,
    }),
  } as Partial<Record<keyof ContainerRuntime, unknown>> as ContainerRuntime
  const state = new RuntimeState(runtime)
  state.expect('c', 's')
  await state.readAfterExit(scope, 'c')
  assert.equal(state.containers[0]?.state, 'exited')
  assert.deepEqual(states, [])
})
