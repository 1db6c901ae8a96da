import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChangingWorld, type World, ingress, modelIn, rule, slice, to, web } from '../model/model.fixture.ts'
import { placesIn } from './places.ts'
import { planChange } from './plan.ts'
import { renderFiles } from './render.ts'
import { freshState, poolSizeFor } from './state.ts'

const places = placesIn('/g')
const world = (pods: readonly string[], more: Partial<World> = {}): World => ({
  services: { a: web, b: web },
  slices: { a: [slice(pods)], b: [slice(['10.1.1.1'])] },
  ingresses: [ingress('i', { rules: [rule('h', '/')] })],
  ...more,
})
/** One HAProxy through the changes of a world. */
function running(start: World) {
  const changing = new ChangingWorld(start)
  const { model } = changing.now()
  model.takeChanges()
  const told = freshState(model)
  return {
    told,
    become(next: World): readonly string[] {
      changing.become(next)
      const commands = planChange(told, model, model.takeChanges(), places)
      return commands?.map(({ line }) => line) ?? assert.fail('the pool is too small')
    },
  }
}
const leaving = ({ told }: ReturnType<typeof running>): readonly string[] =>
  told.leaving().map(({ slot, name }) => `b${slot.number}/${name}`)
const nothing: World = { ingresses: [] }

test('nothing has changed: nothing is told', () => {
  assert.deepEqual(running(world(['10.1.0.1'])).become(world(['10.1.0.1'])), [])
})

test('servers are there before the route that leads to them, and go after it', () => {
  const haproxy = running(nothing)
  assert.deepEqual(haproxy.become(world(['10.1.0.1'])), [
    'set server b0/s0 addr 10.1.0.1 port 8080',
    'set server b0/s0 state ready',
    'add map /g/prefix.map h/ b0',
  ])
  assert.deepEqual(haproxy.become(world([], nothing)), ['del map /g/prefix.map h/', 'set server b0/s0 state maint'])
  assert.deepEqual(leaving(haproxy), ['b0/s0'])
})

test('one endpoint for another: the new one first, under a name of its own', () => {
  const haproxy = running(world(['10.1.0.1']))
  assert.deepEqual(haproxy.become(world(['10.1.0.2'])), [
    'add server b0/s1 10.1.0.2:8080 pool-max-conn 200',
    'set server b0/s1 state ready',
    'set server b0/s0 state maint',
  ])
  // It comes back before it was deleted.
  assert.deepEqual(haproxy.become(world(['10.1.0.1', '10.1.0.2'])), ['set server b0/s0 state ready'])
  assert.deepEqual(leaving(haproxy), [])
})

test('a backend with servers that are leaving is not given to another', () => {
  const other = world([], { ingresses: [ingress('i', { rules: [rule('h', '/', 'Prefix', to('b'))] })] })
  const haproxy = running(world(['10.1.0.1']))
  haproxy.become(world([], nothing))
  haproxy.become(other)
  assert.equal(haproxy.told.slots.get('x/b:80')?.number, 1)
  for (const { slot, name } of haproxy.told.leaving()) haproxy.told.left(slot, name)
  haproxy.become(world(['10.1.0.1'], { ingresses: [...other.ingresses, ingress('j', { rules: [rule('h', '/j')] })] }))
  // Lines about its requests may still come: first those that nobody has had.
  assert.equal(haproxy.told.slots.get('x/a:80')?.number, 2)
  assert.equal(haproxy.told.slotAt(0)?.key, 'x/a:80')
  for (let more = 3; more < haproxy.told.poolSizes.http; more++) haproxy.told.slotFor(`x/more:${more}`, 'http')
  assert.equal(haproxy.told.slotFor('x/last:80', 'http')?.number, 0)
  assert.equal(haproxy.told.slotAt(0)?.key, 'x/last:80')
})

