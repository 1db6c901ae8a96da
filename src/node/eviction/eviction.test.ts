import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { core } from '#api'
import { type PodUse, chooseVictim, dueThresholds, metThresholds, overLimit, refusedUnder } from './plan-eviction.ts'
import { DEFAULT_HARD, type Observations, type Threshold, parseThresholds } from './thresholds.ts'

const Mi = 2 ** 20
const seen = (memoryMi: number, diskMi = 1000): Observations =>
  new Map([
    ['memory.available', { available: memoryMi * Mi, capacity: 1000 * Mi }],
    ['nodefs.available', { available: diskMi * Mi, capacity: 1000 * Mi }],
  ])
const pod = (name: string, spec: Partial<core.PodSpec> = {}): core.Pod => ({
  metadata: { name, uid: name },
  spec: { containers: [{ name: 'c' }], ...spec },
})
const use = (of: core.Pod, memoryMi: number, diskMi = 0): PodUse => ({
  pod: of,
  memoryBytes: memoryMi * Mi,
  diskBytes: diskMi * Mi,
  inodes: 0,
  pids: 1,
  containers: [{ name: 'c', memoryBytes: memoryMi * Mi, diskBytes: diskMi * Mi }],
})
const asking = (memory: string): Partial<core.PodSpec> => ({ containers: [{ name: 'c', resources: { requests: { memory } } }] })

describe('thresholds', () => {
  test('are read as kubelet writes them', () => {
    const [memory, disk] = parseThresholds('memory.available<100Mi,nodefs.available<10%', '', '')
    assert.deepEqual(memory, { signal: 'memory.available', least: { amount: 100 * Mi }, graceMs: 0 })
    assert.deepEqual(disk, { signal: 'nodefs.available', least: { part: 0.1 }, graceMs: 0 })
    assert.equal(parseThresholds(DEFAULT_HARD).length, 5)
    assert.deepEqual(parseThresholds('', 'memory.available<1Gi', 'memory.available=1m30s')[0]?.graceMs, 90_000)
  })
  for (const [what, args] of [
    ['an unknown signal', ['cpu.available<1']],
    ['no amount', ['memory.available']],
    ['a part of more than all', ['memory.available<200%']],
    ['a soft one without a grace period', ['', 'memory.available<1Gi']],
    ['a wrong duration', ['', 'memory.available<1Gi', 'memory.available=soon']],
  ] as const)
    test(`refuse ${what}`, () => assert.throws(() => parseThresholds(...(args as readonly [string, string?, string?]))))

  test('are met below the amount, soft ones only for long enough', () => {
    const thresholds = parseThresholds('memory.available<100Mi,nodefs.available<10%', 'memory.available<200Mi', 'memory.available=1m')
    const first = metThresholds(thresholds, seen(150), [], 0)
    assert.deepEqual([first.length, dueThresholds(first, 59_000).length], [1, 0])
    const later = metThresholds(thresholds, seen(150), first, 60_000)
    assert.equal(dueThresholds(later, 60_000).length, 1)
    assert.deepEqual(metThresholds(thresholds, seen(300), later, 61_000), [])
    const both = metThresholds(thresholds, seen(50, 50), [], 0)
    assert.deepEqual(
      both.map(({ threshold }) => threshold.signal),
      ['memory.available', 'memory.available', 'nodefs.available'],
    )
  })
})

describe('who goes when memory runs out', () => {
  const [hard] = parseThresholds('memory.available<100Mi') as [Threshold]
  const victim = (...pods: PodUse[]): string | undefined => chooseVictim(hard, seen(50), pods, 0)?.pod.metadata?.name
  test('one that uses more than it asked for, before one that uses more', () =>
    assert.equal(victim(use(pod('large', asking('500Mi')), 400), use(pod('greedy', asking('10Mi')), 20)), 'greedy'))
  test('the less important one', () =>
    assert.equal(victim(use(pod('important', { priority: 10 }), 400), use(pod('other', { priority: 1 }), 20)), 'other'))
  test('the one that is furthest above', () =>
    assert.equal(victim(use(pod('a', asking('10Mi')), 30), use(pod('b', asking('100Mi')), 190)), 'b'))
  test('never a critical one', () => assert.equal(victim(use(pod('system', { priority: 2_000_000_000 }), 400)), undefined))
  test('it is told why', () =>
    assert.deepEqual(chooseVictim(hard, seen(50), [use(pod('greedy', asking('10Mi')), 20)], 0), {
      pod: pod('greedy', asking('10Mi')),
      graceSeconds: 1,
      message:
        'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container c was using 20Mi, request is 10Mi, has larger consumption of memory. ',
    }))
})

describe("a pod's own limits of the disk", () => {
  const limited = pod('p', {
    volumes: [{ name: 'cache', emptyDir: { sizeLimit: '1Mi' } }],
    containers: [{ name: 'c', resources: { limits: { 'ephemeral-storage': '2Mi' } } }],
  })
  const cases: readonly [what: string, dirs: number, layers: number, message: string | undefined][] = [
    ['kept', 1, 0, undefined],
    ['of an emptyDir', 1.5, 0, 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". '],
    ['of all containers', 1, 1.5, 'Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. '],
  ]
  for (const [what, dirs, layers, message] of cases)
    test(what, () =>
      assert.equal(
        overLimit(limited, {
          bytes: (dirs + layers) * Mi,
          emptyDirs: new Map([['cache', dirs * Mi]]),
          containers: new Map([['c', layers * Mi]]),
        }),
        message,
      ),
    )
  test('of one container', () => {
    const two = pod('p', { containers: [{ name: 'c', resources: { limits: { 'ephemeral-storage': '2Mi' } } }, { name: 'free' }] })
    assert.equal(
      overLimit(two, { bytes: 3 * Mi, emptyDirs: new Map(), containers: new Map([['c', 3 * Mi]]) }),
      'Container c exceeded its local ephemeral storage limit "2Mi". ',
    )
  })
})

describe('a node under pressure', () => {
  const memory = new Set(['MemoryPressure'] as const)
  test('takes no pod that has asked for nothing when memory is short', () =>
    assert.equal(refusedUnder(memory, pod('p')), 'The node had condition: [MemoryPressure]. '))
  test('takes one that asked for memory', () => assert.equal(refusedUnder(memory, pod('p', asking('1Mi'))), undefined))
  test('takes one that tolerates it', () =>
    assert.equal(
      refusedUnder(memory, pod('p', { tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] })),
      undefined,
    ))
  test('takes only critical ones when the disk is full', () => {
    const disk = new Set(['MemoryPressure', 'DiskPressure'] as const)
    assert.equal(refusedUnder(disk, pod('p', asking('1Mi'))), 'The node had condition: [MemoryPressure DiskPressure]. ')
    assert.equal(refusedUnder(disk, pod('p', { priority: 2_000_000_000 })), undefined)
  })
})
