import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '#api'
import type { HttpRequest } from '#base'
import { jsonChunks, wantsPretty } from './json-text.ts'
import { refusalAnswer } from './refusal.ts'

const asked = (target: string, headers: Readonly<Record<string, string>> = {}): HttpRequest =>
  ({ target, headers }) as unknown as HttpRequest

test('JSON is one line with a break, or indented without one at its end', () => {
  const json = Buffer.from('{"a":[1],"b":{}}')
  assert.equal(Buffer.concat(jsonChunks(json, false)).toString(), '{"a":[1],"b":{}}\n')
  assert.equal(Buffer.concat(jsonChunks(json, true)).toString(), '{\n  "a": [\n    1\n  ],\n  "b": {}\n}')
})

test('it is indented for those who ask in the words that Go reads as true, and for tools of people', () => {
  const curl = { 'user-agent': 'curl/8.5' }
  assert.equal(wantsPretty(asked('/api/v1/pods')), false)
  assert.equal(wantsPretty(asked('/api/v1/pods', curl)), true)
  for (const [query, pretty] of Object.entries({ '1': true, T: true, true: true, '0': false, yes: false, tRUE: false })) {
    assert.equal(wantsPretty(asked(`/api/v1/pods?limit=1&pretty=${query}`)), pretty, query)
    assert.equal(wantsPretty(asked(`/api/v1/pods?pretty=${query}`, curl)), pretty, query)
  }
  assert.equal(wantsPretty(asked('/api/v1/pods?pretty=', curl)), true)
  assert.equal(wantsPretty(asked('/api/v1/pretty')), false)
})

test('a refusal is written as objects are, and for people where its form is not one that it can have', () => {
  const refused = new StatusError({ code: 404, reason: 'NotFound', message: 'no' })
  const text = (headers: Readonly<Record<string, string>>): string => {
    const { body } = refusalAnswer(asked('/api/v1/pods/x', headers), refused)
    return body.kind === 'bytes' ? Buffer.concat(body.chunks).toString() : ''
  }
  const line = '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no","reason":"NotFound","code":404}\n'
  assert.equal(text({}), line)
  assert.equal(text({ accept: 'application/json;as=Table;g=meta.k8s.io;v=v1,application/json' }), line)
  const indented = JSON.stringify(JSON.parse(line), undefined, 2)
  for (const headers of [{ 'user-agent': 'Wget' }, { accept: 'text/plain' }, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' }])
    assert.equal(text(headers as unknown as Readonly<Record<string, string>>), indented)
})
