import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestContext } from '../registry/context.ts'
import { serveDocument } from './serve-document.ts'

const MODIFIED = Date.parse('2026-01-01T00:00:00.500Z')
const WHEN = 'Thu, 01 Jan 2026 00:00:00 GMT'
const LATER = 'Fri, 02 Jan 2026 00:00:00 GMT'
const EARLIER = 'Wed, 31 Dec 2025 00:00:00 GMT'

/** Status, and what is told of the body. */
function asked(headers: Readonly<Record<string, string>>, method = 'GET', etag: string | undefined = '"E"'): string {
  const context = { request: { method }, header: (name: string) => headers[name] } as unknown as RequestContext
  const document = { bytes: Buffer.from('0123456789'), etag, modifiedMs: MODIFIED }
  const { status, headers: told, body } = serveDocument(context, document, { 'content-type': 'text/x' })
  const text = body.kind === 'bytes' ? Buffer.concat(body.chunks).toString().trim() : ''
  assert.equal(told['last-modified'], status === 200 || status === 206 ? WHEN : undefined)
  assert.equal(told['content-type'] === 'text/x', status !== 304 && status !== 416)
  return [status, told['content-range'] ?? '', text].filter((part) => part !== '').join(' ')
}

test('conditions are looked at in their order', () => {
  assert.equal(asked({}), '200 0123456789')
  assert.equal(asked({ 'if-none-match': '"E"' }), '304')
  assert.equal(asked({ 'if-none-match': '"x", W/"E"' }), '304')
  assert.equal(asked({ 'if-none-match': '*' }), '304')
  assert.equal(asked({ 'if-none-match': '"E"' }, 'POST'), '412')
  assert.equal(asked({ 'if-none-match': '"x"', 'if-modified-since': LATER }), '200 0123456789')
  assert.equal(asked({ 'if-modified-since': WHEN }), '304')
  assert.equal(asked({ 'if-modified-since': EARLIER }), '200 0123456789')
  assert.equal(asked({ 'if-modified-since': 'yesterday' }), '200 0123456789')
  assert.equal(asked({ 'if-match': '"x"' }), '412')
  assert.equal(asked({ 'if-match': '"E"', 'if-unmodified-since': EARLIER }), '200 0123456789')
  assert.equal(asked({ 'if-unmodified-since': EARLIER }), '412')
  assert.equal(asked({ 'if-none-match': '"E"' }, 'GET', ''), '200 0123456789')
})

test('one range is a part, ranges that nobody can read are the whole', () => {
  assert.equal(asked({ range: 'bytes=2-4' }), '206 bytes 2-4/10 234')
  assert.equal(asked({ range: 'bytes=7-' }), '206 bytes 7-9/10 789')
  assert.equal(asked({ range: 'bytes=-3' }), '206 bytes 7-9/10 789')
  assert.equal(asked({ range: 'bytes=-30' }), '206 bytes 0-9/10 0123456789')
  assert.equal(asked({ range: 'bytes=5-99999999999999999999' }), '206 bytes 5-9/10 56789')
  assert.equal(asked({ range: 'bytes=10-' }), '416 bytes */10 invalid range: failed to overlap')
  for (const range of ['bytes=4-2', 'bytes=-', 'bytes=1-2,4-5', 'lines=1-2', 'bytes=x']) assert.equal(asked({ range }), '200 0123456789')
  assert.equal(asked({ range: 'bytes=2-4', 'if-range': '"E"' }), '206 bytes 2-4/10 234')
  assert.equal(asked({ range: 'bytes=2-4', 'if-range': '"x"' }), '200 0123456789')
  assert.equal(asked({ range: 'bytes=2-4', 'if-range': WHEN }), '206 bytes 2-4/10 234')
  assert.equal(asked({ range: 'bytes=2-4', 'if-range': EARLIER }), '200 0123456789')
})
