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
import { NO_ALIGNMENT, type TopologyPolicy } from '../alignment/topology-policy.ts'
import { testPod } from '../testing/node-harness.fixture.ts'
import { formatNumbers, parseNumbers } from '../topology/number-list.ts'
import { type Shape, machineOf } from '../topology/topology.fixture.ts'
import { cpuOptions } from './cpu-policy.ts'
import { ExclusiveCpus, type ExclusiveCpusParts } from './exclusive-cpus.ts'

const scope = rootScope()
const asking = (name: string, cpu: string, more: Partial<core.Container> = {}): core.Container => ({
  name,
  resources: { requests: { cpu, memory: '1Mi' }, limits: { cpu, memory: '1Mi' } },
  ...more,
})
const guaranteed = (name: string, ...cpus: string[]): core.Pod =>
  testPod(name, { containers: cpus.map((cpu, at) => asking(`c${at}`, cpu)) })

describe('processors of their own', () => {
  let dir: string
  let moved: number
  const open = async (shape: Shape, options = '', more: Partial<ExclusiveCpusParts> = {}): Promise<ExclusiveCpus> => {
    const cpus = new ExclusiveCpus({
      path: join(dir, 'cpu_manager_state'),
      topology: machineOf(shape),
      options: cpuOptions(options),
      reservedCpus: undefined,
      reservedMilli: 500,
      changed: () => void moved++,
      ...more,
    })
    await cpus.start()
    return cpus
  }
  const give = async (
    cpus: ExclusiveCpus,
    pod: core.Pod,
    policy: Partial<TopologyPolicy> = {},
    shape: Shape = { cores: 1 },
  ): Promise<void> => new AlignedResources({ ...NO_ALIGNMENT, ...policy }, machineOf(shape).nodes, [cpus]).prepare(scope, pod)
  const has = (cpus: ExclusiveCpus, pod: string, container = 'c0'): string => formatNumbers(cpus.of(`uid-${pod}`, container) ?? new Set())
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'cpus-'))
    moved = 0
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  test('go to containers that ask for whole ones and have all guaranteed, and nobody else runs there', async () => {
    const cpus = await open({ cores: 6 })
    assert.equal(formatNumbers(cpus.reserved), '0')
    await give(cpus, guaranteed('a', '2', '500m'))
    await give(cpus, testPod('b', { containers: [{ name: 'c0', resources: { requests: { cpu: '1', memory: '1Mi' } } }] }))
    await give(cpus, {
      ...guaranteed('whole', '1'),
      spec: { ...guaranteed('whole', '1').spec, containers: [asking('c0', '1')], resources: { limits: { cpu: '1', memory: '1Mi' } } },
    })
    assert.deepEqual([has(cpus, 'a'), has(cpus, 'a', 'c1'), has(cpus, 'b'), has(cpus, 'whole')], ['1-2', '', '', ''])
    assert.equal(formatNumbers(cpus.shared), '0,3-5')
    await assert.rejects(give(cpus, guaranteed('c', '4')), {
      reason: 'UnexpectedAdmissionError',
      message:
        'Pod was rejected: Allocate failed due to not enough cpus available to satisfy request: requested=4, available=3, which is unexpected',
    })
    await cpus.release(scope, guaranteed('a'))
    assert.equal(formatNumbers(cpus.shared), '0-5')
    assert.equal(moved, 2)
  })

  test('go on from init containers that have ended to those that start then, not from ones that last', async () => {
    const cpus = await open({ cores: 8 })
    const pod = testPod('a', {
      initContainers: [asking('init', '3'), asking('side', '1', { restartPolicy: 'Always' })],
      containers: [asking('c0', '2'), asking('c1', '1')],
    })
    await give(cpus, pod)
    assert.deepEqual(
      ['init', 'side', 'c0', 'c1'].map((name) => has(cpus, 'a', name)),
      ['1-3', '1', '2-3', '4'],
    )
    assert.equal(formatNumbers(cpus.shared), '0,5-7')
  })

  test('are whole cores, when that is asked for', async () => {
    const shape = { cores: 4, threads: 2 }
    const cpus = await open(shape, 'full-pcpus-only=true')
    await assert.rejects(give(cpus, guaranteed('odd', '1')), {
      reason: 'SMTAlignmentError',
      message: 'Pod was rejected: SMT Alignment Error: requested 1 cpus not multiple cpus per core = 2',
    })
    await give(cpus, guaranteed('a', '4'))
    assert.equal(has(cpus, 'a'), '1-2,5-6')
    await assert.rejects(give(cpus, guaranteed('b', '4')), {
      message:
        'Pod was rejected: SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 2, requested CPUs = 4, CPUs per core = 2',
    })
  })

  test('and the reserved ones are not shared either, when that is asked for', async () => {
    const cpus = await open({ cores: 4 }, 'strict-cpu-reservation=true', { reservedCpus: parseNumbers('2-3') })
    assert.equal(formatNumbers(cpus.shared), '0-1')
    assert.equal(formatNumbers(cpus.usable), '0-1')
  })

  test('are of one memory node, or the pod is rejected, when that is asked for', async () => {
    const shape = { nodes: 2, cores: 4 }
    const cpus = await open(shape)
    const single = { name: 'single-numa-node' } as const
    await give(cpus, guaranteed('a', '4'), single, shape)
    assert.equal(has(cpus, 'a'), '4-7')
    await assert.rejects(give(cpus, guaranteed('b', '4'), single, shape), {
      reason: 'TopologyAffinityError',
      message: 'Pod was rejected: Resources cannot be allocated with Topology locality',
    })
    await give(cpus, guaranteed('c', '2', '1'), { name: 'restricted', scope: 'pod' }, shape)
    assert.deepEqual([has(cpus, 'c'), has(cpus, 'c', 'c1')], ['1-2', '3'])
  })

  test('need some for the node itself, and only what is there', async () => {
    await assert.rejects(open({ cores: 2 }, '', { reservedMilli: 0 }), /needs processors for the node itself/)
    await assert.rejects(open({ cores: 2 }, '', { reservedCpus: parseNumbers('1-2') }), /there are no processors 2/)
    for (const bad of ['full-pcpus-only', 'align-by-socket=true', 'full-pcpus-only=yes']) assert.throws(() => cpuOptions(bad))
    assert.throws(() => cpuOptions('distribute-cpus-across-numa=true,prefer-align-cpus-by-uncorecache=true'), /at the same time/)
  })

  test('a book that does not fit the machine is not overwritten', async () => {
    for (const entries of [{ a: { c0: '7' } }, { a: { c0: '1' }, b: { c0: '1' } }, { a: { c0: '0' } }]) {
      writeFileSync(join(dir, 'cpu_manager_state'), JSON.stringify({ policyName: 'static', defaultCpuSet: '', entries }))
      await assert.rejects(open({ cores: 4 }), /does not fit this node/)
    }
    writeFileSync(join(dir, 'cpu_manager_state'), '{')
    await assert.rejects(open({ cores: 4 }), /does not fit this node/)
  })

  test('whatever comes, goes and restarts: no processor has two owners or is shared, and what nobody has is shared', async () => {
    const shapes = fc.record({
      sockets: fc.integer({ min: 1, max: 2 }),
      nodes: fc.integer({ min: 1, max: 2 }),
      cores: fc.integer({ min: 1, max: 4 }),
      threads: fc.integer({ min: 1, max: 2 }),
    })
    const options = fc.constantFrom(
      '',
      'full-pcpus-only=true',
      'distribute-cpus-across-numa=true',
      'prefer-align-cpus-by-uncorecache=true',
      'strict-cpu-reservation=true',
    )
    const container = fc.constantFrom('1', '2', '3', '4', '500m')
    const step = fc.oneof(
      fc.record({ pod: fc.nat(5), init: fc.array(container, { maxLength: 2 }), main: fc.array(container, { minLength: 1, maxLength: 2 }) }),
      fc.record({ ends: fc.nat(5) }),
      fc.constant('restart' as const),
    )
    const policies = fc.constantFrom('none', 'best-effort', 'restricted', 'single-numa-node')
    await fc.assert(
      fc.asyncProperty(
        shapes,
        options,
        policies,
        fc.constantFrom('container', 'pod'),
        fc.array(step, { maxLength: 12 }),
        async (shape, option, name, level, steps) => {
          rmSync(join(dir, 'cpu_manager_state'), { force: true })
          let cpus = await open(shape, option)
          const all = new Set(machineOf(shape).cpus.map(({ cpu }) => cpu))
          const here = new Map<string, core.Pod>()
          for (const one of steps) {
            if (one === 'restart') cpus = await open(shape, option)
            else if ('ends' in one) {
              const pod = here.get(`p${one.ends}`)
              if (pod !== undefined) await cpus.release(scope, pod)
              here.delete(`p${one.ends}`)
            } else if (!here.has(`p${one.pod}`)) {
              const pod = testPod(`p${one.pod}`, {
                initContainers: one.init.map((cpu, at) => asking(`i${at}`, cpu)),
                containers: one.main.map((cpu, at) => asking(`c${at}`, cpu)),
              })
              try {
                await give(cpus, pod, { name, scope: level }, shape)
                here.set(`p${one.pod}`, pod)
              } catch {
                await cpus.release(scope, pod)
              }
            }
            const owned = [...here.values()].map(
              (pod) =>
                new Set(
                  [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].flatMap((c) => [
                    ...(cpus.of(pod.metadata?.uid ?? '', c.name) ?? []),
                  ]),
                ),
            )
            const given = new Set(owned.flatMap((set) => [...set]))
            assert.equal(
              given.size,
              owned.reduce((sum, { size }) => sum + size, 0),
            )
            assert.ok(given.isDisjointFrom(cpus.reserved) && given.isDisjointFrom(cpus.shared))
            const nobodys = option.startsWith('strict') ? all.difference(given).difference(cpus.reserved) : all.difference(given)
            assert.equal(formatNumbers(cpus.shared), formatNumbers(nobodys))
            for (const pod of here.values())
              for (const c of pod.spec?.containers ?? []) {
                const asked = Number(c.resources?.requests?.['cpu'])
                assert.equal(cpus.of(pod.metadata?.uid ?? '', c.name)?.size ?? 0, Number.isInteger(asked) ? asked : 0)
              }
          }
        },
      ),
      propertyRuns(40),
    )
  })
})