test('a route to another backend is set; to nobody, it answers 503', () => {
  const other = world(['10.1.0.1'], {
    ingresses: [ingress('i', { rules: [rule('h', '/', 'Prefix', to('b')), rule('h', '/x', 'Exact', to('gone'))] })],
  })
  const lines = running(world(['10.1.0.1'])).become(other)
  assert.ok(lines.includes('set map /g/prefix.map h/ b1'))
  assert.ok(lines.includes('add map /g/exact.map h/x none'))
})

test('a pool that is used up is noticed, and the next one has room', () => {
  const names = Array.from({ length: 65 }, (_, i) => `s${i}`)
  const changing = new ChangingWorld(nothing)
  const { model } = changing.now()
  const told = freshState(model)
  changing.become({
    services: Object.fromEntries(names.map((name) => [name, web])),
    ingresses: [ingress('i', { rules: names.map((name) => rule('h', `/${name}`, 'Prefix', to(name))) })],
  })
  assert.equal(planChange(told, model, model.takeChanges(), places), undefined)
  assert.equal(freshState(model).poolSizes.http, 128)
  assert.deepEqual(
    [0, 42, 43, 1000].map((count) => poolSizeFor(count)),
    [64, 64, 128, 2048],
  )
})

test('certificates: made, renewed in place, made anew for other names, taken away', () => {
  const isFor = (): boolean => true
  const tls = (pem: string, hosts: readonly string[]): World => ({
    certificates: { 'x/s': { pem, notAfterMs: Infinity, names: [], isFor } },
    ingresses: [ingress('i', { tls: [{ hosts: [...hosts], secretName: 's' }] })],
  })
  const file = '/g/certificates/c1.pem'
  const haproxy = running(nothing)
  assert.deepEqual(haproxy.become(tls('one\n', ['h'])), [
    `new ssl cert ${file}`,
    `set ssl cert ${file}`,
    `commit ssl cert ${file}`,
    'add ssl crt-list /g/certificates.list',
  ])
  assert.deepEqual(haproxy.become(tls('two\n', ['h'])), [`set ssl cert ${file}`, `commit ssl cert ${file}`])
  assert.deepEqual(haproxy.become(tls('two\n', ['h', 'i'])).slice(-3), [
    'add ssl crt-list /g/certificates.list',
    `del ssl crt-list /g/certificates.list ${file}`,
    `del ssl cert ${file}`,
  ])
  assert.deepEqual(haproxy.become(nothing), [
    'del ssl crt-list /g/certificates.list /g/certificates/c2.pem',
    'del ssl cert /g/certificates/c2.pem',
  ])
})

test('the files of a start hold what the commands would have told', () => {
  const state = freshState(modelIn(world(['10.1.0.1', '10.1.0.2'])).model)
  const files = renderFiles(
    state,
    places,
    { address: '10.0.0.1', ownAddresses: [], httpPort: 80, httpsPort: 443, more: [], threads: 2, dropRights: true, affinityKey: 'ab12' },
    'own\n',
  )
  assert.equal(files.get('/g/prefix.map'), 'h/ b0\n')
  assert.equal(files.get('/g/certificates.list'), '/g/certificates/c0.pem\n')
  assert.equal(files.get('/g/certificates/c0.pem'), 'own\n')
  assert.match(
    files.get('/g/haproxy.cfg') ?? '',
    /\nbackend b0 from pool\n {2}server s0 10\.1\.0\.1:8080 pool-max-conn 200\n {2}server s1 10\.1\.0\.2:8080 pool-max-conn 200\nbackend b1 from pool\n/,
  )
})

test('what the port of a Service speaks is told with its servers, and when it changes they are exchanged', () => {
  const speaking = (appProtocol: string): World => ({
    ...world(['10.1.0.1']),
    services: { a: { ports: [{ name: 'web', port: 80, appProtocol }] } },
  })
  const haproxy = running(nothing)
  assert.equal(haproxy.become(speaking('kubernetes.io/h2c'))[0], 'add server b0/s2 10.1.0.1:8080 proto h2 pool-max-conn 200')
  assert.deepEqual(haproxy.become(speaking('https')), [
    'add server b0/s3 10.1.0.1:8080 ssl verify none pool-max-conn 200',
    'set server b0/s3 state ready',
    'set server b0/s2 state maint',
  ])
})

