import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { manualClock } from '#testing/basics'
import { MemoryRuntime } from '../cri/memory/memory-runtime.ts'
import { type NodeHarness, nodeHarness, testPod } from '../testing/node-harness.fixture.ts'
import { Evictor } from './evictor.ts'
import { type Observations, parseThresholds } from './thresholds.ts'

describe('a node that runs short', () => {
  let dir: string
  let clock: ReturnType<typeof manualClock>
  let scope: CancellableScope
  let node: NodeHarness
  let availableMi: number
  let freed: number
  let evictor: Evictor

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'node-'))
    clock = manualClock()
    scope = rootScope({ clock })
    const runtime = new MemoryRuntime()
    runtime.addImage('app:1')
    node = nodeHarness(scope, runtime, dir)
    await node.manager.start([])
    availableMi = 1000
    freed = 0
    const observe = (): Observations => new Map([['nodefs.available', { available: availableMi * 2 ** 20, capacity: 2000 * 2 ** 20 }]])
    evictor = new Evictor({
      runtime,
      pods: node.manager,
      events: { record: () => undefined },
      settings: node.settings,
      options: { thresholds: parseThresholds('nodefs.available<100Mi'), mostGraceSeconds: 0, transitionMs: 60_000 },
      freeDisk: async () => {
        availableMi += freed
      },
      changed: () => undefined,
      observe,
    })
  })
  afterEach(() => {
    scope.cancel()
    rmSync(dir, { recursive: true, force: true })
  })
  const running = async (name: string, emptyDirLimit?: string): Promise<void> => {
    const volumes = emptyDirLimit === undefined ? [] : [{ name: 'cache', emptyDir: { sizeLimit: emptyDirLimit } }]
    node.manager.set(testPod(name, { volumes, containers: [{ name: 'main', image: 'app:1' }] }))
    await node.until('running', () => node.status(name)?.phase === 'Running')
  }

  test('frees the disk before a pod goes', async () => {
    await running('web')
    availableMi = 50
    freed = 500
    await evictor.look(scope)
    assert.deepEqual([...evictor.pressures(clock.now())], ['DiskPressure'])
    clock.advance(59_000)
    await evictor.look(scope)
    assert.equal(node.status('web')?.phase, 'Running')
    assert.deepEqual([...evictor.pressures(clock.now())], ['DiskPressure'])
    clock.advance(1000)
    assert.deepEqual([...evictor.pressures(clock.now())], [])
  })

  test('evicts one pod, and waits until it is gone before the next', async () => {
    await running('one')
    await running('two')
    availableMi = 50
    await evictor.look(scope)
    await evictor.look(scope)
    const evicted = (): string[] => ['one', 'two'].filter((name) => node.status(name)?.reason === 'Evicted')
    await node.until('evicted', () => evicted().length === 1)
    const [name = ''] = evicted()
    await node.until('failed', () => node.status(name)?.phase === 'Failed')
    assert.match(node.status(name)?.message ?? '', /^The node was low on resource: ephemeral-storage\. /)
    assert.equal(node.status(name)?.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason, 'TerminationByKubelet')
    await evictor.look(scope)
    await node.until('the other', () => evicted().length === 2)
  })

  test('a pod that writes more than its emptyDir may hold is evicted', async () => {
    await running('writer', '64Ki')
    const path = join(node.settings.podsDir, 'uid-writer/volumes/kubernetes.io~empty-dir/cache')
    mkdirSync(path, { recursive: true })
    writeFileSync(join(path, 'file'), Buffer.alloc(32 * 1024))
    await evictor.look(scope)
    assert.equal(node.status('writer')?.phase, 'Running')
    writeFileSync(join(path, 'file'), Buffer.alloc(128 * 1024))
    clock.advance(60_000)
    await evictor.look(scope)
    await node.until('evicted', () => node.status('writer')?.phase === 'Failed')
    assert.equal(node.status('writer')?.message, 'Usage of EmptyDir volume "cache" exceeds the limit "64Ki". ')
  })
})
