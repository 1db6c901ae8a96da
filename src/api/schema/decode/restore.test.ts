import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaOf } from '../builtin.ts'
import { restoreProblem } from './restore.ts'

test('the first value of a wrong form is told, in the order of the type', () => {
  const configMaps = schemaOf('', 'v1', 'ConfigMap')
  const pods = schemaOf('', 'v1', 'Pod')
  assert.ok(configMaps !== undefined && pods !== undefined)
  assert.equal(restoreProblem(configMaps, { data: { a: 'x' }, immutable: true, metadata: null }), undefined)
  assert.equal(restoreProblem(configMaps, { data: { a: 5 }, metadata: { labels: ['x'] } }), 'cannot restore map from slice')
  assert.equal(restoreProblem(configMaps, { data: { a: 5 } }), 'cannot convert int64 to string')
  assert.equal(restoreProblem(configMaps, { data: { a: true } }), 'unrecognized type: string')
  assert.equal(restoreProblem(configMaps, { immutable: 'yes' }), 'unrecognized type: bool')
  assert.equal(restoreProblem(configMaps, { metadata: 'x' }), 'cannot restore struct from: string')
  assert.equal(restoreProblem(pods, { spec: { containers: {} } }), 'cannot restore slice from map')
  assert.equal(restoreProblem(pods, { spec: { priority: 1.5 } }), 'cannot convert float64 to int32')
  assert.equal(restoreProblem(pods, { spec: { priority: '1' } }), 'unrecognized type: int32')
})
