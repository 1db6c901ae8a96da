import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import type { core } from '#api'
import { manualClock } from '#testing/basics'
import { MemoryRuntime } from '../cri/memory/memory-runtime.ts'
import { type NodeHarness, nodeHarness, testPod } from '../testing/node-harness.fixture.ts'
import { findLogind, followLogind } from './logind.ts'
import { NodeShutdown } from './node-shutdown.ts'
import { planShutdown, shutdownGroups } from './plan-shutdown.ts'

describe('the order of a shutdown', () => {
  const pod = (name: string, priority: number, grace = 30): core.Pod =>
    testPod(name, { containers: [], priority, terminationGracePeriodSeconds: grace })
  const told = (...args: Parameters<typeof planShutdown>) =>
    planShutdown(...args).map((step) => [step.graceSeconds, ...step.pods.map((one) => `${one.pod.metadata?.name} ${one.graceSeconds}`)])

  test('critical pods come last, with what is kept for them', () => {
    const pods = [pod('a', 0), pod('b', 2_000_001_000), pod('c', -5, 3)]
    assert.deepEqual(told(shutdownGroups(30, 10), pods), [
      [20, 'a 20', 'c 3'],
      [10, 'b 10'],
    ])
  })
  test('priorities have times of their own; a group without pods takes none', () => {
    const groups = shutdownGroups(0, 0, '1000=60,0=5,10=20')
    assert.deepEqual(told(groups, [pod('a', 9), pod('b', 1000), pod('c', -1)]), [
      [5, 'a 5', 'c 5'],
      [60, 'b 30'],
    ])
  })
  test('what contradicts itself is refused', () => {
    assert.throws(() => shutdownGroups(10, 20), /longer/)
    assert.throws(() => shutdownGroups(10, 0, '0=5'), /twice/)
    assert.throws(() => shutdownGroups(0, 0, '0'), /not a grace period/)
  })
})

describe('a node that goes down', () => {
  let dir: string
  let scope: CancellableScope
  let node: NodeHarness
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'shutdown-'))
  })
  after(() => {
    scope.cancel()
    rmSync(dir, { recursive: true, force: true })
  })

  test('ends its pods in order, tells why, and takes no others, until it is taken back', async () => {
    const clock = manualClock()
    scope = rootScope({ clock })
    const runtime = new MemoryRuntime()
    runtime.addImage('app:1')
    node = nodeHarness(scope, runtime, dir)
    await node.manager.start([])
    const shutdown = new NodeShutdown({ groups: shutdownGroups(30, 10), pods: node.manager, changed: () => undefined })
    const containers = [{ name: 'main', image: 'app:1' }]
    node.manager.set(testPod('web', { containers }))
    node.manager.set(testPod('system', { containers, priority: 2_000_000_000 }))
    const phase = (name: string) => node.status(name)?.phase
    await node.until('running', () => phase('web') === 'Running' && phase('system') === 'Running')
    let isOver = false
    void shutdown.begin(scope).then(() => {
      isOver = true
    })
    assert.throws(() => shutdown.admit(), {
      reason: 'NodeShutdown',
      message: 'Pod was rejected: Pod was rejected as the node is shutting down.',
    })
    await node.until('web has ended', () => phase('web') === 'Failed')
    assert.equal(phase('system'), 'Running')
    await node.until('all have ended', () => {
      clock.advance(1)
      return phase('system') === 'Failed'
    })
    await node.until('it is over', () => {
      clock.advance(50)
      return isOver
    })
    assert.equal(node.status('web')?.reason, 'Terminated')
    assert.equal(node.status('web')?.message, 'Pod was terminated in response to imminent node shutdown.')
    const condition = node.status('web')?.conditions?.find(({ type }) => type === 'DisruptionTarget')
    assert.equal(condition?.reason, 'TerminationByKubelet')
    shutdown.takeBack()
    assert.doesNotThrow(() => shutdown.admit())
  })

  test('hears of it from logind, which it keeps waiting', async () => {
    using own = rootScope()
    const program = (name: string, script: string): void => {
      writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`)
      chmodSync(join(dir, name), 0o755)
    }
    program('systemd-inhibit', `trap 'echo free >> ${dir}/lock; exit 0' TERM; echo "held $*" >> ${dir}/lock; while :; do sleep 0.05; done`)
    const signal = '{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[true]}}'
    program(
      'busctl',
      `case "$*" in *get-property*) echo 't 5000000';; *) sleep 0.1; echo Monitoring; echo '${signal}'; exec sleep 30;; esac`,
    )
    const programs = findLogind(dir)
    assert.ok(programs)
    const lock = (): string => {
      try {
        return readFileSync(join(dir, 'lock'), 'utf8')
      } catch {
        return ''
      }
    }
    let heldAtBegin = ''
    const shutdown = new NodeShutdown({
      groups: [],
      pods: { workers: [], end: () => undefined, byUid: () => undefined },
      changed: () => {
        heldAtBegin = lock()
      },
    })
    void followLogind(own, programs, shutdown)
    const deadline = performance.now() + 10_000
    while (!lock().includes('free')) {
      assert.ok(performance.now() < deadline, `not let go: ${lock()}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.match(heldAtBegin, /^held --what=shutdown --mode=delay/)
    assert.equal(shutdown.isUnderWay, true)
  })
})
