import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ingress, modelIn, rule, web } from './model.fixture.ts'

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
