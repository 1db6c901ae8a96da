import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { readTopology } from './machine-topology.ts'
import { formatNumbers, parseNumbers } from './number-list.ts'

test('sets of numbers are written and read as the kernel writes them', () => {
  assert.equal(formatNumbers(new Set([5, 0, 2, 1, 9, 8])), '0-2,5,8-9')
  assert.deepEqual([...parseNumbers(' 0-2,5\n')], [0, 1, 2, 5])
  for (const bad of ['a', '3-1', '1-', '-1', '0-999999', '1;2']) assert.throws(() => parseNumbers(bad), /not a list of numbers/)
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(300)), (numbers) => {
      assert.deepEqual(
        [...parseNumbers(formatNumbers(new Set(numbers)))].toSorted((a, b) => a - b),
        numbers.toSorted((a, b) => a - b),
      )
    }),
    propertyRuns(100),
  )
})

test('a machine with two memory nodes and two threads a core is read as it is', () => {
  const root = mkdtempSync(join(tmpdir(), 'topology-'))
  const file = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), `${text}\n`)
  }
  try {
    file('cpu/online', '0-3,5')
    for (const [cpu, siblings, node] of [
      [0, '0,2', 0],
      [1, '1,3', 1],
      [2, '0,2', 0],
      [3, '1,3', 1],
      [5, '5', 1],
    ] as const) {
      file(`cpu/cpu${cpu}/topology/thread_siblings_list`, siblings)
      file(`cpu/cpu${cpu}/topology/physical_package_id`, String(node))
      file(`cpu/cpu${cpu}/cache/index0/level`, '1')
      file(`cpu/cpu${cpu}/cache/index0/shared_cpu_list`, String(cpu))
      file(`cpu/cpu${cpu}/cache/index3/level`, '3')
      file(`cpu/cpu${cpu}/cache/index3/shared_cpu_list`, node === 0 ? '0,2' : '1,3,5')
    }
    file('node/online', '0-1')
    file('node/node0/cpulist', '0,2')
    file('node/node1/cpulist', '1,3-5')
    for (const node of [0, 1]) file(`node/node${node}/meminfo`, `Node ${node} MemTotal:       1024 kB`)
    file('node/node0/distance', '10 21')
    file('node/node1/distance', '21 10')
    file('node/node1/hugepages/hugepages-2048kB/nr_hugepages', '3')
    const { cpus, nodes } = readTopology(root)
    assert.deepEqual(
      cpus.map(({ cpu, core, socket, node, cache }) => [cpu, core, socket, node, cache]),
      [
        [0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1],
        [2, 0, 0, 0, 0],
        [3, 1, 1, 1, 1],
        [5, 5, 1, 1, 1],
      ],
    )
    assert.deepEqual(nodes[1], {
      id: 1,
      memoryBytes: 2 ** 20,
      hugePages: new Map([['hugepages-2Mi', 6 * 2 ** 20]]),
      distances: new Map([
        [0, 21],
        [1, 10],
      ]),
    })
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('of this machine every processor that can run something is known', () => {
  assert.ok(readTopology().cpus.length >= availableParallelism())
})

test('where the kernel tells of no memory nodes there is one', () => {
  assert.deepEqual(readTopology('/nowhere', 7).nodes, [{ id: 0, memoryBytes: 7, hugePages: new Map(), distances: new Map([[0, 10]]) }])
})
