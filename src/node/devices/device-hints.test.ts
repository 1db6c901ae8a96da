import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { maskOf } from '../alignment/hints.ts'
import { chooseDevices } from './choose-devices.ts'
import { deviceHints, distanceOf } from './device-hints.ts'

const NODES: Readonly<Record<string, readonly number[]>> = { a0: [0], b0: [0], c1: [1], d01: [0, 1], e: [] }
const nodesOf = (id: string): readonly number[] => NODES[id] ?? []
const all = new Set(Object.keys(NODES))
const nothing = new Set<string>()

describe('memory nodes that devices are on', () => {
  test('are told with how many of them it takes', () => {
    assert.deepEqual(deviceHints(all, all, nothing, 2, nodesOf), [
      { nodes: maskOf([0]), preferred: true },
      { nodes: maskOf([1]), preferred: true },
      { nodes: maskOf([0, 1]), preferred: false },
    ])
    assert.deepEqual(deviceHints(all, new Set(['a0', 'c1']), nothing, 2, nodesOf), [{ nodes: maskOf([0, 1]), preferred: false }])
    assert.deepEqual(deviceHints(all, new Set(['a0', 'b0']), new Set(['c1']), 1, nodesOf), [
      { nodes: maskOf([1]), preferred: true },
      { nodes: maskOf([0, 1]), preferred: false },
    ])
    assert.deepEqual(deviceHints(all, nothing, nothing, 1, nodesOf), [])
  })
  test('do not matter where no device says', () =>
    assert.equal(deviceHints(new Set(['e']), new Set(['e']), nothing, 1, nodesOf), undefined))

  const choose = (count: number, nodes: number | undefined, preferred: readonly string[] = []): Promise<readonly string[]> =>
    chooseDevices({
      resource: 'x/y',
      count,
      has: undefined,
      healthy: all,
      inUse: nothing,
      reusable: nothing,
      distance: (id) => distanceOf(id, nodes, nodesOf),
      prefer: async (available) => preferred.filter((id) => available.includes(id)),
    })
  test('are where devices are taken from, as far as they go', async () => {
    assert.deepEqual(await choose(1, maskOf([1])), ['c1'])
    assert.deepEqual(await choose(3, maskOf([1])), ['c1', 'd01', 'a0'])
    assert.deepEqual(await choose(5, maskOf([1])), ['c1', 'd01', 'a0', 'b0', 'e'])
    assert.deepEqual(await choose(2, undefined), ['a0', 'b0'])
  })
  test('leave the plugin the choice among those that are near', async () => {
    assert.deepEqual(await choose(1, maskOf([0]), ['e', 'd01', 'c1']), ['d01'])
    assert.deepEqual(await choose(4, maskOf([1]), ['e', 'b0']), ['c1', 'd01', 'e', 'b0'])
  })
})
