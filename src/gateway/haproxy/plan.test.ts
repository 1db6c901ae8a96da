import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type World, ingress, modelIn, rule, slice, to, web } from '../model/model.fixture.ts'
import { placesIn } from './places.ts'
import { planChange } from './plan.ts'
import { renderFiles } from './render.ts'
import { type Applied, freshState, poolSizeFor } from './state.ts'

const places = placesIn('/g')
const world = (pods: readonly string[], more: Partial<World> = {}): World => ({
  services: { a: web, b: web },
  slices: { a: [slice(pods)], b: [slice(['10.1.1.1'])] },
  ingresses: [ingress('i', { rules: [rule('h', '/')] })],
  ...more,
})
const change = (applied: Applied, next: World): { readonly lines: readonly string[]; readonly next: Applied } => {
  const plan = planChange(applied, modelIn(next), places)
  if (plan === undefined) assert.fail('the pool is too small')
  return { lines: plan.commands.map(({ line }) => line), next: plan.next }
}
const empty = freshState(modelIn({ ingresses: [] }))

test('nothing has changed: nothing is told', () => {
  const applied = freshState(modelIn(world(['10.1.0.1'])))
  assert.deepEqual(change(applied, world(['10.1.0.1'])), { lines: [], next: applied })
})

test('servers are there before the route that leads to them, and go after it', () => {
  const made = change(empty, world(['10.1.0.1']))
  assert.deepEqual(made.lines, [
    'add server b0/s0 10.1.0.1:8080 pool-max-conn 200',
    'set server b0/s0 state ready',
    'add map /g/prefix.map h/ b0',
  ])
  const gone = change(made.next, world([], { ingresses: [] }))
  assert.deepEqual(gone.lines, ['del map /g/prefix.map h/', 'set server b0/s0 state maint'])
  assert.deepEqual([...gone.next.leaving], [['b0/s0', { slot: 0, address: '10.1.0.1:8080' }]])
})

test('one endpoint for another: the new one first, under a name of its own', () => {
  const { lines, next } = change(freshState(modelIn(world(['10.1.0.1']))), world(['10.1.0.2']))
  assert.deepEqual(lines, [
    'add server b0/s1 10.1.0.2:8080 pool-max-conn 200',
    'set server b0/s1 state ready',
    'set server b0/s0 state maint',
  ])
  // It comes back before it was deleted.
  assert.deepEqual(change(next, world(['10.1.0.1', '10.1.0.2'])).lines, ['set server b0/s0 state ready'])
})

test('a backend with servers that are leaving is not given to another', () => {
  const left = change(freshState(modelIn(world(['10.1.0.1']))), world([], { ingresses: [] }))
  const other = world([], { ingresses: [ingress('i', { rules: [rule('h', '/', 'Prefix', to('b'))] })] })
  assert.equal(change(left.next, other).next.slots.get('x/b:80')?.number, 1)
  assert.equal(change({ ...left.next, leaving: new Map() }, other).next.slots.get('x/b:80')?.number, 0)
})

test('a route to another backend is set; to nobody, it answers 503', () => {
  const applied = freshState(modelIn(world(['10.1.0.1'])))
  const other = world(['10.1.0.1'], {
    ingresses: [ingress('i', { rules: [rule('h', '/', 'Prefix', to('b')), rule('h', '/x', 'Exact', to('gone'))] })],
  })
  const { lines } = change(applied, other)
  assert.ok(lines.includes('set map /g/prefix.map h/ b1'))
  assert.ok(lines.includes('add map /g/exact.map h/x none'))
})

test('a pool that is used up is noticed, and the next one has room', () => {
  const names = Array.from({ length: 65 }, (_, i) => `s${i}`)
  const many = modelIn({
    services: Object.fromEntries(names.map((name) => [name, web])),
    ingresses: [ingress('i', { rules: names.map((name) => rule('h', `/${name}`, 'Prefix', to(name))) })],
  })
  assert.equal(planChange(empty, many, places), undefined)
  assert.equal(freshState(many).poolSize, 128)
  assert.deepEqual([0, 42, 43, 1000].map(poolSizeFor), [64, 64, 128, 2048])
})

test('certificates: made, renewed in place, made anew for other names, taken away', () => {
  const isFor = (): boolean => true
  const tls = (pem: string, hosts: readonly string[]): World => ({
    certificates: { 'x/s': { pem, notAfterMs: Infinity, isFor } },
    ingresses: [ingress('i', { tls: [{ hosts: [...hosts], secretName: 's' }] })],
  })
  const file = '/g/certificates/c1.pem'
  const made = change(empty, tls('one\n', ['h']))
  assert.deepEqual(made.lines, [
    `new ssl cert ${file}`,
    `set ssl cert ${file}`,
    `commit ssl cert ${file}`,
    'add ssl crt-list /g/certificates.list',
  ])
  const renewed = change(made.next, tls('two\n', ['h']))
  assert.deepEqual(renewed.lines, [`set ssl cert ${file}`, `commit ssl cert ${file}`])
  const renamed = change(renewed.next, tls('two\n', ['h', 'i']))
  assert.deepEqual(renamed.lines.slice(-3), [
    'add ssl crt-list /g/certificates.list',
    `del ssl crt-list /g/certificates.list ${file}`,
    `del ssl cert ${file}`,
  ])
  assert.deepEqual(change(renamed.next, { ingresses: [] }).lines, [
    'del ssl crt-list /g/certificates.list /g/certificates/c2.pem',
    'del ssl cert /g/certificates/c2.pem',
  ])
})

test('the files of a start hold what the commands would have told', () => {
  const state = freshState(modelIn(world(['10.1.0.1', '10.1.0.2'])))
  const files = renderFiles(state, places, { address: '10.0.0.1', httpPort: 80, httpsPort: 443, threads: 2, dropRights: true }, 'own\n')
  assert.equal(files.get('/g/prefix.map'), 'h/ b0\n')
  assert.equal(files.get('/g/certificates.list'), '/g/certificates/c0.pem\n')
  assert.equal(files.get('/g/certificates/c0.pem'), 'own\n')
  assert.match(
    files.get('/g/haproxy.cfg') ?? '',
    /\nbackend b0\n {2}server s0 10\.1\.0\.1:8080 pool-max-conn 200\n {2}server s1 10\.1\.0\.2:8080 pool-max-conn 200\nbackend b1\n/,
  )
})
