import assert from 'node:assert/strict'
import { it } from 'node:test'
import { http, listenWithin, rootScope } from '#base'
import { firstAnswer } from './first-answer.ts'

it('is not held up by a connection that leads to somebody else, who goes on answering', async () => {
  using scope = rootScope()
  const limited = scope.child({ timeoutMs: 20_000 })
  const statuses = new Map<object, number>()
  const server = http.createServer((request, response) => {
    const status = statuses.get(request.socket) ?? (statuses.size === 0 ? 404 : 200)
    statuses.set(request.socket, status)
    response.writeHead(status).end()
  })
  const port = await listenWithin(scope, server, { host: '127.0.0.1', port: 0 })
  await firstAnswer(limited, `http://127.0.0.1:${port}/`)
  assert.deepEqual([...statuses.values()], [404, 200])
})
