import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createAuthority, issueLeaf, rootScope } from '#base'
import type { KubeObject } from '#api'
import { type TestApiServer, testApiServer } from '#testing'
import { eventually } from '#testing/basics'
import { policySteps } from '../admission/policies/steps.ts'
import type { ApiServer } from '../server.ts'
import { readConversion } from './conversion-webhook.ts'

const DAY_MS = 86_400_000
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const of = (version: string): string => `/apis/example.com/${version}/namespaces/default/hosts`

/** v1 has `address`, v2 has `host` and `port`. */
function convert(object: KubeObject & { address?: string; host?: string; port?: string }, apiVersion: string): unknown {
  const { address, host = '', port = '', ...kept } = object
  if (object.apiVersion === apiVersion) return object
  if (apiVersion.endsWith('v1')) return { ...kept, apiVersion, address: `${host}:${port}` }
  const [name, number] = (address ?? '').split(':')
  return { ...kept, apiVersion, host: name, port: number }
}

interface World {
  readonly api: TestApiServer
  readonly calls: () => number
  fail: boolean
}

async function world(t: TestContext): Promise<World> {
  const late: { server?: ApiServer } = {}
  const found = (): ApiServer => late.server ?? assert.fail('no server yet')
  const root = rootScope()
  const api = await testApiServer({
    isWebhookAddress: () => true,
    admission: policySteps(root, {
      reader: {
        get: (ref, ...more) => found().reader.get(ref, ...more),
        list: (ref, ...more) => found().reader.list(ref, ...more),
        version: (ref) => found().reader.version(ref),
      },
      follow: (...all) => found().follow(...all),
      authorizers: [],
      convert: (...all) => found().convert(...all),
      equivalents: (resource) => found().equivalents(resource),
      findKind: (...all) => found().findKind(...all),
    }),
  })
  late.server = api.server
  const authority = await createAuthority(api.scope, 'hooks', DAY_MS)
  const leaf = await issueLeaf(api.scope, authority, {
    subject: { commonName: 'h' },
    usages: ['serverAuth'],
    names: ['127.0.0.1'],
    lifetimeMs: DAY_MS,
  })
  let calls = 0
  const made: World = { api, calls: () => calls, fail: false }
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      calls++
      const review = JSON.parse(Buffer.concat(chunks).toString()) as {
        kind: string
        apiVersion: string
        request: { uid: string; desiredAPIVersion: string; objects: KubeObject[] }
      }
      const { uid, desiredAPIVersion, objects } = review.request
      const said = made.fail
        ? { uid, result: { status: 'Failure', message: 'out of order' } }
        : { uid, result: { status: 'Success' }, convertedObjects: objects.map((object) => convert(object, desiredAPIVersion)) }
      response.end(JSON.stringify({ kind: review.kind, apiVersion: review.apiVersion, response: said }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(async () => {
    server.close()
    server.closeAllConnections()
    await api.close()
  })
  const text = { type: 'string' }
  const version = (name: string, storage: boolean, properties: object): object => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: 'object', properties } },
    ...('port' in properties ? { selectableFields: [{ jsonPath: '.port' }] } : {}),
  })
  const created = await api.request('POST', DEFINITIONS, {
    body: {
      metadata: { name: 'hosts.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'hosts', kind: 'Host' },
        versions: [version('v1', true, { address: text }), version('v2', false, { host: text, port: text })],
        conversion: {
          strategy: 'Webhook',
          webhook: {
            conversionReviewVersions: ['v1'],
            clientConfig: {
              url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
              caBundle: Buffer.from(authority.certificate).toString('base64'),
            },
          },
        },
      },
    },
  })
  assert.equal(created.status, 201, created.text)
  await eventually('the kind is served', async () => (await api.request('GET', of('v1'))).status === 200)
  return made
}

const host = (name: string, version: string, fields: object): object => ({
  apiVersion: `example.com/${version}`,
  kind: 'Host',
  metadata: { name },
  ...fields,
})

