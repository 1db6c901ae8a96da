import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, test } from 'node:test'
import { rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { MemoryRuntime } from '../cri/memory/memory-runtime.ts'
import { nodeHarness, testPod } from '../testing/node-harness.fixture.ts'
import { VolumeUpkeep } from './volume-upkeep.ts'

describe('the upkeep of volumes', () => {
  let clock: ReturnType<typeof manualClock>
  let isUp: boolean
  let failures: unknown[]
  /** Each refresh that has begun, to be ended by hand. */
  let begun: PromiseWithResolvers<number | undefined>[]
  let upkeep: VolumeUpkeep
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }

  beforeEach(() => {
    clock = manualClock()
    isUp = true
    failures = []
    begun = []
    const refresh = (): Promise<number | undefined> => {
      const one = Promise.withResolvers<number | undefined>()
      begun.push(one)
      return one.promise
    }
    upkeep = new VolumeUpkeep(
      rootScope({ clock }),
      refresh,
      () => isUp,
      (failure) => failure !== undefined && failures.push(failure),
    )
  })

  test('begins by itself when the pod is up, and again when something is due', async () => {
    isUp = false
    clock.advance(30_000)
    assert.equal(begun.length, 0)
    isUp = true
    clock.advance(30_000)
    assert.equal(begun.length, 1)
    begun[0]?.resolve(clock.now() + 100_000)
    await turns()
    clock.advance(99_999)
    assert.equal(begun.length, 1)
    clock.advance(1)
    assert.equal(begun.length, 2)
    begun[1]?.resolve(undefined)
    await turns()
    clock.advance(10_000_000)
    assert.equal(begun.length, 2)
  })

  test('does one at a time, and one more for all that came meanwhile', async () => {
    upkeep.refresh()
    upkeep.refresh()
    upkeep.refresh()
    assert.equal(begun.length, 1)
    begun[0]?.resolve(undefined)
    await turns()
    assert.equal(begun.length, 2)
    begun[1]?.resolve(undefined)
    await turns()
    assert.equal(begun.length, 2)
  })

  test('tries again after a failure, and never at once for what is long due', async () => {
    upkeep.refresh()
    begun[0]?.reject(new Error('no'))
    await turns()
    assert.deepEqual(failures.map(String), ['Error: no'])
    clock.advance(30_000)
    assert.equal(begun.length, 2)
    begun[1]?.resolve(clock.now() - 5000)
    await turns()
    assert.equal(begun.length, 2)
    clock.advance(1000)
    assert.equal(begun.length, 3)
  })

  test('has ended when the one under way has, and begins no other', async () => {
    upkeep.refresh()
    upkeep.refresh()
    let ended = false
    const end = upkeep.end().then(() => (ended = true))
    await turns()
    assert.equal(ended, false)
    begun[0]?.resolve(clock.now())
    await end
    upkeep.refresh()
    clock.advance(1_000_000)
    await turns()
    assert.equal(begun.length, 1)
  })
})

test('a pod has its token renewed in time, by a new agent too, and when it could not be had once', async (context) => {
  const dir = mkdtempSync(join(tmpdir(), 'upkeep-'))
  const clock = manualClock()
  const runtime = new MemoryRuntime()
  runtime.addImage('app:1')
  let scope = rootScope({ clock })
  context.after(() => {
    scope.cancel()
    rmSync(dir, { recursive: true, force: true })
  })
  const node = nodeHarness(scope, runtime, dir)
  await node.manager.start([])
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const volume = { name: 'api', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }
  const mount = { name: 'api', mountPath: '/api' }
  const pod = testPod('web', { containers: [{ name: 'main', image: 'app:1', volumeMounts: [mount] }], volumes: [volume] })
  const file = join(dir, 'memory', pod.metadata?.uid ?? '', 'volumes/kubernetes.io~projected/api/token')
  const late = (text: string) => (): boolean => {
    clock.advance(60_000)
    return readFileSync(file, 'utf8') === text
  }
  node.manager.set(pod)
  await node.until('running', () => node.status('web')?.phase === 'Running')
  assert.equal(readFileSync(file, 'utf8'), 'token')
  node.tokens.push('second')
  await node.until('renewed', late('second'))
  node.tokens.push('')
  clock.advance(3_600_000)
  await settled()
  node.tokens.push('third')
  await node.until('renewed when it could be had again', late('third'))
  const status = node.status('web')
  assert.ok(status)
  scope.cancel()
  scope = rootScope({ clock })
  const next = nodeHarness(scope, runtime, dir)
  next.tokens.push('fourth')
  await next.manager.start([{ ...pod, status }])
  await next.until('renewed by the new one', late('fourth'))
})
