import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { MemoryRuntime } from '../cri/memory/memory-runtime.ts'
import { RuntimeError } from '../cri/runtime.ts'
import { manualClock } from '#testing/basics'
import { type NodeHarness, deleted, nodeHarness, testPod } from '../testing/node-harness.fixture.ts'

describe('a pod on a node', () => {
  let dir: string
  let clock: ReturnType<typeof manualClock>
  let scope: CancellableScope
  let runtime: MemoryRuntime
  let node: NodeHarness

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'node-'))
    clock = manualClock()
    scope = rootScope({ clock })
    runtime = new MemoryRuntime()
    runtime.addImage('app:1')
    node = nodeHarness(scope, runtime, dir)
    await node.manager.start([])
  })
  afterEach(() => {
    scope.cancel()
    rmSync(dir, { recursive: true, force: true })
  })

  const web = testPod('web', { containers: [{ name: 'main', image: 'app:1' }] })
  const main = (name = 'web') => node.status(name)?.containerStatuses?.[0]
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  test('comes up, is told, and goes away without a trace', async () => {
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    assert.equal(node.status('web')?.podIP, '10.0.0.2')
    assert.equal(main()?.ready, true)
    node.manager.set(deleted(web))
    await node.until('gone', () => node.manager.workers.length === 0)
    assert.deepEqual(node.confirmed, ['web'])
    assert.equal(node.status('web')?.phase, 'Succeeded')
    assert.deepEqual(await runtime.listPodSandboxes(), [])
    assert.deepEqual(await runtime.listContainers(), [])
  })

  test('leaves its place to others as soon as the API has it no more, while it still ends', async () => {
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    const [worker] = node.manager.workers
    assert.equal(worker?.holdsPlace, true)
    node.manager.set(deleted(web))
    assert.equal(worker?.holdsPlace, true)
    node.manager.remove(web.metadata?.uid ?? '')
    assert.equal(worker?.holdsPlace, false)
    await node.until('gone', () => node.manager.workers.length === 0)
  })

  test('is gone for the API while its sandbox is being stopped, but not while something is being started in it', async () => {
    const stopping = Promise.withResolvers<void>()
    const { stopPodSandbox } = runtime
    runtime.stopPodSandbox = async (own, id) => {
      await stopping.promise
      await stopPodSandbox.call(runtime, own, id)
    }
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    node.manager.set(deleted(web))
    await node.until('gone for the API', () => node.confirmed.length === 1)
    assert.equal(node.status('web')?.phase, 'Succeeded')

    const starting = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const { startContainer } = runtime
    runtime.startContainer = async (own, id) => {
      asked.resolve()
      await starting.promise
      await startContainer.call(runtime, own, id)
    }
    const late = testPod('late', { containers: [{ name: 'main', image: 'app:1' }] })
    node.manager.set(late)
    await asked.promise
    node.manager.set(deleted(late))
    await settled()
    assert.deepEqual(node.confirmed, ['web'])
    starting.resolve()
    await node.until('gone, too', () => node.confirmed.length === 2)
    stopping.resolve()
    await node.until('nothing is left', () => node.manager.workers.length === 0)
    assert.deepEqual(await runtime.listContainers(), [])
  })

  test('stays as it is when the runtime is listed in the moment before it was there, and is made anew when it is really gone', async () => {
    const { listPodSandboxes, listContainers } = runtime
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    const before = main()?.containerID
    runtime.listPodSandboxes = async () => []
    runtime.listContainers = async () => []
    clock.advance(60_000)
    await settled()
    assert.deepEqual(
      node.events.filter((event) => event.includes('Killing')),
      [],
    )
    assert.equal(main()?.containerID, before)

    Object.assign(runtime, { listPodSandboxes, listContainers })
    const [sandbox] = await runtime.listPodSandboxes()
    await runtime.removePodSandbox(scope, sandbox?.id ?? '')
    clock.advance(60_000)
    await node.until('another one', () => main()?.state?.running !== undefined && main()?.containerID !== before)
  })

  test('comes up with what the runtime had made of it when it was killed in the middle of a start', async () => {
    const { runPodSandbox, listPodSandboxes } = runtime
    const [made, cut] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let lists = 0
    runtime.listPodSandboxes = () => {
      lists++
      return listPodSandboxes.call(runtime)
    }
    runtime.runPodSandbox = async (own, spec) => {
      if ((await listPodSandboxes.call(runtime)).length > 0) throw new RuntimeError('failed', 'the name of the sandbox is reserved')
      const id = await runPodSandbox.call(runtime, own, spec)
      made.resolve()
      await cut.promise
      return id
    }
    node.manager.set(web)
    await made.promise
    // It is listed while the start is under way, as when it is back before that has found out.
    clock.advance(60_000)
    await node.until('listed', () => lists > 0)
    await settled()
    cut.reject(new RuntimeError('unavailable', 'the connection was cut'))
    // Tries again come with time, and the next list only after a minute.
    let seconds = 0
    const time = setInterval(() => seconds++ < 30 && clock.advance(1000), 5)
    try {
      await node.until('running', () => node.status('web')?.phase === 'Running')
    } finally {
      clearInterval(time)
    }
  })

  test('is restarted after a crash with growing delays', async () => {
    runtime.processes.set('app:1', { exitsAfterMs: 1000, exitCode: 3 })
    node.manager.set(web)
    const crash = async (restarts: number): Promise<void> => {
      await node.until(`run ${restarts}`, () => main()?.restartCount === restarts && main()?.state?.running !== undefined)
      clock.advance(1000)
    }
    await crash(0)
    await crash(1)
    await node.until('back-off', () => main()?.state?.waiting?.reason === 'CrashLoopBackOff')
    assert.ok(main()?.state?.waiting?.message?.startsWith('back-off 10s '))
    clock.advance(9999)
    await settled()
    assert.equal(main()?.restartCount, 1)
    clock.advance(1)
    await crash(2)
    await node.until('longer back-off', () => main()?.state?.waiting?.message?.startsWith('back-off 20s ') === true)
    assert.equal(main()?.lastState?.terminated?.exitCode, 3)
  })

  for (const [what, jumpMs] of [
    ['back', -3_600_000],
    ['on', 3_600_000],
  ] as const)
    test(`waits for a restart, a pull and its own end no longer when the clock is set ${what} by an hour`, async () => {
      runtime.processes.set('app:1', { exitsAfterMs: 1000, exitCode: 3 })
      node.manager.set(web)
      for (const restarts of [0, 1]) {
        await node.until(`run ${restarts}`, () => main()?.restartCount === restarts && main()?.state?.running !== undefined)
        clock.advance(1000)
      }
      await node.until('back-off', () => main()?.state?.waiting?.reason === 'CrashLoopBackOff')
      clock.jump(jumpMs)
      clock.advance(10_000)
      await node.until('run 2', () => main()?.restartCount === 2)

      const pulling = testPod('pulling', { containers: [{ name: 'main', image: 'new:1' }] })
      node.manager.set(pulling)
      await node.until('pull failed', () => main('pulling')?.state?.waiting?.reason === 'ErrImagePull')
      clock.jump(jumpMs)
      runtime.addImage('new:1')
      clock.advance(10_000)
      await node.until('pulled', () => node.status('pulling')?.phase === 'Running')

      node.manager.set(deleted(pulling))
      clock.jump(jumpMs)
      await node.until('gone', () => node.manager.byUid('uid-pulling') === undefined)
    })

  test('is left alone by a new agent until that has seen what there is of it', async () => {
    node.manager.set(web)
    await node.until('running', () => main()?.ready === true)
    scope.cancel()
    scope = rootScope({ clock })
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const read = runtime.podSandboxStatus.bind(runtime)
    runtime.podSandboxStatus = async (own, id) => {
      ask()
      await answered
      return await read(own, id)
    }
    const next = nodeHarness(scope, runtime, dir)
    const starting = next.manager.start([web])
    await asked
    next.manager.set({ ...web, metadata: { ...web.metadata, labels: { changed: 'meanwhile' } } })
    await settled()
    answer()
    await starting
    await settled()
    assert.equal((await runtime.listPodSandboxes()).length, 1)
    assert.equal((await runtime.listContainers()).length, 1)
  })

  test('is adopted by a new agent without being touched', async () => {
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    const before = (await runtime.listContainers()).map(({ id, attempt, state }) => ({ id, attempt, state }))
    const told = node.status('web')
    assert.ok(told)
    scope.cancel()
    scope = rootScope({ clock })
    const next = nodeHarness(scope, runtime, dir)
    await next.manager.start([{ ...web, status: told }])
    await next.until('told again', () => next.status('web')?.phase === 'Running')
    await settled()
    assert.deepEqual(
      (await runtime.listContainers()).map(({ id, attempt, state }) => ({ id, attempt, state })),
      before,
    )
    assert.equal(next.status('web')?.containerStatuses?.[0]?.ready, true)
    assert.deepEqual(next.events, [])
  })

  test('that nobody knows is taken down by a new agent', async () => {
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    scope.cancel()
    scope = rootScope({ clock })
    const next = nodeHarness(scope, runtime, dir)
    await next.manager.start([])
    await next.until('gone', () => next.manager.workers.length === 0)
    assert.deepEqual([await runtime.listContainers(), await runtime.listPodSandboxes()], [[], []])
  })

  test('waits for a ConfigMap and starts when it comes', async () => {
    node.manager.set(
      testPod('web', {
        volumes: [{ name: 'config', configMap: { name: 'settings' } }],
        containers: [{ name: 'main', image: 'app:1', volumeMounts: [{ name: 'config', mountPath: '/etc/app' }] }],
      }),
    )
    await node.until('refused', () =>
      node.events.some(
        (event) => event === 'web Warning FailedMount: MountVolume.SetUp failed for volume "config" : configmap "settings" not found',
      ),
    )
    assert.deepEqual(await runtime.listPodSandboxes(), [])
    node.configMaps.set('settings', { level: 'high' })
    node.objectChanged('uid-web')
    await node.until('running', () => node.status('web')?.phase === 'Running')
    const file = join(dir, 'pods/uid-web/volumes/kubernetes.io~configmap/config/level')
    assert.equal(readFileSync(file, 'utf8'), 'high')
    node.configMaps.set('settings', { level: 'low' })
    node.objectChanged('uid-web')
    await node.until('updated', () => readFileSync(file, 'utf8') === 'low')
  })

  test('says why its environment cannot be made', async () => {
    node.manager.set(
      testPod('web', {
        containers: [{ name: 'main', image: 'app:1', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: 'a' } } }] }],
      }),
    )
    await node.until('refused', () => main()?.state?.waiting?.reason === 'CreateContainerConfigError')
    assert.equal(main()?.state?.waiting?.message, 'secret "keys" not found')
  })

  test('shows a failed pull and tries again', async () => {
    node.manager.set(testPod('web', { containers: [{ name: 'main', image: 'other:2' }] }))
    await node.until('failed', () => main()?.state?.waiting?.reason === 'ErrImagePull')
    clock.advance(1000)
    await node.until('waiting', () => main()?.state?.waiting?.reason === 'ImagePullBackOff')
    runtime.addImage('other:2')
    clock.advance(9000)
    await node.until('running', () => node.status('web')?.phase === 'Running')
  })

  test('gets a new sandbox when its own dies', async () => {
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    const [sandbox] = await runtime.listPodSandboxes()
    assert.ok(sandbox)
    runtime.killSandbox(scope, sandbox.id)
    await node.until('running again', () => main()?.restartCount === 1 && main()?.state?.running !== undefined)
    assert.equal(node.status('web')?.podIP, '10.0.0.3')
  })

  test('is killed when it does not obey within its grace', async () => {
    runtime.processes.set('app:1', { stopsAfterMs: 60_000 })
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    node.manager.set(deleted(web, 5))
    await settled()
    assert.equal(main()?.state?.terminated, undefined)
    clock.advance(5000)
    await node.until('gone', () => node.manager.workers.length === 0)
    assert.equal(main()?.state?.terminated?.exitCode, 137)
    assert.equal(node.status('web')?.phase, 'Failed')
  })

  test('can be killed sooner than first asked', async () => {
    runtime.processes.set('app:1', { stopsAfterMs: 60_000 })
    node.manager.set(web)
    await node.until('running', () => node.status('web')?.phase === 'Running')
    node.manager.set(deleted(web, 30))
    await settled()
    node.manager.set(deleted(web, 0))
    await node.until('gone', () => node.confirmed.length === 1)
    assert.equal(node.events.filter((event) => event.includes('Killing')).length, 1)
  })

  test('is ready by its probe and restarted by its other probe', async () => {
    const exec = (word: string) => ({ exec: { command: [word] }, periodSeconds: 1, failureThreshold: 2 })
    runtime.execs.set('ready', { exitCode: 1, stdout: Buffer.from('not yet'), stderr: new Uint8Array() })
    node.manager.set(
      testPod('web', { containers: [{ name: 'main', image: 'app:1', readinessProbe: exec('ready'), livenessProbe: exec('live') }] }),
    )
    await node.until('unhealthy', () => node.events.includes('web Warning Unhealthy: Readiness probe failed: not yet'))
    assert.equal(main()?.ready, false)
    runtime.execs.delete('ready')
    clock.advance(1000)
    await node.until('ready', () => main()?.ready === true)
    runtime.execs.set('live', { exitCode: 1, stdout: new Uint8Array(), stderr: new Uint8Array() })
    for (let second = 0; second < 3; second++) {
      clock.advance(1000)
      await settled()
    }
    await node.until('restarted', () => main()?.restartCount === 1)
    assert.ok(node.events.includes('web Normal Killing: Container main failed liveness probe, will be restarted'))
  })

  test('tries its sandbox again when the runtime refuses', async () => {
    runtime.failures.set('runPodSandbox', new RuntimeError('failed', 'rpc error: code = Unknown desc = no'))
    node.manager.set(web)
    await node.until('refused', () =>
      node.events.includes('web Warning FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = no'),
    )
    clock.advance(1000)
    await node.until('running', () => node.status('web')?.phase === 'Running')
  })

  test('says why its process could not be started', async () => {
    runtime.failures.set('startContainer', new RuntimeError('failed', 'rpc error: code = Unknown desc = no such file'))
    node.manager.set(web)
    await node.until('refused', () => main()?.state?.waiting?.reason === 'RunContainerError')
    clock.advance(10_000)
    await node.until('running', () => node.status('web')?.phase === 'Running')
  })

  test('that is deleted while its image is pulled goes at once', async () => {
    const pulling = Promise.withResolvers<string>()
    runtime.pullImage = (own) => {
      own.signal.addEventListener('abort', () => pulling.reject(own.signal.reason))
      return pulling.promise
    }
    const pod = testPod('web', { containers: [{ name: 'main', image: 'slow:1' }] })
    node.manager.set(pod)
    await node.until('pulling', () => node.events.some((event) => event.includes('Pulling')))
    node.manager.set(deleted(pod))
    await node.until('gone', () => node.manager.workers.length === 0)
    assert.deepEqual([await runtime.listContainers(), await runtime.listPodSandboxes()], [[], []])
  })

  test('fails after its deadline with the reason', async () => {
    node.manager.set(testPod('web', { activeDeadlineSeconds: 10, containers: [{ name: 'main', image: 'app:1' }] }))
    await node.until('running', () => node.status('web')?.phase === 'Running')
    clock.advance(10_000)
    await node.until('failed', () => node.status('web')?.phase === 'Failed')
    assert.equal(node.status('web')?.reason, 'DeadlineExceeded')
  })
})
