import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogFields, Logger } from '#base'
import { deepEqual, deepClone } from '#api'
import { eventually, testApiServer } from '#testing'
import { bootstrapPolicy } from './auth/rbac/policy/policy.ts'
import type { AdmissionStep } from './contract.ts'

/** What other API servers have got wrong: each test names the weakness in its words. */

const PODS = '/api/v1/namespaces/default/pods'
const MAPS = '/api/v1/namespaces/default/configmaps'
const definition = (scope: string): object => ({
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    scope,
    names: { plural: 'things', kind: 'Thing' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
})

test('a custom resource of the cluster is not reached through a namespace, nor one of a namespace without it', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const created = await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: definition('Cluster') })
  assert.equal(created.status, 201)
  const body = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' } }
  await eventually('the kind is served', async () => (await api.request('POST', '/apis/example.com/v1/things', { body })).status === 201)
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await api.request(method, '/apis/example.com/v1/namespaces/default/things/a', method === 'PUT' ? { body } : {})
    assert.equal(answer.status, 404, `${method}: ${answer.text}`)
  }
  assert.equal((await api.request('GET', '/apis/example.com/v1/namespaces/default/things')).status, 404)
  assert.equal((await api.request('PUT', '/api/v1/configmaps/a', { body: { metadata: { name: 'a' } } })).status, 404)
})

test('no name leads out of the place of its kind', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name: 'hidden' }, stringData: { a: 'treasure' } } })
  const ways = [
    '../secrets/default/hidden',
    '..%2Fsecrets%2Fdefault%2Fhidden',
    '%2e%2e%2fsecrets%2fdefault%2fhidden',
    '..',
    '.',
    'a%00b',
    'a%2Fb',
  ]
  for (const way of ways) {
    for (const target of [`${MAPS}/${way}`, `/api/v1/namespaces/${way}/configmaps/x`, `${MAPS}?fieldSelector=metadata.name%3D${way}`]) {
      const answer = await api.request('GET', target)
      assert.doesNotMatch(answer.text, /treasure|dHJlYXN1cmU/, target)
    }
  }
  for (const name of ['../secrets/x', '..', '.', 'a/b', 'a%2Fb', 'a\0b', '__proto__/x']) {
    const made = await api.request('POST', MAPS, { body: { metadata: { name } } })
    assert.equal(made.status, 422, name)
  }
  const { items } = (await api.request('GET', '/api/v1/secrets')).body
  assert.equal(items.length, 1)
})

test('small requests that would become large are refused, and others do not notice', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  assert.equal((await api.request('POST', MAPS, { body: { metadata: { name: 'a' }, data: { x: 'y' } } })).status, 201)
  const before = process.memoryUsage().heapUsed
  let yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\nl0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n'
  for (let level = 1; level < 12; level++)
    yaml += `l${level}: &l${level} [${Array(10)
      .fill(`*l${level - 1}`)
      .join(', ')}]\n`
  const bomb = await api.request('POST', MAPS, { body: yaml, headers: { 'content-type': 'application/yaml' } })
  assert.ok(bomb.status >= 400 && bomb.status < 500, bomb.text)
  const deep = await api.request('POST', MAPS, { body: `{"data":${'['.repeat(200_000)}${']'.repeat(200_000)}}` })
  assert.equal(deep.status, 400)
  const patch = (operations: readonly object[]): ReturnType<typeof api.request> =>
    api.request('PATCH', `${MAPS}/a`, { body: operations, headers: { 'content-type': 'application/json-patch+json' } })
  const many = await patch(Array.from({ length: 10_001 }, () => ({ op: 'add', path: '/data/x', value: 'z' })))
  assert.equal(many.status, 413)
  // Each copy doubles what is there.
  const doubling = await patch(Array.from({ length: 60 }, (_, at) => ({ op: 'copy', from: '/data', path: `/data/k${at}` })))
  assert.ok(doubling.status >= 400 && doubling.status < 500, `${doubling.status}`)
  assert.ok(process.memoryUsage().heapUsed - before < 200 * 2 ** 20)
  assert.equal((await api.request('GET', `${MAPS}/a`)).status, 200)
})

test('what admission is shown as the old object is whole, and what a step does to it is nowhere seen', async (t) => {
  const seen: unknown[] = []
  const meddler: AdmissionStep = {
    name: 'Meddler',
    handles: ({ operation, resource }) => operation === 'UPDATE' && resource.plural === 'configmaps',
    mutate(_scope, { old, object }) {
      seen.push(deepClone(old))
      if (object !== undefined) object.metadata = { ...object.metadata, labels: { touched: 'yes' } }
    },
    validate(_scope, { old }) {
      assert.ok(deepEqual(seen[0], old), 'the old object is what it was')
    },
  }
  const api = await testApiServer({ admission: [meddler] })
  t.after(() => api.close())
  const made = (await api.request('POST', MAPS, { body: { metadata: { name: 'a', labels: { own: '1' } }, data: { x: '1', y: '2' } } })).body
  const changed = await api.request('PUT', `${MAPS}/a`, { body: { metadata: { name: 'a' }, data: { x: '3' } } })
  assert.equal(changed.status, 200, changed.text)
  const old = seen[0] as typeof made
  assert.deepEqual([old.data, old.metadata.labels, old.metadata.uid], [made.data, made.metadata.labels, made.metadata.uid])
  assert.deepEqual(changed.body.metadata.labels, { touched: 'yes' })
})

