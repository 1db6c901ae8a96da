import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import {
  difference,
  EMPTY_SET,
  equalSets,
  type FieldSet,
  fieldSetOf,
  hasPath,
  intersection,
  isEmptySet,
  parseFieldSet,
  pathsOf,
  recursiveDifference,
  union,
} from './field-set.ts'

test('a set is written in order', () => {
  const parsed = parseFieldSet({
    'f:b': {},
    'f:a': { 'k:{"port":443,"protocol":"TCP"}': { 'f:x': {}, '.': {} }, 'k:{"protocol":"TCP","port":80}': {}, 'f:z': {} },
    'f:c': { 'v:"b"': {}, 'v:"a"': {}, 'v:"a!"': {}, 'v:10': {}, 'v:9': {}, 'i:10': {}, 'i:9': {} },
  })
  assert.equal(
    JSON.stringify(parsed),
    JSON.stringify({
      'f:a': { 'f:z': {}, 'k:{"port":80,"protocol":"TCP"}': {}, 'k:{"port":443,"protocol":"TCP"}': { '.': {}, 'f:x': {} } },
      'f:b': {},
      'f:c': { 'v:9': {}, 'v:10': {}, 'v:"a"': {}, 'v:"a!"': {}, 'v:"b"': {}, 'i:9': {}, 'i:10': {} },
    }),
  )
})

test('what is no field set is refused, what is unknown is skipped', () => {
  for (const bad of [{ bad: {} }, { 'f:a': 1 }, { 'k:1': {} }, { 'k:x': {} }, { 'v:': {} }, { 'i:x': {} }, [], 'x'])
    assert.throws(() => parseFieldSet(bad), SyntaxError, JSON.stringify(bad))
  assert.deepEqual(parseFieldSet({ 'x:new': { y: 1 }, 'f:a': {} }), { 'f:a': {} })
  assert.deepEqual(parseFieldSet(null), {})
})

test('the paths of a set', () => {
  const set = parseFieldSet({
    'f:spec': { 'f:b': {}, 'f:c': { '.': {}, 'k:{"name":"c","port":8}': { 'f:x': {} }, 'v:"s"': {}, 'i:0': {} } },
    'f:data': {},
  })
  assert.deepEqual(pathsOf(set), ['.data', '.spec.b', '.spec.c', '.spec.c[="s"]', '.spec.c[0]', '.spec.c[name="c",port=8].x'])
  assert.ok(hasPath(set, ['f:spec', 'f:c']))
  assert.ok(!hasPath(set, ['f:spec']))
  assert.ok(!hasPath(set, []))
})

test('differences with and without what is below', () => {
  const set = parseFieldSet({ 'f:a': { '.': {}, 'f:b': {} }, 'f:c': {} })
  assert.deepEqual(difference(set, fieldSetOf(['a'])), { 'f:a': { 'f:b': {} }, 'f:c': {} })
  assert.deepEqual(recursiveDifference(set, fieldSetOf(['a'])), { 'f:c': {} })
  assert.equal(difference(set, fieldSetOf(['x'], ['a', 'b', 'c'])), set)
})

const paths = fc.array(fc.array(fc.constantFrom('f:a', 'f:b', 'f:c', 'k:{"n":1}', 'v:"x"'), { minLength: 1, maxLength: 4 }), {
  maxLength: 12,
})
const nested = (path: readonly string[]): FieldSet => path.reduceRight<FieldSet>((node, element) => ({ [element]: node }), EMPTY_SET)
const setOf = (list: readonly (readonly string[])[]): FieldSet => list.map(nested).reduce(union, EMPTY_SET)
const keys = (list: readonly (readonly string[])[]): Set<string> => new Set(list.map((path) => JSON.stringify(path)))
const listed = (set: FieldSet): string[][] => {
  const found: string[][] = []
  const visit = (node: FieldSet, path: string[]): void => {
    for (const [element, child] of Object.entries(node)) {
      if (element === '.') continue
      if (hasPath(set, [...path, element])) found.push([...path, element])
      visit(child, [...path, element])
    }
  }
  visit(set, [])
  return found
}

test('the algebra is that of sets of paths', () => {
  fc.assert(
    fc.property(paths, paths, (first, second) => {
      const a = setOf(first)
      const b = setOf(second)
      const inA = keys(first)
      const inB = keys(second)
      assert.deepEqual(keys(listed(a)), inA)
      assert.deepEqual(keys(listed(union(a, b))), inA.union(inB))
      assert.deepEqual(keys(listed(intersection(a, b))), inA.intersection(inB))
      assert.deepEqual(keys(listed(difference(a, b))), inA.difference(inB))
      const belowB = (path: readonly string[]): boolean => path.some((_, at) => inB.has(JSON.stringify(path.slice(0, at + 1))))
      assert.deepEqual(keys(listed(recursiveDifference(a, b))), keys(listed(a).filter((path) => !belowB(path))))
    }),
    propertyRuns(100),
  )
})

test('a set is its own canonical form', () => {
  fc.assert(
    fc.property(paths, paths, (first, second) => {
      for (const set of [
        setOf(first),
        union(setOf(first), setOf(second)),
        difference(setOf(first), setOf(second)),
        intersection(setOf(first), setOf(second)),
      ]) {
        assert.equal(JSON.stringify(parseFieldSet(set)), JSON.stringify(set))
      }
      assert.ok(equalSets(union(setOf(first), setOf(second)), union(setOf(second), setOf(first))))
      assert.ok(isEmptySet(difference(setOf(first), setOf(first))))
    }),
    propertyRuns(100),
  )
})

test('more children than are kept sorted', () => {
  const names = Array.from({ length: 100 }, (_, at) => `n${(at * 37) % 100}`)
  const set = fieldSetOf(...names.map((name) => [name]))
  const other = fieldSetOf(...names.toReversed().map((name) => [name]))
  assert.deepEqual(Object.keys(set), names.map((name) => `f:${name}`).sort())
  assert.equal(JSON.stringify(other), JSON.stringify(set))
})
