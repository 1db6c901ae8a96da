import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testApiServer } from '#testing'

test('a watch that should have ended before it began ends at once', async (t) => {
  const api = await testApiServer()
  t.after(() => api.close())
  const watch = await api.watch('/api/v1/namespaces?watch=1&timeoutSeconds=-1')
  assert.equal(await watch.next(), undefined)
})

test('of several options that are no numbers the one is told that is read first', async (t) => {
  const api = await testApiServer({})
  t.after(() => api.close())
  const { status, text } = await api.request('GET', '/api/v1/namespaces?limit=1.5&timeoutSeconds=x')
  assert.equal(status, 400)
  assert.match(text, /parsing \\"x\\": invalid syntax/)
})
