import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'

test('options that are no protobuf are refused in its words', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  await api.request('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } })
  const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }
  const answer = await api.request('DELETE', '/api/v1/namespaces/n', { body: { gracePeriodSeconds: 5 }, headers })
  assert.equal(answer.status, 400, answer.text)
  assert.match(answer.text, /provided data does not appear to be a protobuf message, expected prefix \[107 56 115 0\]/)
})
