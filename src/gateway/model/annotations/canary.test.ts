import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Asked, decide } from '#routing'
import { ChangingWorld, type World, ingress, rule, to, web } from '../model.fixture.ts'

const NGINX = 'nginx.ingress.kubernetes.io/'
const asked: Asked = { scheme: 'http', method: 'GET', host: 'h', path: '/', headers: {}, cookies: {}, query: {}, source: '10.0.0.1' }

/** `stable` has the route; each of the others takes a part of it. */
function world(canaries: Readonly<Record<string, Readonly<Record<string, string>>>>, hasMain = true): World {
  return {
    services: { stable: web, one: web, two: web },
    ingresses: [
      ...(hasMain ? [ingress('stable', { rules: [rule('h', '/', 'Prefix', to('stable'))] })] : []),
      ...Object.entries(canaries).map(([name, annotations]) =>
        ingress(
          name,
          { rules: [rule('h', '/', 'Prefix', to(name))] },
          {
            annotations: {
              [`${NGINX}canary`]: 'true',
              ...Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${NGINX}${key}`, value])),
            },
          },
        ),
      ),
    ],
  }
}

function shares(of: World, request: Partial<Asked> = {}): Record<string, number> {
  const rules = new ChangingWorld(of).now().model.route('prefix', 'h/') ?? []
  const counts: Record<string, number> = {}
  for (let i = 0; i < 1000; i++) {
    const decided = decide(rules, { ...asked, ...request }, (i + 0.5) / 1000)
    const backend = decided !== undefined && 'share' in decided ? (decided.share?.backend ?? 'nobody') : 'none'
    const name = backend.slice(2, -3)
    counts[name] = (counts[name] ?? 0) + 0.1
  }
  return Object.fromEntries(Object.entries(counts).map(([name, share]) => [name, Math.round(share)]))
}

test('a canary takes its weight, of the total that is said', () => {
  assert.deepEqual(shares(world({ one: { 'canary-weight': '10' } })), { stable: 90, one: 10 })
  assert.deepEqual(shares(world({ one: { 'canary-weight': '30', 'canary-weight-total': '200' } })), { stable: 85, one: 15 })
  assert.deepEqual(shares(world({ one: {} })), { stable: 100 })
  assert.deepEqual(shares(world({ one: { 'canary-weight': '100' } })), { one: 100 })
})

test('several canaries of one path each take theirs', () => {
  assert.deepEqual(shares(world({ one: { 'canary-weight': '20' }, two: { 'canary-weight': '10' } })), { stable: 70, one: 20, two: 10 })
})

test('the header comes before the cookie, the cookie before the weight', () => {
  const both = world({ one: { 'canary-by-header': 'X-Canary', 'canary-by-cookie': 'canary', 'canary-weight': '50' } })
  const cases: readonly (readonly [Partial<Asked>, Record<string, number>])[] = [
    [{ headers: { 'x-canary': 'always' }, cookies: { canary: 'never' } }, { one: 100 }],
    [{ headers: { 'x-canary': 'never' }, cookies: { canary: 'always' } }, { stable: 100 }],
    [{ headers: { 'x-canary': 'maybe' }, cookies: { canary: 'always' } }, { one: 100 }],
    [{ cookies: { canary: 'never' } }, { stable: 100 }],
    [{}, { stable: 50, one: 50 }],
  ]
  for (const [request, wanted] of cases) assert.deepEqual(shares(both, request), wanted, JSON.stringify(request))
  const value = world({ one: { 'canary-by-header': 'x', 'canary-by-header-value': 'beta', 'canary-by-header-pattern': '.*' } })
  assert.deepEqual(shares(value, { headers: { x: 'beta' } }), { one: 100 })
  assert.deepEqual(shares(value, { headers: { x: 'always' } }), { stable: 100 })
  const pattern = world({ one: { 'canary-by-header': 'x', 'canary-by-header-pattern': '^b' } })
  assert.deepEqual(shares(pattern, { headers: { x: 'beta' } }), { one: 100 })
})

test('a canary without a route to take from, or that cannot be understood, gets nothing and is told', () => {
  const findings = (of: World): readonly string[] => new ChangingWorld(of).now().findings.map(({ reason }) => reason)
  const alone = world({ one: { 'canary-weight': '10' } }, false)
  assert.deepEqual([shares(alone), findings(alone)], [{ '': 100 }, ['CanaryAlone']])
  for (const annotations of [
    { 'canary-weight': 'x' },
    { 'canary-weight': '200' },
    { 'canary-by-header': 'a b' },
    { 'canary-by-header': 'a', 'canary-by-header-pattern': '(' },
  ]) {
    const bad = world({ one: annotations })
    assert.deepEqual([shares(bad), findings(bad)], [{ stable: 100 }, ['AnnotationRefused']], JSON.stringify(annotations))
  }
})

test('a canary that goes gives back what it took', () => {
  const changing = new ChangingWorld(world({ one: { 'canary-weight': '10' } }))
  const { model } = changing.now()
  model.takeChanges()
  changing.become(world({}))
  assert.ok(model.takeChanges().routes.prefix.has('h/'))
  assert.equal(model.route('prefix', 'h/')?.[0]?.action.kind === 'forward' && model.route('prefix', 'h/')?.length, 1)
})
