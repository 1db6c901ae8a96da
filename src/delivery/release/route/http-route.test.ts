import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { type HttpRoute, httpRouteProblem, withHttpShares } from './http-route.ts'

type Rules = NonNullable<HttpRoute['spec']['rules']>
const route = (rules: Rules): HttpRoute => ({ metadata: { name: 'r', namespace: 'x' }, spec: { rules } })
const SHARES = [
  { service: 'shop', weight: 70 },
  { service: 'shop-control', weight: 20 },
  { service: 'shop-next', weight: 10 },
]

test('what a Service had of a rule is divided, and others keep theirs', () => {
  const before = route([
    {
      backendRefs: [
        { name: 'shop', port: 80, weight: 3 },
        { name: 'till', port: 80, weight: 1 },
      ],
    },
    { backendRefs: [{ name: 'till', port: 80 }] },
    {},
  ])
  const now = withHttpShares(before, 'shop', SHARES)
  assert.deepEqual(now.spec.rules, [
    {
      backendRefs: [
        { name: 'shop', port: 80, weight: 210 },
        { name: 'shop-control', port: 80, weight: 60 },
        { name: 'shop-next', port: 80, weight: 30 },
        { name: 'till', port: 80, weight: 100 },
      ],
    },
    before.spec.rules?.[1],
    {},
  ])
  assert.deepEqual(withHttpShares(now, 'shop', []), before)
})

test('a rule that somebody sets anew meanwhile is shared anew, and stays as he wants it', () => {
  const shared = withHttpShares(route([{ backendRefs: [{ name: 'shop', weight: 1 }] }]), 'shop', SHARES)
  const again = { ...shared, spec: { rules: [{ backendRefs: [{ name: 'shop', weight: 5 }] }] } }
  const now = withHttpShares(again, 'shop', SHARES)
  assert.deepEqual(
    now.spec.rules?.[0]?.backendRefs?.map(({ weight }) => weight),
    [350, 100, 50],
  )
  assert.deepEqual(withHttpShares(now, 'shop', []).spec, again.spec)
})

test('says why it cannot be shared', () => {
  const says = (...backendRefs: NonNullable<Rules[number]['backendRefs']>) => httpRouteProblem(route([{ backendRefs }]), 'shop')
  assert.equal(says({ name: 'shop' }), undefined)
  assert.match(says({ name: 'till' }) ?? '', /none of its rules leads/)
  assert.match(says({ name: 'shop', namespace: 'other' }) ?? '', /none of its rules leads/)
  assert.match(says({ name: 'shop' }, { name: 'shop-next' }) ?? '', /leads to shop-next already/)
  assert.match(says({ name: 'shop', weight: 10_001 }) ?? '', /cannot be divided/)
  assert.match(says({ name: 'shop' }, ...Array.from({ length: 15 }, (_, at) => ({ name: `s${at}` }))) ?? '', /more than 16/)
})

test('whatever it was, it is so again, over any weights on the way', () => {
  const backend = fc.record(
    { name: fc.constantFrom('shop', 'till', 'other'), weight: fc.integer({ min: 0, max: 10_000 }) },
    { noNullPrototype: true },
  )
  const weights = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 50 })).map(([next, control]) => {
    const rest = Math.max(0, 100 - next - control)
    return [
      { service: 'shop', weight: rest },
      { service: 'shop-control', weight: 100 - rest - Math.min(next, 100 - rest) },
      { service: 'shop-next', weight: Math.min(next, 100 - rest) },
    ]
  })
  fc.assert(
    fc.property(fc.array(fc.array(backend, { maxLength: 4 }), { maxLength: 3 }), fc.array(weights, { maxLength: 4 }), (rules, way) => {
      const before = route(rules.map((backendRefs) => ({ backendRefs })))
      const shared = way.reduce((so, shares) => withHttpShares(so, 'shop', shares), before)
      assert.deepEqual(withHttpShares(shared, 'shop', []), before)
    }),
    propertyRuns(100),
  )
})
