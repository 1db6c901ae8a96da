import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HTTPRouteRule } from '../kinds.ts'
import { readFilters } from './filters.ts'
import { readRetry } from './retry.ts'

const problemOf = (read: object | undefined): string => (read !== undefined && 'problem' in read ? String(read.problem) : '')

test('what is tried again, and what cannot be', () => {
  const retryOf = (retry: HTTPRouteRule['retry'], timeouts?: HTTPRouteRule['timeouts']) => readRetry({ retry, timeouts })
  assert.equal(retryOf(undefined), undefined)
  assert.deepEqual(retryOf({}), { retry: '2.conn-failure.empty-response' })
  assert.deepEqual(retryOf({ codes: [504, 500], attempts: 3 }), { retry: '3.conn-failure.empty-response.500.504' })
  assert.deepEqual(retryOf({ attempts: 0, codes: [500] }), { retry: '0' })
  assert.deepEqual(retryOf({ attempts: 1 }, { backendRequest: '1s', request: '2s' }), {
    retry: '1.conn-failure.empty-response.response-timeout',
  })
  assert.match(problemOf(retryOf({ attempts: 1 }, { backendRequest: '1s', request: '1500ms' })), /all tries together/)
  assert.match(problemOf(retryOf({}, { request: '10s' })), /backendRequest/)
  assert.match(problemOf(retryOf({ backoff: '100ms' })), /backoff/)
  assert.deepEqual(retryOf({ backoff: '0s' }), retryOf({}))
  assert.match(problemOf(retryOf({ codes: [429] })), /429/)
  assert.match(problemOf(retryOf({ attempts: 11 })), /attempts/)
  assert.match(problemOf(retryOf({ attempts: -1 })), /attempts/)
})

test('copies are of rules, with the share that is said, and not of what is redirected', () => {
  const mirror = (more: object = {}) => ({ type: 'RequestMirror', requestMirror: { backendRef: { name: 'a', port: 80 }, ...more } })
  const shareOf = (more: object): unknown => {
    const read = readFilters([mirror(more)], undefined, ({ name }) => name)
    return 'mirrors' in read ? read.mirrors[0]?.share : read.problem
  }
  assert.deepEqual(
    [{}, { percent: 0 }, { percent: 42 }, { fraction: { numerator: 1, denominator: 4 } }, { fraction: { numerator: 5 } }].map(shareOf),
    [1, 0, 0.42, 0.25, 0.05],
  )
  assert.match(problemOf(readFilters([mirror()], undefined)), /of a rule/)
  assert.deepEqual(
    readFilters([mirror()], undefined, () => undefined),
    { edits: [], redirect: undefined, cors: undefined, mirrors: [] },
  )
  const redirect = { type: 'RequestRedirect', requestRedirect: { scheme: 'https' } }
  assert.match(problemOf(readFilters([mirror(), redirect], undefined, () => 'a')), /redirected/)
  const cors = (allowOrigins: readonly string[]) => ({ type: 'CORS', cors: { allowOrigins } })
  assert.match(problemOf(readFilters([cors(['*'])], undefined)), /of a rule/)
  for (const origin of ['ftp://a.example', 'https://a.example/x', 'https://a b', 'http://a.*.example', 'http://a:99999'])
    assert.match(problemOf(readFilters([cors([origin])], undefined, () => 'a')), /is no origin/, origin)
})
