import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { machineOf } from '../topology/topology.fixture.ts'
import { type Hint, type Hints, countOf, isNarrower, maskOf, masksOf, nodesIn } from './hints.ts'
import { mergeHints } from './merge-hints.ts'
import { NO_ALIGNMENT, type TopologyPolicy, topologyPolicy } from './topology-policy.ts'

const nodes = machineOf({ sockets: 2, nodes: 2, cores: 1 }).nodes
const policy = (name: TopologyPolicy['name'], more: Partial<TopologyPolicy> = {}): TopologyPolicy => ({ ...NO_ALIGNMENT, name, ...more })
const yes = (...on: number[]): Hint => ({ nodes: maskOf(on), preferred: true })
const no = (...on: number[]): Hint => ({ nodes: maskOf(on), preferred: false })
const of = (...hints: Hint[]): Hints => new Map([['it', hints]])

describe('nodes for all that a container gets', () => {
  const cases: readonly [what: string, name: TopologyPolicy['name'], hints: readonly Hints[], on: number[] | undefined, admit: boolean][] =
    [
      ['the one node that both can give', 'restricted', [of(yes(0), yes(1)), of(yes(1), yes(2))], [1], true],
      ['the lowest of several', 'single-numa-node', [of(yes(1), yes(2)), of(yes(2), yes(1))], [1], true],
      ['nobody cares', 'restricted', [new Map(), new Map([['x', undefined]])], [0, 1, 2, 3], true],
      ['nobody cares: any node', 'single-numa-node', [new Map()], undefined, true],
      ['no node gives both', 'restricted', [of(yes(0)), of(yes(1))], [0, 1, 2, 3], false],
      ['no node gives both, and that is borne', 'best-effort', [of(yes(0)), of(yes(1))], [0, 1, 2, 3], true],
      ['two nodes are as few as can be', 'restricted', [of(yes(0, 1)), of(yes(0, 1), yes(2, 3))], [0, 1], true],
      ['two nodes are not one', 'single-numa-node', [of(yes(0, 1))], undefined, false],
      ['it cannot be had', 'best-effort', [of()], [0, 1, 2, 3], true],
      ['it cannot be had at all', 'restricted', [of()], [0, 1, 2, 3], false],
      ['as many nodes as the more demanding needs', 'best-effort', [of(no(0), no(0, 1)), of(no(0, 1), no(0, 1, 2))], [0, 1], true],
    ]
  for (const [what, name, hints, on, admit] of cases)
    test(`${what} (${name})`, () =>
      assert.deepEqual(mergeHints(policy(name), nodes, hints), { nodes: on === undefined ? undefined : maskOf(on), admit }))

  test('the nearest of as many nodes, when that is asked for', () => {
    const hints = [of(yes(0, 3), yes(1, 2))]
    assert.equal(mergeHints(policy('best-effort'), nodes, hints).nodes, maskOf([1, 2]))
    const far = [of(yes(0, 2), yes(2, 3))]
    assert.equal(mergeHints(policy('best-effort'), nodes, far).nodes, maskOf([0, 2]))
    assert.equal(mergeHints(policy('best-effort', { preferClosest: true }), nodes, far).nodes, maskOf([2, 3]))
  })

  test('one node is one node, whatever is asked for', () => {
    const hint = fc.record({ nodes: fc.option(fc.integer({ min: 1, max: 15 }), { nil: undefined }), preferred: fc.boolean() })
    const list = fc.option(fc.array(hint, { maxLength: 4 }), { nil: undefined })
    const some = fc.array(
      list.map((hints): Hints => new Map([['it', hints]])),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(some, (hints) => {
        const { nodes: on, admit } = mergeHints(policy('single-numa-node'), nodes, hints)
        if (admit && on !== undefined) assert.equal(countOf(on), 1)
        if (admit && on !== undefined)
          for (const [one] of hints.flatMap((map) => [...map.values()].map((all) => [all] as const)))
            assert.ok(one === undefined || one.some((hint) => hint.preferred && (hint.nodes === undefined || hint.nodes === on)))
      }),
      propertyRuns(200),
    )
  })
})

test('masks are sets of nodes, small ones first', () => {
  assert.deepEqual(
    [...masksOf([0, 1, 3])].map((mask) => nodesIn(mask).join()),
    ['0', '1', '3', '0,1', '0,3', '1,3', '0,1,3'],
  )
  assert.ok(isNarrower(maskOf([3]), maskOf([0, 1])) && isNarrower(maskOf([0, 2]), maskOf([1, 2])) && !isNarrower(maskOf([0]), maskOf([0])))
})

test('options of the topology manager are those that there are', () => {
  assert.deepEqual(topologyPolicy('restricted', 'pod', 'prefer-closest-numa-nodes=true,max-allowable-numa-nodes=9'), {
    name: 'restricted',
    scope: 'pod',
    preferClosest: true,
    mostNodes: 9,
  })
  for (const bad of [
    'max-allowable-numa-nodes=7',
    'max-allowable-numa-nodes=x',
    'prefer-closest-numa-nodes=1',
    'more=true',
    'prefer-closest-numa-nodes',
  ])
    assert.throws(() => topologyPolicy('restricted', 'pod', bad))
})
