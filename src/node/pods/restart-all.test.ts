import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import type { core } from '#api'
import { manualClock } from '#testing/basics'
import { MemoryRuntime } from '../cri/memory/memory-runtime.ts'
import { type NodeHarness, nodeHarness, testPod } from '../testing/node-harness.fixture.ts'

const RULES = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }]

describe('a pod whose containers are all started anew when one ends in a certain way', () => {
  let dir: string
  let clock: ReturnType<typeof manualClock>
  let scope: CancellableScope
  let runtime: MemoryRuntime
  let node: NodeHarness

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'restart-all-'))
    clock = manualClock()
    scope = rootScope({ clock })
    runtime = new MemoryRuntime()
    for (const image of ['init:1', 'app:1', 'source:1']) runtime.addImage(image)
    runtime.processes.set('init:1', { exitsAfterMs: 1 })
    runtime.processes.set('source:1', { exitsAfterMs: 5000, exitCode: 42 })
    node = nodeHarness(scope, runtime, dir)
    await node.manager.start([])
  })
  afterEach(() => {
    scope.cancel()
    rmSync(dir, { recursive: true, force: true })
  })

  const statuses = (): readonly core.ContainerStatus[] => {
    const { initContainerStatuses = [], containerStatuses = [] } = node.status('web') ?? {}
    return [...initContainerStatuses, ...containerStatuses]
  }
  const restarts = (): string[] => statuses().map(({ name, restartCount }) => `${name} ${restartCount}`)
  const isRunning = (...names: readonly string[]): boolean =>
    names.every((name) => statuses().find((status) => status.name === name)?.state?.running !== undefined)
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const conditions = (): string[] =>
    (node.told.get('web') ?? [])
      .map(({ conditions: all }) => all?.find(({ type }) => type === 'AllContainersRestarting')?.status ?? 'none')
      .filter((status, i, before) => status !== before[i - 1])
  const up = async (...names: readonly string[]): Promise<void> =>
    node.until(`${names.join(', ')} running`, () => {
      clock.advance(1)
      return isRunning(...names)
    })

  const never = { restartPolicy: 'Never' as const }
  const source = { name: 'source', image: 'source:1', restartPolicyRules: RULES, ...never }
  const whole = testPod('web', {
    restartPolicy: 'Never',
    initContainers: [
      { name: 'init', image: 'init:1' },
      { name: 'sidecar', image: 'app:1', restartPolicy: 'Always' },
    ],
    containers: [source, { name: 'regular', image: 'app:1' }],
  })

  test('has each of them restarted once, init containers first, and tells so', async () => {
    node.manager.set(whole)
    await up('sidecar', 'source', 'regular')
    const [sandbox] = await runtime.listPodSandboxes()
    runtime.processes.delete('source:1')
    clock.advance(5000)
    await node.until('all taken away', () => statuses().every(({ restartCount }) => restartCount === 1))
    await up('sidecar', 'source', 'regular')
    assert.deepEqual(restarts(), ['init 1', 'sidecar 1', 'source 1', 'regular 1'])
    for (const { name, lastState } of statuses())
      assert.deepEqual([lastState?.terminated?.reason, lastState?.terminated?.exitCode], ['RestartingAllContainers', 137], name)
    assert.deepEqual(conditions(), ['False', 'True', 'False'])
    const phases = new Set((node.told.get('web') ?? []).map(({ phase }) => phase))
    assert.deepEqual(phases, new Set(['Pending', 'Running']))
    assert.deepEqual(
      (await runtime.listPodSandboxes()).map(({ id }) => id),
      [sandbox?.id],
    )
    await settled()
    assert.deepEqual(restarts(), ['init 1', 'sidecar 1', 'source 1', 'regular 1'])
  })

  test('is over as others are when a container ends in another way', async () => {
    runtime.processes.set('source:1', { exitsAfterMs: 5000, exitCode: 1 })
    node.manager.set(testPod('web', { restartPolicy: 'Never', containers: [source] }))
    await up('source')
    clock.advance(5000)
    await node.until('failed', () => node.status('web')?.phase === 'Failed')
    assert.deepEqual(restarts(), ['source 0'])
    const condition = node.status('web')?.conditions?.find(({ type }) => type === 'AllContainersRestarting')
    assert.deepEqual([condition?.status, condition?.reason], ['False', 'PodFailed'])
  })

  test('breaks off what is being started beside it', async () => {
    runtime.images.clear()
    for (const image of ['init:1', 'source:1']) runtime.addImage(image)
    node.manager.set({ ...whole, spec: { ...whole.spec, containers: [source, { name: 'late', image: 'late:1' }], initContainers: [] } })
    await up('source')
    runtime.processes.delete('source:1')
    clock.advance(5000)
    await settled()
    runtime.addImage('late:1')
    await node.until('both run', () => {
      clock.advance(1000)
      return isRunning('source', 'late')
    })
    assert.deepEqual(restarts(), ['source 1', 'late 0'])
  })

  test('goes on with it when the agent was away in the middle', async () => {
    node.manager.set(whole)
    await up('sidecar', 'source', 'regular')
    const status = node.status('web')
    assert.ok(status)
    scope.cancel()
    clock.advance(5000)
    runtime.processes.delete('source:1')
    scope = rootScope({ clock })
    node = nodeHarness(scope, runtime, dir)
    const told = (status.conditions ?? []).map((one) => (one.type === 'AllContainersRestarting' ? { ...one, status: 'True' } : one))
    await node.manager.start([{ ...whole, status: { ...status, conditions: told } }])
    await node.until('all taken away', () => statuses().length > 0 && statuses().every(({ restartCount }) => restartCount === 1))
    await up('sidecar', 'source', 'regular')
    assert.deepEqual(restarts(), ['init 1', 'sidecar 1', 'source 1', 'regular 1'])
  })
})
