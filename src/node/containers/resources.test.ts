import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { core } from '#api'
import { oomScoreOf, resourcesOf } from './resources.ts'

const GIB = 2 ** 30
const node = { memoryBytes: 10 * GIB, cgroupVersion: 1, countsSwap: true, hugePages: [{ name: '2Mi', pageBytes: 2 ** 21 }] } as const

const podOf = (spec: Partial<core.PodSpec> & Pick<core.PodSpec, 'containers'>): core.Pod => ({ metadata: { name: 'web' }, spec })

describe('what the kernel is told of a container', () => {
  test('has the limits of its pod where it has none of its own', () => {
    const main = { name: 'main', resources: { limits: { memory: '100Mi', cpu: '0' } } }
    const pod = podOf({ containers: [main], resources: { limits: { cpu: '80m', memory: '1Gi', 'hugepages-2Mi': '4Mi' } } })
    const { cpuQuotaUs, memoryLimitBytes, hugePages } = resourcesOf(pod, main, node)
    assert.deepEqual([cpuQuotaUs, memoryLimitBytes, hugePages?.[0]?.limitBytes], [8000, 100 * 2 ** 20, 2 ** 22])
  })

  test('lets nothing be swapped, where that can be said', () => {
    const main = { name: 'main', resources: { limits: { memory: '1Mi' } } }
    const of = (more: object) => resourcesOf(podOf({ containers: [main] }), main, { ...node, ...more })
    assert.equal(of({}).memoryAndSwapLimitBytes, 2 ** 20)
    assert.equal(of({ countsSwap: false }).memoryAndSwapLimitBytes, undefined)
    assert.deepEqual(of({ cgroupVersion: 2 }).unified, { 'memory.oom.group': '1', 'memory.swap.max': '0' })
    assert.deepEqual(of({ cgroupVersion: 2, countsSwap: false }).unified, { 'memory.oom.group': '1' })
  })
})

describe('who goes first when memory runs out', () => {
  const asking = (name: string, memory?: string, more: Partial<core.Container> = {}): core.Container => ({
    name,
    ...(memory === undefined ? {} : { resources: { requests: { memory } } }),
    ...more,
  })
  const scores = (spec: Partial<core.PodSpec> & Pick<core.PodSpec, 'containers'>): readonly number[] =>
    [...(spec.initContainers ?? []), ...spec.containers].map((container) => oomScoreOf(podOf(spec), container, node.memoryBytes))
  const cases: readonly [what: string, scores: readonly number[], expected: readonly number[]][] = [
    ['best effort before all others', scores({ containers: [asking('a')] }), [1000]],
    ['whoever asked for less', scores({ containers: [asking('a', '1Gi'), asking('b', '3Gi')] }), [900, 700]],
    ['never as late as the guaranteed', scores({ containers: [asking('a', '10Gi')] }), [3]],
    ['never as early as best effort', scores({ containers: [asking('a', '1Gi'), asking('b')] }), [900, 999]],
    [
      'each with its part of what the pod asks for as a whole',
      scores({ containers: [asking('a', '1Gi'), asking('b')], resources: { requests: { memory: '3Gi' } } }),
      [800, 900],
    ],
    [
      'a sidecar no earlier than the least of the others',
      scores({
        initContainers: [asking('side', '1Gi', { restartPolicy: 'Always' })],
        containers: [asking('a', '2Gi'), asking('b', '3Gi')],
      }),
      [800, 800, 700],
    ],
  ]
  for (const [what, found, expected] of cases) test(what, () => assert.deepEqual(found, expected))
})
