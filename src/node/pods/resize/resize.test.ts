import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import type { core } from '#api'
import { manualClock } from '#testing/basics'
import { MemoryRuntime } from '../../cri/memory/memory-runtime.ts'
import { RuntimeError } from '../../cri/runtime.ts'
import { type NodeHarness, nodeHarness, testPod } from '../../testing/node-harness.fixture.ts'

const asking = (cpu: string, generation: number, extra: Partial<core.Container> = {}): core.Pod => {
  const pod = testPod('web', {
    containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu }, limits: { cpu } }, ...extra }],
  })
  return { ...pod, metadata: { ...pod.metadata, generation } }
}

describe('a pod that asks for other resources', () => {
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

  const main = () => node.status('web')?.containerStatuses?.[0]
  const condition = (type: string) => node.status('web')?.conditions?.find((one) => one.type === type)
  const running = async (pod: core.Pod): Promise<void> => {
    node.manager.set(pod)
    await node.until('running', () => node.status('web')?.phase === 'Running')
  }

  test('gets them while it runs', async () => {
    await running(asking('100m', 1))
    node.manager.set(asking('200m', 2))
    await node.until('resized', () => main()?.resources?.limits?.['cpu'] === '200m')
    assert.deepEqual(main()?.allocatedResources, { cpu: '200m' })
    assert.equal(main()?.restartCount, 0)
    assert.deepEqual(
      runtime.updates.map(({ resources }) => [resources.cpuQuotaUs, resources.cpuShares]),
      [[20_000, 204]],
    )
    assert.equal(condition('PodResizeInProgress'), undefined)
    const summary = '{"containers":[{"name":"main","resources":{"requests":{"cpu":"200m"},"limits":{"cpu":"200m"}}}],"generation":2}'
    assert.deepEqual(
      node.events.filter((event) => event.includes('Resize')),
      [`web Normal ResizeStarted: Pod resize started: ${summary}`, `web Normal ResizeCompleted: Pod resize completed: ${summary}`],
    )
  })

  test('gets them for an init container that runs, and for one that has yet to', async () => {
    const first = (cpu: string, generation: number): core.Pod => {
      const resources = { requests: { cpu }, limits: { cpu } }
      const initContainers = ['first', 'second'].map((name) => ({ name, image: 'app:1', resources }))
      const pod = testPod('web', { initContainers, containers: [{ name: 'main', image: 'app:1' }] })
      return { ...pod, metadata: { ...pod.metadata, generation } }
    }
    const init = () => node.status('web')?.initContainerStatuses ?? []
    node.manager.set(first('100m', 1))
    await node.until('the first one runs', () => init()[0]?.state?.running !== undefined)
    node.manager.set(first('200m', 2))
    await node.until('resized', () => init()[0]?.resources?.limits?.['cpu'] === '200m')
    assert.deepEqual(
      runtime.updates.map(({ resources }) => resources.cpuQuotaUs),
      [20_000],
    )
    assert.deepEqual(
      init().map(({ allocatedResources, restartCount }) => [allocatedResources, restartCount]),
      [
        [{ cpu: '200m' }, 0],
        [{ cpu: '200m' }, 0],
      ],
    )
  })

  test('is restarted for them when it says so', async () => {
    const extra = { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }
    await running(asking('100m', 1, extra))
    node.manager.set(asking('200m', 2, extra))
    await node.until('restarted', () => main()?.restartCount === 1 && main()?.state?.running !== undefined)
    assert.equal(main()?.resources?.limits?.['cpu'], '200m')
    assert.deepEqual(runtime.updates, [])
    assert.ok(node.events.includes('web Normal Killing: Container main resize requires restart'))
  })

  test('keeps what it has while there is no room, and gets it when there is', async () => {
    await running(asking('100m', 1))
    let full = true
    node.refuseResize = () => (full ? { reason: 'OutOfcpu', message: 'not enough' } : undefined)
    node.manager.set(asking('900m', 2))
    await node.until('deferred', () => condition('PodResizePending') !== undefined)
    assert.deepEqual(
      [condition('PodResizePending')?.reason, condition('PodResizePending')?.message, condition('PodResizePending')?.observedGeneration],
      ['Deferred', 'not enough', 2],
    )
    assert.deepEqual(main()?.allocatedResources, { cpu: '100m' })
    full = false
    node.manager.roomChanged()
    await node.until('resized', () => main()?.resources?.limits?.['cpu'] === '900m')
    assert.equal(condition('PodResizePending'), undefined)
  })

  test('keeps what it has for good when the node can never give the other', async () => {
    await running(asking('100m', 1))
    node.refuseResize = () => ({ reason: 'Infeasible', message: 'never' })
    node.manager.set(asking('900m', 2))
    await node.until('refused', () => condition('PodResizePending') !== undefined)
    assert.deepEqual([condition('PodResizePending')?.reason, condition('PodResizePending')?.message], ['Infeasible', 'never'])
    assert.ok(node.events.some((event) => event.startsWith('web Warning ResizeInfeasible: Pod resize Infeasible: ')))
  })

  test('gets them as a whole, too', async () => {
    const whole = (cpu: string, generation: number): core.Pod => {
      const pod = testPod('web', {
        containers: [{ name: 'main', image: 'app:1' }],
        resources: { requests: { cpu }, limits: { cpu } },
        overhead: { cpu: '10m' },
      })
      return { ...pod, metadata: { ...pod.metadata, generation } }
    }
    await running(whole('100m', 1))
    assert.deepEqual(node.status('web')?.allocatedResources, { cpu: '110m' })
    node.manager.set(whole('200m', 2))
    await node.until('resized', () => node.status('web')?.resources?.limits?.['cpu'] === '210m')
    assert.deepEqual(node.status('web')?.allocatedResources, { cpu: '210m' })
    assert.equal(condition('PodResizeInProgress'), undefined)
    assert.deepEqual(runtime.updates.at(-1)?.resources.cpuQuotaUs, 20_000, 'its container has no limit of its own')
    assert.deepEqual(main()?.resources, {})
    const status = node.status('web')
    scope.cancel()
    scope = rootScope({ clock })
    node = nodeHarness(scope, runtime, dir)
    node.refuseResize = () => ({ reason: 'OutOfcpu', message: 'not enough' })
    await node.manager.start([{ ...whole('900m', 3), ...(status && { status }) }])
    await node.until('deferred', () => condition('PodResizePending') !== undefined)
    assert.deepEqual(node.status('web')?.allocatedResources, { cpu: '210m' })
  })

  test('gets them as a whole when it had none before, once there is room', async () => {
    await running(asking('100m', 1))
    let full = true
    node.refuseResize = () => (full ? { reason: 'OutOfcpu', message: 'not enough' } : undefined)
    const { spec, metadata } = asking('100m', 2)
    node.manager.set({ metadata, spec: { containers: [], ...spec, resources: { requests: { cpu: '300m' }, limits: { cpu: '400m' } } } })
    await node.until('deferred', () => condition('PodResizePending') !== undefined)
    assert.deepEqual(node.status('web')?.allocatedResources, { cpu: '100m' })
    full = false
    node.manager.roomChanged()
    await node.until('resized', () => node.status('web')?.resources?.limits?.['cpu'] === '400m')
    assert.deepEqual(node.status('web')?.allocatedResources, { cpu: '300m' })
    assert.equal(condition('PodResizeInProgress'), undefined)
  })

  test('is told when the runtime refuses, and it is tried again', async () => {
    await running(asking('100m', 1))
    runtime.failures.set('updateContainerResources', new RuntimeError('failed', 'no'))
    node.manager.set(asking('200m', 2))
    await node.until('failed', () => condition('PodResizeInProgress')?.reason === 'Error')
    assert.deepEqual(main()?.resources?.limits, { cpu: '100m' })
    clock.advance(10_000)
    await node.until('resized', () => main()?.resources?.limits?.['cpu'] === '200m')
  })

  test('a new agent goes on from what the API was told', async () => {
    await running(asking('100m', 1))
    const status = node.status('web')
    scope.cancel()
    scope = rootScope({ clock })
    node = nodeHarness(scope, runtime, dir)
    node.refuseResize = () => ({ reason: 'OutOfcpu', message: 'not enough' })
    await node.manager.start([{ ...asking('900m', 2), ...(status && { status }) }])
    await node.until('deferred', () => condition('PodResizePending') !== undefined)
    assert.deepEqual(main()?.allocatedResources, { cpu: '100m' })
    assert.deepEqual(runtime.updates, [])
  })
})