test('endpoints do not lead to this machine or to the link', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  for (const ip of ['127.0.0.1', '127.8.9.1', '169.254.169.254', '224.0.0.1', '0.0.0.0', '255.255.255.255']) {
    const slice = { metadata: { name: 's' }, addressType: 'IPv4', endpoints: [{ addresses: [ip] }], ports: [] }
    const ofSlice = await api.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { body: slice })
    const endpoints = { metadata: { name: 'e' }, subsets: [{ addresses: [{ ip }], ports: [{ port: 80 }] }] }
    const ofEndpoints = await api.request('POST', '/api/v1/namespaces/default/endpoints', { body: endpoints })
    const isUnspecific = ip === '255.255.255.255'
    assert.deepEqual([ofSlice.status, ofEndpoints.status], isUnspecific ? [201, 201] : [422, 422], ip)
  }
})

test('who may edit a namespace may not lead its Services to other places', () => {
  const { clusterRoles } = bootstrapPolicy()
  const routes = new Set(['endpoints', 'endpoints/restricted', 'endpointslices', 'endpointslices/restricted', '*'])
  const writing = new Set(['create', 'update', 'patch', '*'])
  for (const name of ['system:aggregate-to-edit', 'system:aggregate-to-admin', 'edit', 'admin']) {
    const role = clusterRoles.find(({ metadata }) => metadata?.name === name) ?? assert.fail(name)
    for (const { resources = [], verbs } of role.rules ?? [])
      assert.ok(
        !resources.some((one) => routes.has(one)) || !verbs.some((verb) => writing.has(verb)),
        `${name}: ${verbs.join()} ${resources.join()}`,
      )
  }
})

test('no log says a secret, however much it says', async (t) => {
  const lines: string[] = []
  const logger = (bound: LogFields): Logger => {
    const log = (message: string, fields: LogFields = {}): void => {
      const spelled = (_: string, value: unknown): unknown =>
        value instanceof Error ? { ...value, message: value.message, stack: value.stack } : value
      lines.push(JSON.stringify({ message, ...bound, ...fields }, spelled))
    }
    return { debug: log, info: log, warn: log, error: log, with: (fields) => logger({ ...bound, ...fields }) }
  }
  const api = await testApiServer({
    root: { log: logger({}) },
    authenticators: [
      {
        name: 'broken',
        authenticate: (_scope, { headers }) => {
          if (headers['authorization'] === 'Bearer breaks-1f7e') throw new Error('the authenticator is out of order')
          return { name: 'admin', groups: ['system:masters'], extra: {} }
        },
      },
    ],
  })
  t.after(() => api.close())
  const headers = { authorization: 'Bearer token-8c1d', cookie: 'session=cookie-77aa', 'x-remote-extra-key': 'extra-55' }
  const secrets = '/api/v1/namespaces/default/secrets'
  const body = { metadata: { name: 'a' }, stringData: { password: 'password-d00d' } }
  assert.equal((await api.request('POST', secrets, { body, headers })).status, 201)
  await api.request('POST', secrets, { body: { ...body, immutable: 'password-d00d' }, headers })
  await api.request('PATCH', `${secrets}/a`, {
    body: '[{"op":"test","path":"/data/password","value":"password-d00d"}]',
    headers: { ...headers, 'content-type': 'application/json-patch+json' },
  })
  assert.equal((await api.request('GET', secrets, { headers: { authorization: 'Bearer breaks-1f7e' } })).status, 500)
  await api.request('GET', `${PODS}?token=token-8c1d&limit=nonsense`, { headers })
  assert.ok(lines.length > 0, 'something has been logged')
  const said = lines.join('\n')
  const encoded = Buffer.from('password-d00d').toString('base64')
  for (const secret of ['token-8c1d', 'breaks-1f7e', 'password-d00d', encoded, 'cookie-77aa', 'extra-55'])
    assert.ok(!said.includes(secret), secret)
})

test('an object with a key that the runtime may misread is refused, and nothing of it is stored', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const classOf = (key: string): object => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'odd' },
    provisioner: 'example.com/any',
    parameters: { a: 'b', [key]: 'value' },
  })
  for (const key of ['"', '\n']) {
    const refused = await api.request('POST', '/apis/storage.k8s.io/v1/storageclasses', { body: classOf(key) })
    assert.equal(refused.status, 400)
    assert.match(refused.body.message, /a key of one character/)
  }
  assert.equal((await api.request('POST', '/apis/storage.k8s.io/v1/storageclasses', { body: classOf('é\n') })).status, 201)
})
