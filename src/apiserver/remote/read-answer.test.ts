import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RawAnswer, AskedToWait, documentOf } from './read-answer.ts'

const answer = (text: string, more: Partial<RawAnswer> = {}): RawAnswer => ({
  status: 200,
  contentType: 'application/json',
  body: Buffer.from(text),
  ...more,
})
const told = (given: RawAnswer): string => {
  try {
    return JSON.stringify(documentOf(given))
  } catch (error) {
    assert.ok(error instanceof Error)
    return error.message
  }
}

test('an answer is JSON or YAML, whatever it calls itself', () => {
  assert.equal(told(answer('{"a":1}', { contentType: 'text/plain' })), '{"a":1}')
  assert.equal(told(answer('a: 1\nb: [yes]\n')), '{"a":1,"b":[true]}')
  assert.equal(told(answer('null')), '{}')
})

test('what is no document is told as Go tells it', () => {
  assert.equal(told(answer('')), '0-length response with status code: 200 and content type: application/json')
  assert.equal(told(answer('{"a":')), "couldn't get version/kind; json parse error: unexpected end of JSON input")
  assert.match(
    told(answer('[]')),
    /^couldn't get version\/kind; json parse error: json: cannot unmarshal array into Go value of type struct/,
  )
  assert.match(told(answer('{"kind":5}')), /cannot unmarshal number into Go struct field .kind of type string/)
  assert.equal(told(answer('\u001f\u008b')), 'yaml: control characters are not allowed')
  const latin = { ...answer(''), body: Buffer.from([0x61, 0xe9, 0x62, 0x63]) }
  assert.equal(told(latin), 'yaml: invalid trailing UTF-8 octet')
})

test('a failure says what its Status says, or else what its number means', () => {
  const status = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'told' })
  assert.equal(told(answer(status, { status: 500 })), 'told')
  assert.equal(told(answer('{"status":"Success"}', { status: 409 })), 'the server reported a conflict')
  const failed = (shown: string): string => `an error on the server ("${shown}") has prevented the request from succeeding`
  assert.equal(told(answer('boom\n', { status: 500, contentType: 'text/plain' })), failed('boom'))
  assert.equal(told(answer('boom', { status: 500 })), failed('unknown'))
  assert.equal(told(answer('', { status: 302 })), 'the server responded with the status code 302 but did not return more information')
  assert.equal(told(answer('no', { status: 403, contentType: '' })), 'no')
})

test('a busy server may ask to be asked again', () => {
  const waits = (status: number, retryAfter: string): number | undefined => {
    try {
      documentOf(answer('', { status, retryAfter }))
    } catch (error) {
      return error instanceof AskedToWait ? error.delayMs : undefined
    }
    return undefined
  }
  assert.deepEqual([waits(429, '2'), waits(503, '0'), waits(400, '2'), waits(500, 'Mon, 01 Jan')], [2000, 0, undefined, undefined])
})