test('a backend has two servers before it has addresses, and what is left of them when it is given away again', () => {
  const haproxy = running(nothing)
  const lines = haproxy.become(world(['10.1.0.1', '10.1.0.2', '10.1.0.3']))
  assert.deepEqual(
    lines.filter((line) => /addr|add server/.test(line)),
    [
      'set server b0/s0 addr 10.1.0.1 port 8080',
      'set server b0/s1 addr 10.1.0.2 port 8080',
      'add server b0/s2 10.1.0.3:8080 pool-max-conn 200',
    ],
  )
  const used = running(nothing)
  used.become(world(['10.1.0.1']))
  used.become(world([], nothing))
  for (const { slot, name } of used.told.leaving()) used.told.left(slot, name)
  for (let more = 1; more < used.told.poolSizes.http; more++) used.told.slotFor(`x/more:${more}`, 'http')
  // Of the two one was used and is deleted.
  assert.deepEqual(used.become(world(['10.1.0.1', '10.1.0.2'])).slice(0, 3), [
    'set server b0/s1 addr 10.1.0.1 port 8080',
    'set server b0/s1 state ready',
    'add server b0/s2 10.1.0.2:8080 pool-max-conn 200',
  ])
  const files = renderFiles(
    freshState(modelIn(nothing).model),
    places,
    { address: '10.0.0.1', ownAddresses: [], httpPort: 80, httpsPort: 443, more: [], threads: 2, dropRights: true, affinityKey: 'ab12' },
    'own\n',
  )
  assert.match(
    files.get('/g/haproxy.cfg') ?? '',
    /\nbackend b0 from pool\n {2}server s0 127\.0\.0\.1:1 disabled pool-max-conn 200\n {2}server s1 /,
  )
})

test('a route that depends on how a request came is a program for one scheme and the plain backend for the other', () => {
  const annotations = { 'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true' }
  const haproxy = running(nothing)
  const lines = haproxy.become({
    ...world(['10.1.0.1']),
    ingresses: [ingress('i', { rules: [rule('h', '/')] }, { annotations })],
  })
  assert.match(lines.find((line) => line.includes('programs.map')) ?? '', /^add map \/g\/programs\.map 0 R,T,-,D,308,https,/)
  assert.equal(lines.at(-1), 'add map /g/prefix.map h/ s:p0/2:b0')
  assert.deepEqual(haproxy.become(world(['10.1.0.1'])), ['set map /g/prefix.map h/ b0', 'del map /g/programs.map 0'])
})

test('what policies say of servers is told while it runs, but for how long requests wait', () => {
  const at = (serverWords: string, queueMs?: number) => ({ treatments: { 'x/a': { number: 7, serverWords, queueMs } } })
  const haproxy = running(world(['10.1.0.1']))
  const added = 'add server b0/s1 10.1.0.1:8080 maxconn 5 slowstart 9s pool-max-conn 200'
  assert.deepEqual(haproxy.become(world(['10.1.0.1'], at(' maxconn 5 slowstart 9s'))), [
    'add map /g/governed.map b0 7',
    added,
    'set server b0/s1 state ready',
    'set server b0/s0 state maint',
  ])
  assert.deepEqual(haproxy.become(world(['10.1.0.1']))[0], 'del map /g/governed.map b0')
  assert.throws(() => haproxy.become(world(['10.1.0.1'], at('', 300))))
  const { model } = modelIn(world(['10.1.0.1'], at('', 300)))
  const policies = new Map([['s7', '8,0']])
  const files = renderFiles(
    freshState(model, policies),
    places,
    { address: '0.0.0.0', ownAddresses: [], httpPort: 80, httpsPort: 443, more: [], threads: 1, dropRights: false, affinityKey: 'ab12' },
    '',
  )
  assert.equal(files.get(places.governed), 'b0 7\n')
  assert.equal(files.get(places.policies), 's7 8,0\n')
  assert.match(files.get(places.configuration) ?? '', /backend b0 from pool\n {2}timeout queue 300ms\n/)
})

