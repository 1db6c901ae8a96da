import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { type Shape, machineOf } from '../topology/topology.fixture.ts'
import { formatNumbers, parseNumbers } from '../topology/number-list.ts'
import { distributeCpus } from './distribute-cpus.ts'
import { takeCpus } from './take-cpus.ts'

const all = (shape: Shape): string => formatNumbers(new Set(machineOf(shape).cpus.map(({ cpu }) => cpu)))

describe('processors are taken as close together as there are', () => {
  const two = { sockets: 2, cores: 4, threads: 2 }
  const cases: readonly [what: string, shape: Shape, free: string, count: number, taken: string][] = [
    ['both threads of the lowest core', two, all(two), 2, '0,8'],
    ['a whole socket', two, all(two), 8, '0-3,8-11'],
    ['a whole socket that is free, not parts of two', two, '1-7,8-15', 8, '4-7,12-15'],
    ['a socket and a core more', two, all(two), 10, '0-4,8-12'],
    ['from the socket that has the least left', two, '0,4-7,8,12-15', 2, '0,8'],
    ['single threads from a core that is broken already', two, '0-7,9-15', 1, '0'],
    ['whole cores before broken ones', two, '0-7,9-15', 2, '1,9'],
    ['memory nodes of one socket', { sockets: 2, nodes: 2, cores: 2 }, '0-7', 4, '0-3'],
    ['the memory node that is whole', { sockets: 1, nodes: 2, cores: 2 }, '1-3', 2, '2-3'],
  ]
  for (const [what, shape, free, count, taken] of cases)
    test(what, () => assert.equal(formatNumbers(takeCpus(machineOf(shape), parseNumbers(free), count) ?? new Set()), taken))

  const caches = { cores: 8, coresPerCache: 4, threads: 1 }
  test('those that share a cache, when that is asked for', () => {
    const free = parseNumbers('2-7')
    assert.equal(formatNumbers(takeCpus(machineOf(caches), free, 3) ?? new Set()), '2-4')
    assert.equal(formatNumbers(takeCpus(machineOf(caches), free, 3, true) ?? new Set()), '4-6')
    assert.equal(formatNumbers(takeCpus(machineOf(caches), free, 5, true) ?? new Set()), '2,4-7')
  })
})

describe('processors from several memory nodes are taken evenly', () => {
  const four = { sockets: 2, nodes: 2, cores: 4 }
  test('one node is enough', () =>
    assert.equal(formatNumbers(distributeCpus(machineOf(four), parseNumbers('1-15'), 4, 1) ?? new Set()), '4-7'))
  test('half from each of two', () =>
    assert.equal(formatNumbers(distributeCpus(machineOf({ nodes: 2, cores: 4 }), parseNumbers('0-7'), 6, 1) ?? new Set()), '0-2,4-6'))
  test('the odd one from the node that has more', () =>
    assert.equal(formatNumbers(distributeCpus(machineOf({ nodes: 2, cores: 4 }), parseNumbers('1-7'), 5, 1) ?? new Set()), '1-2,4-6'))
  test('whole cores only', () =>
    assert.equal(
      formatNumbers(distributeCpus(machineOf({ nodes: 2, cores: 2, threads: 2 }), parseNumbers('0-7'), 6, 2) ?? new Set()),
      '0-2,4-6',
    ))
})

test('whatever is free, as many are taken as asked for and none that is not free', () => {
  const shapes = fc.record({
    sockets: fc.integer({ min: 1, max: 2 }),
    nodes: fc.integer({ min: 1, max: 2 }),
    cores: fc.integer({ min: 1, max: 4 }),
    threads: fc.integer({ min: 1, max: 2 }),
    coresPerCache: fc.integer({ min: 1, max: 4 }),
  })
  fc.assert(
    fc.property(
      shapes,
      fc.infiniteStream(fc.boolean()),
      fc.nat(33),
      fc.constantFrom('packed', 'cache', 'even', 'cores'),
      (shape, isFree, count, how) => {
        const machine = machineOf(shape)
        const free = new Set(machine.cpus.flatMap(({ cpu }) => (isFree.next().value ? [cpu] : [])))
        const taken =
          how === 'even' || how === 'cores'
            ? distributeCpus(machine, free, count, how === 'even' ? 1 : shape.threads)
            : takeCpus(machine, free, count, how === 'cache')
        if (count > free.size) return assert.equal(taken, undefined)
        assert.equal(taken?.size, count)
        assert.ok(taken.isSubsetOf(free))
      },
    ),
    propertyRuns(200),
  )
})
