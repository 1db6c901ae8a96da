import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type TestApiServer, testApiServer } from '#testing'

describe('the time that a client gives its request', () => {
  let api: TestApiServer
  before(async () => {
    api = await testApiServer({
      authorizers: [
        {
          name: 'slow',
          authorize: async (scope, { path }) => {
            if (path?.includes('secrets') === true) await scope.sleep(60_000)
            return { kind: 'allow', reason: '' }
          },
        },
      ],
    })
  })
  after(() => api.close())

  test('must be a duration', async () => {
    const { status, body } = await api.request('GET', '/api/v1/namespaces?timeout=invalid')
    assert.equal(status, 400)
    assert.equal(body.message, 'invalid timeout specified in the request URL - time: invalid duration "invalid"')
  })

  for (const timeout of ['', '0s', '3m', '-1s', '10s'])
    test(`may be ${JSON.stringify(timeout)}`, async () =>
      assert.equal((await api.request('GET', `/api/v1/namespaces?timeout=${timeout}`)).status, 200))

  test('is not asked of a watch', async () => {
    const watch = await api.watch('/api/v1/namespaces?watch=1&timeout=invalid')
    assert.equal(watch.status, 200)
    watch.cancel()
  })

  test('ends what takes longer', async () => {
    const { status, body } = await api.request('GET', '/api/v1/secrets?timeout=30ms')
    assert.equal(status, 504)
    assert.equal(body.reason, 'Timeout')
  })
})
