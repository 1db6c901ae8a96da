import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { limitedRuntime } from './limited-runtime.ts'
import type { ContainerRuntime, SandboxSpec } from './runtime.ts'

/** A runtime whose starts end when the test says so. */
function slowRuntime() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const start = async (name: string): Promise<string> => {
    begun.push(name)
    await new Promise<void>((resolve) => ends.set(name, resolve))
    return name
  }
  const runtime = {
    runPodSandbox: (_: unknown, { name }: SandboxSpec) => start(name),
    startContainer: async (_: unknown, id: string) => void (await start(id)),
    stopContainer: async (_: unknown, id: string) => void (await start(`stop ${id}`)),
    stopPodSandbox: async (_: unknown, id: string) => void (await start(`clear ${id}`)),
  } as Partial<ContainerRuntime> as ContainerRuntime
  return { runtime, begun, end: (name: string) => ends.get(name)?.() }
}
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}
const sandbox = (name: string): SandboxSpec => ({ name }) as SandboxSpec

test('no more starts than slots, and containers before sandboxes', async () => {
  using scope = rootScope({ clock: manualClock() })
  const slow = slowRuntime()
  const limited = limitedRuntime(scope, slow.runtime, 2)
  const all = [
    limited.runPodSandbox(scope, sandbox('a')),
    limited.runPodSandbox(scope, sandbox('b')),
    limited.runPodSandbox(scope, sandbox('c')),
    limited.startContainer(scope, 'x'),
  ]
  await turns()
  assert.deepEqual(slow.begun, ['a', 'b'])
  slow.end('a')
  await turns()
  assert.deepEqual(slow.begun, ['a', 'b', 'x'])
  for (const name of ['b', 'x']) slow.end(name)
  await turns()
  slow.end('c')
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', undefined])
})

test('a start that hangs does not keep its slot', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  const slow = slowRuntime()
  const limited = limitedRuntime(scope, slow.runtime, 1)
  void limited.runPodSandbox(scope, sandbox('hangs'))
  const next = limited.runPodSandbox(scope, sandbox('next'))
  await turns()
  clock.advance(2000)
  await turns()
  assert.deepEqual(slow.begun, ['hangs', 'next'])
  slow.end('next')
  assert.equal(await next, 'next')
})

test('what is stopped waits for no start, and only a moment for others that are stopped', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  const slow = slowRuntime()
  const limited = limitedRuntime(scope, slow.runtime, 1)
  void limited.startContainer(scope, 'a')
  for (let at = 0; at < 6; at++) void limited.stopContainer(scope, String(at), 30)
  void limited.stopPodSandbox(scope, 'x')
  void limited.stopPodSandbox(scope, 'y')
  await turns()
  assert.deepEqual(slow.begun, ['a', 'stop 0', 'stop 1', 'stop 2', 'stop 3', 'clear x'])
  // However long they take to obey.
  clock.advance(250)
  await turns()
  assert.deepEqual(slow.begun.slice(6), ['stop 4', 'stop 5'])
  slow.end('clear x')
  await turns()
  assert.deepEqual(slow.begun.slice(8), ['clear y'])
})

test('one that was cancelled while it waited is never begun', async () => {
  using scope = rootScope({ clock: manualClock() })
  const slow = slowRuntime()
  const limited = limitedRuntime(scope, slow.runtime, 1)
  const first = limited.startContainer(scope, 'first')
  const own = scope.child()
  const second = limited.startContainer(own, 'second')
  await turns()
  own.cancel()
  slow.end('first')
  await first
  await assert.rejects(second)
  assert.deepEqual(slow.begun, ['first'])
})