test('what is tried again stands in the configuration: a new process, with room for more of the same', () => {
  const retrying = (tries: string) => ({ annotations: { 'nginx.ingress.kubernetes.io/proxy-next-upstream-tries': tries } })
  const of = (...names: readonly (readonly [string, string, string])[]): World =>
    world(['10.1.0.1'], {
      ingresses: names.map(([name, service, tries]) => ingress(name, { rules: [rule(name, '/', 'Prefix', to(service))] }, retrying(tries))),
    })
  const changing = new ChangingWorld(nothing)
  const { model } = changing.now()
  model.takeChanges()
  const plain = freshState(model)
  changing.become(of(['i', 'a', '2']))
  assert.equal(planChange(plain, model, model.takeChanges(), places), undefined)
  const told = freshState(model)
  const render = (): string =>
    renderFiles(
      told,
      places,
      { address: '0.0.0.0', ownAddresses: [], httpPort: 80, httpsPort: 443, more: [], threads: 1, dropRights: false, affinityKey: 'ab12' },
      '',
    ).get(places.configuration) ?? ''
  assert.match(
    render(),
    /backend b0 from pool\n {2}retries 1\n {2}retry-on conn-failure empty-response response-timeout\n {2}server s0 10\.1\.0\.1:8080/,
  )
  changing.become(of(['i', 'a', '2'], ['j', 'b', '2']))
  assert.deepEqual(planChange(told, model, model.takeChanges(), places)?.at(-1)?.line, 'add map /g/prefix.map j/ b1')
  // Its place is kept for who says the same, and given to nobody else.
  changing.become(of(['j', 'b', '2']))
  planChange(told, model, model.takeChanges(), places)
  for (const { slot, name } of told.leaving()) told.left(slot, name)
  changing.become({
    ...of(['j', 'b', '2']),
    ingresses: [...of(['j', 'b', '2']).ingresses, ingress('k', { rules: [rule('k', '/', 'Prefix', to('a'))] })],
  })
  assert.match(planChange(told, model, model.takeChanges(), places)?.at(-1)?.line ?? '', /k\/ b9$/)
  changing.become(of(['i', 'a', '3'], ['j', 'b', '2']))
  assert.equal(planChange(told, model, model.takeChanges(), places), undefined)
})

test('clients stay with an endpoint by a cookie that the configuration makes, and servers that come later are given names', () => {
  const annotations = { 'sampan.io/affinity': 'cookie', 'sampan.io/affinity-idle-seconds': '60' }
  const of = (...addresses: readonly string[]): World =>
    world(addresses, { ingresses: [ingress('i', { rules: [rule('i', '/', 'Prefix', to('a'))] }, { annotations })] })
  const changing = new ChangingWorld(of('10.1.0.1'))
  const { model } = changing.now()
  model.takeChanges()
  const told = freshState(model)
  const listening = {
    address: '0.0.0.0',
    ownAddresses: [],
    httpPort: 80,
    httpsPort: 443,
    more: [],
    threads: 1,
    dropRights: false,
    affinityKey: 'ab12',
  }
  assert.match(
    renderFiles(told, places, listening, '').get(places.configuration) ?? '',
    /backend b0 from pool\n {2}cookie CONTAINERID insert [^\n]* maxidle 60s maxlife 28800s dynamic\n {2}dynamic-cookie-key ab12\n/,
  )
  changing.become(of('10.1.0.1', '10.1.0.2'))
  const lines = planChange(told, model, model.takeChanges(), places)?.map(({ line }) => line) ?? []
  assert.equal(lines.at(-1), 'enable dynamic-cookie backend b0')
  changing.become(of('10.1.0.1'))
  assert.deepEqual(
    planChange(told, model, model.takeChanges(), places)?.map(({ line }) => line),
    ['set server b0/s1 state maint'],
  )
})