test('objects are written and read in any version, whichever is stored', async (t) => {
  const { api, calls } = await world(t)
  const made = await api.request('POST', of('v1'), { body: host('a', 'v1', { address: 'x:80' }) })
  assert.equal(made.status, 201, made.text)
  assert.equal(calls(), 0, 'nobody wants another version')
  const watch = await api.watch(`${of('v2')}?watch=1`)
  const read = await api.request('GET', `${of('v2')}/a`)
  assert.deepEqual([read.body.apiVersion, read.body.host, read.body.port, read.body.address], ['example.com/v2', 'x', '80', undefined])
  assert.equal(read.body.metadata.resourceVersion, made.body.metadata.resourceVersion)
  const other = await api.request('POST', of('v2'), { body: host('b', 'v2', { host: 'y', port: '81' }) })
  assert.deepEqual([other.status, other.body.host, other.body.port], [201, 'y', '81'])
  assert.equal((await api.request('GET', `${of('v1')}/b`)).body.address, 'y:81')
  const patched = await api.request('PATCH', `${of('v2')}/a`, {
    body: { port: '82' },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  assert.deepEqual([patched.status, patched.body.port], [200, '82'])
  assert.equal((await api.request('GET', `${of('v1')}/a`)).body.address, 'x:82')
  const listed = await api.request('GET', of('v2'))
  assert.deepEqual(
    listed.body.items.map(({ host: name, port }: { host: string; port: string }) => `${name} ${port}`),
    ['x 82', 'y 81'],
  )
  assert.equal((await api.request('DELETE', `${of('v2')}/b`)).status, 200)
  const seen: string[] = []
  for (let at = 0; at < 4; at++) {
    const event = await watch.next()
    seen.push(`${event?.type ?? ''} ${String(event?.object['host'])}:${String(event?.object['port'])}`)
  }
  watch.cancel()
  assert.deepEqual(seen, ['ADDED x:80', 'ADDED y:81', 'MODIFIED x:82', 'DELETED y:81'])
  const again = await api.watch(`${of('v2')}?watch=1`)
  assert.equal((await again.next())?.object['host'], 'x')
  again.cancel()
})

test('fields of a version that is not stored can be selected by', async (t) => {
  const { api } = await world(t)
  const watch = await api.watch(`${of('v2')}?watch=1&fieldSelector=port%3D80`)
  for (const [name, address] of [
    ['a', 'x:80'],
    ['b', 'y:81'],
    ['c', 'z:80'],
  ] as const)
    await api.request('POST', of('v1'), { body: host(name, 'v1', { address }) })
  const names = async (query: string): Promise<string[]> =>
    (await api.request('GET', `${of('v2')}?${query}`)).body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
  assert.deepEqual(await names('fieldSelector=port%3D80'), ['a', 'c'])
  assert.deepEqual(await names('fieldSelector=port!%3D80'), ['b'])
  const page = (await api.request('GET', `${of('v2')}?fieldSelector=port%3D80&limit=1`)).body
  assert.equal(page.items.length, 1)
  const move = (name: string, address: string): Promise<unknown> =>
    api.request('PATCH', `${of('v1')}/${name}`, { body: { address }, headers: { 'content-type': 'application/merge-patch+json' } })
  await move('b', 'y:80')
  const more = encodeURIComponent(page.metadata.continue)
  assert.deepEqual(await names(`fieldSelector=port%3D80&limit=1&continue=${more}`), ['c'], 'b was another one then')
  await move('a', 'x:90')
  const seen: string[] = []
  for (let at = 0; at < 4; at++) {
    const event = await watch.next()
    seen.push(`${event?.type ?? ''} ${event?.object.metadata.name ?? ''}`)
  }
  watch.cancel()
  assert.deepEqual(seen, ['ADDED a', 'ADDED c', 'ADDED b', 'DELETED a'])
  assert.equal((await api.request('DELETE', `${of('v2')}?fieldSelector=port%3D80`)).status, 200)
  assert.deepEqual(await names(''), ['a'])
  assert.equal((await api.request('GET', `${of('v1')}?fieldSelector=port%3D80`)).status, 400)
})

test('who asks to be asked in an equivalent version is shown what the webhook makes of the object', async (t) => {
  const { api } = await world(t)
  const policies = '/apis/admissionregistration.k8s.io/v1'
  const rule = { apiGroups: ['example.com'], apiVersions: ['v2'], operations: ['CREATE', 'UPDATE'], resources: ['hosts'] }
  await api.request('POST', `${policies}/validatingadmissionpolicies`, {
    body: {
      metadata: { name: 'ports' },
      spec: {
        matchConstraints: { matchPolicy: 'Equivalent', resourceRules: [rule] },
        validations: [{ expression: "object.port != '81' && request.kind.version == 'v2' && request.requestKind.version == 'v1'" }],
      },
    },
  })
  await api.request('POST', `${policies}/validatingadmissionpolicybindings`, {
    body: { metadata: { name: 'ports' }, spec: { policyName: 'ports', validationActions: ['Deny'] } },
  })
  assert.equal((await api.request('POST', of('v1'), { body: host('a', 'v1', { address: 'x:80' }) })).status, 201)
  assert.equal((await api.request('POST', of('v1'), { body: host('b', 'v1', { address: 'x:81' }) })).status, 422)
  const changing = await api.request('PATCH', `${of('v1')}/a`, {
    body: { address: 'x:81' },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  assert.equal(changing.status, 422, changing.text)
  const mutation = {
    patchType: 'JSONPatch',
    jsonPatch: { expression: "[JSONPatch{op: 'replace', path: '/port', value: '99'}]" },
  }
  await api.request('POST', `${policies}/mutatingadmissionpolicies`, {
    body: {
      metadata: { name: 'move' },
      spec: {
        matchConstraints: { matchPolicy: 'Equivalent', resourceRules: [rule] },
        reinvocationPolicy: 'Never',
        mutations: [mutation],
      },
    },
  })
  await api.request('POST', `${policies}/mutatingadmissionpolicybindings`, {
    body: { metadata: { name: 'move' }, spec: { policyName: 'move' } },
  })
  const moved = await api.request('POST', of('v1'), { body: host('c', 'v1', { address: 'x:80' }) })
  assert.deepEqual([moved.status, moved.body.address], [201, 'x:99'], moved.text)
})

test('when another version is stored from now on, what is there is read as before', async (t) => {
  const { api } = await world(t)
  await api.request('POST', of('v1'), { body: host('a', 'v1', { address: 'x:80' }) })
  const { versions } = (await api.request('GET', `${DEFINITIONS}/hosts.example.com`)).body.spec
  const turned = versions.map((one: { storage: boolean }) => ({ ...one, storage: !one.storage }))
  const changed = await api.request('PATCH', `${DEFINITIONS}/hosts.example.com`, {
    body: { spec: { versions: turned } },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  assert.equal(changed.status, 200, changed.text)
  await api.request('POST', of('v2'), { body: host('b', 'v2', { host: 'y', port: '81' }) })
  const first = await api.request('GET', of('v1'))
  assert.deepEqual(
    first.body.items.map(({ address }: { address: string }) => address),
    ['x:80', 'y:81'],
  )
  const second = await api.request('GET', of('v2'))
  assert.deepEqual(
    second.body.items.map(({ host: name, apiVersion }: { host: string; apiVersion: string }) => `${apiVersion} ${name}`),
    ['example.com/v2 x', 'example.com/v2 y'],
  )
})

test('a webhook that fails has the request refused, and nothing is stored', async (t) => {
  const w = await world(t)
  await w.api.request('POST', of('v1'), { body: host('a', 'v1', { address: 'x:80' }) })
  w.fail = true
  const read = await w.api.request('GET', `${of('v2')}/a`)
  assert.equal(read.status, 500)
  assert.match(read.body.message, /conversion webhook for example.com\/v1, Kind=Host failed: out of order$/)
  const refused = await w.api.request('POST', of('v2'), { body: host('b', 'v2', { host: 'y', port: '81' }) })
  assert.equal(refused.status, 500)
  assert.equal((await w.api.request('GET', `${of('v1')}/b`)).status, 404)
})

test('a webhook changes what lies outside the metadata, labels and annotations, and nothing else', () => {
  const original = { apiVersion: 'example.com/v1', kind: 'Host', metadata: { name: 'a', uid: 'u', finalizers: ['example.com/f'] } }
  const asked = { version: 'v1', uid: '1', apiVersion: 'example.com/v2', objects: [original] }
  const answer = (object: unknown): unknown => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'ConversionReview',
    response: { uid: '1', result: { status: 'Success' }, convertedObjects: [object] },
  })
  const good = { apiVersion: 'example.com/v2', kind: 'Host', metadata: { name: 'a', uid: 'u', labels: { a: 'b' }, finalizers: [] } }
  assert.deepEqual(readConversion(answer(good), asked)[0]?.metadata, { ...original.metadata, labels: { a: 'b' } })
  for (const [object, words] of [
    [{ ...good, metadata: { ...good.metadata, name: 'b' } }, /metadata.name changed/],
    [{ ...good, kind: 'Other' }, /invalid kind/],
    [{ ...good, apiVersion: 'example.com/v1' }, /invalid apiVersion/],
    [{ ...good, metadata: { ...good.metadata, labels: { a: 1 } } }, /no map of texts/],
  ] as const)
    assert.throws(() => readConversion(answer(object), asked), words)
})
