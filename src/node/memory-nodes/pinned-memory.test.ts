import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { rootScope } from '#base'
import type { core } from '#api'
import { propertyRuns } from '#testing/basics'
import { AlignedResources } from '../alignment/aligned-resources.ts'
import { nodesIn } from '../alignment/hints.ts'
import { NO_ALIGNMENT, type TopologyPolicy } from '../alignment/topology-policy.ts'
import { testPod } from '../testing/node-harness.fixture.ts'
import { machineOf } from '../topology/topology.fixture.ts'
import { PinnedMemory } from './pinned-memory.ts'
import { parseReservedMemory, verifyReservedMemory } from './reserved-memory.ts'

const scope = rootScope()
const GI = 2 ** 30
const machine = (nodes: number) => machineOf({ nodes, cores: 1, memoryBytes: 4 * GI })
const asking = (name: string, memory: string): core.Container => ({
  name,
  resources: { requests: { cpu: '1m', memory }, limits: { cpu: '1m', memory } },
})
const podOf = (name: string, ...memory: string[]): core.Pod => testPod(name, { containers: memory.map((one, at) => asking(`c${at}`, one)) })

describe('memory of few nodes', () => {
  let dir: string
  const open = async (nodes = 2, reserved = '0:memory=1Gi'): Promise<PinnedMemory> => {
    const memory = new PinnedMemory(join(dir, 'memory_manager_state'), machine(nodes), parseReservedMemory([reserved]))
    await memory.start()
    return memory
  }
  const give = (memory: PinnedMemory, pod: core.Pod, policy: Partial<TopologyPolicy> = {}, nodes = 2): Promise<void> =>
    new AlignedResources({ ...NO_ALIGNMENT, ...policy }, machine(nodes).nodes, [memory]).prepare(scope, pod)
  const on = (memory: PinnedMemory, pod: string, container = 'c0'): string =>
    memory
      .of(`uid-${pod}`, container)
      .map(({ nodes, type, bytes }) => `${type} ${bytes / GI} on ${nodesIn(nodes).join()}`)
      .join()
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'memory-'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  test('is from one node while one has enough, else from a group of nodes that others stay out of', async () => {
    const memory = await open()
    await give(memory, podOf('a', '3Gi'))
    await give(memory, podOf('b', '1Gi'))
    assert.deepEqual([on(memory, 'a'), on(memory, 'b')], ['memory 3 on 0', 'memory 1 on 1'])
    await assert.rejects(give(memory, podOf('c', '4Gi')), { reason: 'UnexpectedAdmissionError' })
    await memory.release(scope, podOf('a', '3Gi'))
    await memory.release(scope, podOf('b', '1Gi'))
    await give(memory, podOf('c', '5Gi'))
    assert.equal(on(memory, 'c'), 'memory 5 on 0,1')
    await assert.rejects(give(memory, podOf('d', '1Gi'), { name: 'single-numa-node' }), { reason: 'TopologyAffinityError' })
    await give(memory, podOf('e', '1Gi'))
    assert.equal(on(memory, 'e'), 'memory 1 on 0,1')
  })

  test('that an init container had goes to those after it', async () => {
    const memory = await open(1)
    const pod = testPod('a', { initContainers: [asking('init', '2Gi')], containers: [asking('c0', '2Gi'), asking('c1', '1Gi')] })
    await give(memory, pod, {}, 1)
    assert.deepEqual([on(memory, 'a', 'init'), on(memory, 'a'), on(memory, 'a', 'c1')], ['memory 0 on 0', 'memory 2 on 0', 'memory 1 on 0'])
    await assert.rejects(give(memory, podOf('b', '1Gi'), {}, 1))
  })

  test('is not given to pods that have not all guaranteed, nor where huge pages or what is reserved lie', async () => {
    const memory = await open(1)
    await give(memory, testPod('burst', { containers: [{ name: 'c0', resources: { requests: { memory: '2Gi' } } }] }), {}, 1)
    assert.equal(on(memory, 'burst'), '')
    assert.deepEqual(memory.usable, [{ nodes: 1, type: 'memory', bytes: 3 * GI }])
  })

  test('is written down; a book that does not fit the machine is not overwritten', async () => {
    await give(await open(), podOf('a', '2Gi', '1Gi'))
    const after = await open()
    assert.deepEqual([on(after, 'a'), on(after, 'a', 'c1')], ['memory 2 on 0', 'memory 1 on 0'])
    await after.keepOnly(new Set())
    assert.equal(on(after, 'a'), '')
    for (const block of [
      { numaAffinity: [2], type: 'memory', size: 1 },
      { numaAffinity: [0], type: 'memory', size: 8 * GI },
    ]) {
      writeFileSync(join(dir, 'memory_manager_state'), JSON.stringify({ policyName: 'Static', entries: { a: { c0: [block] } } }))
      await assert.rejects(open(), /does not fit this node/)
    }
  })

  test('what is reserved is exactly what the node keeps', () => {
    const reserved = parseReservedMemory(['0:memory=1Gi', '1:memory=512Mi'])
    verifyReservedMemory(reserved, machine(2), 1.5 * GI)
    assert.throws(() => verifyReservedMemory(reserved, machine(2), GI), /the node keeps/)
    assert.throws(() => verifyReservedMemory(reserved, machine(1), 1.5 * GI), /there is no memory node 1/)
    assert.throws(() => verifyReservedMemory(new Map(), machine(1), 0), /needs memory for the node itself/)
    for (const bad of ['memory=1Gi', '0:cpu=1', '0:memory', '0:memory=x', 'x:memory=1'])
      assert.throws(() => parseReservedMemory([bad]), /not a reservation/)
  })

  test('whatever comes, goes and restarts: no node gives more than it has', async () => {
    const size = fc.constantFrom('512Mi', '1Gi', '2Gi', '3Gi')
    const step = fc.oneof(
      fc.record({ pod: fc.nat(4), init: fc.array(size, { maxLength: 2 }), main: fc.array(size, { minLength: 1, maxLength: 2 }) }),
      fc.record({ ends: fc.nat(4) }),
      fc.constant('restart' as const),
    )
    const policies = fc.constantFrom('none', 'best-effort', 'restricted', 'single-numa-node')
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        policies,
        fc.constantFrom('container', 'pod'),
        fc.array(step, { maxLength: 12 }),
        async (nodes, name, level, steps) => {
          rmSync(join(dir, 'memory_manager_state'), { force: true })
          let memory = await open(nodes)
          const here = new Map<string, core.Pod>()
          for (const one of steps) {
            if (one === 'restart') memory = await open(nodes)
            else if ('ends' in one) {
              const pod = here.get(`p${one.ends}`)
              if (pod !== undefined) await memory.release(scope, pod)
              here.delete(`p${one.ends}`)
            } else if (!here.has(`p${one.pod}`)) {
              const pod = testPod(`p${one.pod}`, {
                initContainers: one.init.map((amount, at) => asking(`i${at}`, amount)),
                containers: one.main.map((amount, at) => asking(`c${at}`, amount)),
              })
              try {
                await give(memory, pod, { name, scope: level }, nodes)
                here.set(`p${one.pod}`, pod)
              } catch {
                await memory.release(scope, pod)
              }
            }
            const blocks = [...here.values()].flatMap((pod) =>
              [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].flatMap((c) =>
                memory.of(pod.metadata?.uid ?? '', c.name),
              ),
            )
            const groups = new Map(blocks.map((block) => [block.nodes, 0]))
            for (const block of blocks) groups.set(block.nodes, (groups.get(block.nodes) ?? 0) + block.bytes)
            for (const [mask, bytes] of groups) {
              const most = memory.usable.filter((block) => (block.nodes & mask) !== 0).reduce((sum, block) => sum + block.bytes, 0)
              assert.ok(bytes <= most, `${bytes} of ${most} on ${nodesIn(mask).join()}`)
              for (const other of groups.keys()) assert.ok(other === mask || (other & mask) === 0, 'two groups have a node in common')
            }
          }
        },
      ),
      propertyRuns(40),
    )
  })
})
