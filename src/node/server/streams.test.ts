import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { MemoryRuntime } from '../cri/memory/memory-runtime.ts'
import type { PodWorker } from '../pods/pod-worker.ts'
import { NotRunning } from '../refusal.ts'
import { runtimeStreams } from './streams.ts'

test('what does not run is refused in the words of a kubelet', async () => {
  using scope = rootScope()
  const ended = {
    pod: { metadata: { name: 'web', namespace: 'shop' } },
    state: { sandboxes: [], containers: [{ name: 'app', state: 'exited' }] },
  }
  const streams = runtimeStreams({ byName: () => ended as unknown as PodWorker }, new MemoryRuntime(), {
    process: () => Promise.reject(new Error('nothing runs')),
    portForward: () => Promise.reject(new Error('nothing runs')),
  })
  const at = { namespace: 'shop', name: 'web', container: 'app' }
  const wants = { command: ['ls'], tty: false, stdin: false, stdout: true, stderr: true }
  const refusal = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'not refused',
      (error: unknown) => (error instanceof NotRunning ? error.message : String(error)),
    )
  assert.equal(await refusal(streams.exec(scope, at, wants)), 'container not found ("app")')
  assert.equal(await refusal(streams.attach(scope, at, wants)), 'container app not found in pod web_shop')
  assert.equal(await refusal(streams.portForward(scope, at)), 'pod not found ("web_shop")')
})
