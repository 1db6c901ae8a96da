import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ingress, modelIn, rule, web } from '../model.fixture.ts'

const NGINX = 'nginx.ingress.kubernetes.io/'
const read = (annotations: Record<string, string>, hasTls = false): ReturnType<typeof modelIn> =>
  modelIn({
    services: { a: web },
    ingresses: [
      ingress(
        'i',
        { rules: [rule('h', '/')], ...(hasTls ? { tls: [{ hosts: ['h'] }] } : {}) },
        { annotations: Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`${NGINX}${name}`, value])) },
      ),
    ],
  })
const actions = (annotations: Record<string, string>, hasTls = false): unknown =>
  read(annotations, hasTls)
    .model.route('prefix', 'h/')
    ?.map(({ when, action }) => [
      when?.kind,
      action.kind,
      action.kind === 'redirect' ? action.status : action.edits?.map(({ kind }) => kind),
    ])

test('redirects and changes that annotations ask for', () => {
  const forward = [undefined, 'forward', undefined]
  assert.deepEqual(actions({ 'ssl-redirect': 'true' }), [forward])
  assert.deepEqual(actions({ 'ssl-redirect': 'true' }, true), [['scheme', 'redirect', 308], forward])
  assert.deepEqual(actions({ 'force-ssl-redirect': 'true' }), [['scheme', 'redirect', 308], forward])
  assert.deepEqual(actions({ 'permanent-redirect': 'https://new.example/x' }), [[undefined, 'redirect', 301]])
  assert.deepEqual(actions({ 'permanent-redirect': 'https://new.example', 'permanent-redirect-code': '308' }), [
    [undefined, 'redirect', 308],
  ])
  assert.deepEqual(actions({ 'temporal-redirect': 'http://new.example:8080/' }), [[undefined, 'redirect', 302]])
  assert.deepEqual(actions({ 'rewrite-target': '/', 'upstream-vhost': 'b.example', 'x-forwarded-prefix': '/p' }), [
    [undefined, 'forward', ['rewrite-path', 'rewrite-host', 'request-header']],
  ])
})

test('what would need more than that, or more than its place, is refused', () => {
  for (const annotations of [
    { 'rewrite-target': '/$1' },
    { 'rewrite-target': '/\r\nX: y' },
    { 'upstream-vhost': 'a b' },
    { 'x-forwarded-prefix': 'a\nb' },
    { 'permanent-redirect': 'javascript:x' },
    { 'permanent-redirect': 'https://a.example/\r\nSet-Cookie: x' },
    { 'permanent-redirect': 'https://a.example', 'permanent-redirect-code': '200' },
    { 'temporal-redirect': 'https://a.example:99999/' },
  ]) {
    assert.deepEqual(
      read(annotations).findings.map(({ reason }) => reason),
      ['AnnotationRefused'],
      JSON.stringify(annotations),
    )
    assert.deepEqual(actions(annotations), [[undefined, 'forward', undefined]])
  }
})

const forwards = (annotations: Record<string, string>) =>
  read(annotations)
    .model.route('prefix', 'h/')
    ?.flatMap(({ action }) => (action.kind === 'forward' ? [action] : []))

test('pages of other origins, as ingress-nginx has them', () => {
  assert.equal(forwards({ 'cors-allow-origin': 'http://a.example' })?.[0]?.cors, undefined)
  const [all] = forwards({ 'enable-cors': 'true' }) ?? []
  // A star is never together with credentials, whatever is said.
  assert.deepEqual([all?.cors?.origins, all?.cors?.credentials, all?.cors?.maxAgeSeconds], [[{ how: 'any' }], false, 1728000])
  assert.equal(all?.cors?.methods.length, 6)
  const [some] =
    forwards({ 'enable-cors': 'true', 'cors-allow-origin': 'https://A.example:443, http://*.b.example:8080', 'cors-max-age': '60' }) ?? []
  assert.deepEqual(some?.cors?.origins, [
    { how: 'exact', text: 'https://a.example' },
    { how: 'between', start: 'http://', end: '.b.example:8080' },
  ])
  assert.equal(some?.cors?.credentials, true)
})

test('copies go to Services of the namespace of the Ingress alone', () => {
  const [led] = forwards({ 'mirror-target': 'http://a.x.svc.cluster.local:80$request_uri', 'mirror-request-body': 'off' }) ?? []
  assert.deepEqual(led?.mirrors, [{ backend: 'x/a:80', share: 1, hasBody: false }])
  for (const target of [
    'https://a$request_uri',
    'http://a.other$request_uri',
    'http://a',
    'http://a.x.example/$request_uri',
    'http://a:0$request_uri',
  ])
    assert.match(read({ 'mirror-target': target }).model.findings('x/i')[0]?.message ?? '', /mirror-target/, target)
})

test('what is tried again is another backend', () => {
  const backend = (annotations: Record<string, string>) => forwards(annotations)?.[0]?.to[0]?.backend
  assert.equal(backend({ 'proxy-next-upstream-tries': '2' }), 'x/a:80/retry.1.conn-failure.empty-response.response-timeout')
  assert.equal(backend({ 'proxy-next-upstream': 'http_503 http_502 error' }), 'x/a:80/retry.2.conn-failure.empty-response.502.503')
  assert.equal(backend({ 'proxy-next-upstream': 'off' }), 'x/a:80/retry.0')
  for (const bad of [
    { 'proxy-next-upstream': 'error non_idempotent' },
    { 'proxy-next-upstream': 'http_429' },
    { 'proxy-next-upstream-tries': '0' },
  ])
    assert.match(read(bad).model.findings('x/i')[0]?.message ?? '', /proxy-next-upstream/, JSON.stringify(bad))
  // The rest of what is said holds.
  assert.deepEqual(actions({ 'proxy-next-upstream': 'http_429', 'rewrite-target': '/a' }), [[undefined, 'forward', ['rewrite-path']]])
})

test('clients stay with an endpoint for as long as is said', () => {
  const backend = (annotations: Record<string, string>) => forwards(annotations)?.[0]?.to[0]?.backend
  assert.equal(backend({ affinity: 'cookie' }), 'x/a:80/keep.1800.28800')
  assert.equal(backend({ affinity: 'cookie', 'session-cookie-max-age': '60' }), 'x/a:80/keep.1800.60')
  assert.equal(backend({ affinity: 'cookie', 'proxy-next-upstream': 'off' }), 'x/a:80/retry.0/keep.1800.28800')
  const named = read({ affinity: 'cookie', 'session-cookie-name': 'a b; x' }).model
  assert.match(named.findings('x/i')[0]?.message ?? '', /is called CONTAINERID/)
  for (const bad of [{ affinity: 'source' }, { affinity: 'cookie', 'session-cookie-max-age': '1s' }])
    assert.match(read(bad).model.findings('x/i')[0]?.message ?? '', /affinity|stay with no endpoint/, JSON.stringify(bad))
})
