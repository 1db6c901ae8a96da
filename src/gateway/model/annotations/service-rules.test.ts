import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Asked, decide } from '#routing'
import { type World, ingress, modelIn, rule, to, web } from '../model.fixture.ts'

const asked = (more: Partial<Asked> = {}): Asked => ({
  scheme: 'http',
  method: 'GET',
  host: 'h',
  path: '/',
  headers: {},
  cookies: {},
  query: {},
  source: '10.0.0.1',
  ...more,
})
const world = (annotations: Record<string, string>): World => ({
  services: { new: web, old: web, older: web },
  ingresses: [ingress('i', { rules: ['new', 'old', 'older'].map((name) => rule('h', '/', 'Prefix', to(name))) }, { annotations })],
})
const MATCH = 'nginx.ingress.kubernetes.io/service-match'
const WEIGHT = 'nginx.ingress.kubernetes.io/service-weight'

/** Shares of 1,000 evenly spread requests, in percent. */
function shares(annotations: Record<string, string>, request: Asked = asked()): Record<string, number> {
  const rules = modelIn(world(annotations)).model.route('prefix', 'h/') ?? []
  const counts: Record<string, number> = {}
  for (let i = 0; i < 1000; i++) {
    const decided = decide(rules, request, i / 1000)
    const name = decided !== undefined && 'share' in decided ? (decided.share?.backend ?? 'nobody') : 'none'
    const key = name.replace('x/', '').replace(':80', '')
    counts[key] = (counts[key] ?? 0) + 0.1
  }
  return Object.fromEntries(Object.entries(counts).map(([name, share]) => [name, Math.round(share)]))
}

test('weights share the requests of one path among its Services', () => {
  assert.deepEqual(shares({ [WEIGHT]: 'new: 10, old: 20, older: 70' }), { new: 10, old: 20, older: 70 })
  assert.deepEqual(shares({ [WEIGHT]: 'new: 0' }), { old: 50, older: 50 })
  assert.deepEqual(shares({ [WEIGHT]: 'new: 0, old: 0, older: 0' }), { nobody: 100 })
})

test('a match comes first, and weights within it', () => {
  const beta = asked({ headers: { 'x-user': 'beta-7' } })
  const match = { [MATCH]: 'new: header("X-User", /^beta-[0-9]+$/)' }
  assert.deepEqual(shares(match, beta), { new: 100 })
  assert.deepEqual(shares(match), { old: 50, older: 50 })
  const both = { ...match, [WEIGHT]: 'new: 50, old: 50, older: 0' }
  assert.deepEqual(shares(both, beta), { new: 50, old: 50 })
  assert.deepEqual(shares(both), { old: 100 })
})

test('what cannot be understood is refused whole, with the reason', () => {
  const cases = [
    [{ [MATCH]: 'header("a", "b")' }, /does not begin with the name of a Service/],
    [{ [MATCH]: 'new: head("a")' }, /at character 1 there should be header/],
    [{ [MATCH]: 'new: header("a", /(/)' }, /no regular expression/],
    [{ [WEIGHT]: 'new: many' }, /not the name of a Service, a colon and a number/],
    [{ [WEIGHT]: 'new: 9999999' }, /number up to/],
    [{ [WEIGHT]: 'new: 1', 'sampan.io/sticky': 'face' }, /may be "cookie", "source" or/],
  ] as const
  for (const [annotations, wanted] of cases) {
    const { findings, model } = modelIn(world(annotations))
    assert.match(findings.find(({ reason }) => reason === 'AnnotationRefused')?.message ?? '', wanted)
    assert.equal(model.route('prefix', 'h/')?.length, 1)
  }
})

test('conditions that are too long together are refused, and the route stays', () => {
  const names = Array.from({ length: 20 }, (_, i) => `s${i}`)
  const long = names.map((name) => `${name}: header("a", /${name}[a-z]{9}(x|y)[0-9]{3,9}/)`).join('\n')
  const { model, findings } = modelIn({
    services: Object.fromEntries(names.map((name) => [name, web])),
    ingresses: [ingress('i', { rules: names.map((name) => rule('h', '/', 'Prefix', to(name))) }, { annotations: { [MATCH]: long } })],
  })
  assert.deepEqual(
    findings.map(({ reason }) => reason),
    ['AnnotationRefused'],
  )
  assert.equal(model.route('prefix', 'h/')?.length, 1)
})
