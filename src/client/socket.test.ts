import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isCancelled, listenWithin, http, rootScope } from '#base'
import { Unreachable } from './errors.ts'
import { socketTransport } from './socket.ts'

it('sends a request again over a new connection when a kept one was closed meanwhile, unless it writes', async () => {
  using scope = rootScope()
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    request.resume()
    // Each connection answers once.
    const isFirst = !seen.has(request.socket)
    seen.add(request.socket)
    if (isFirst) response.end('{}')
    else request.socket.resetAndDestroy()
  })
  const seen = new WeakSet<object>()
  const port = await listenWithin(scope, server, { host: '127.0.0.1', port: 0 })
  const transport = socketTransport({ server: `http://127.0.0.1:${port}` })
  const send = async (method: string, target: string): Promise<number> => {
    const answer = await transport.send(scope, { method, target, headers: {}, ...(method === 'GET' ? {} : { body: '{}' }) })
    await answer.bytes()
    return answer.status
  }
  assert.equal(await send('GET', '/one'), 200)
  assert.equal(await send('GET', '/two'), 200)
  await assert.rejects(send('POST', '/three'), Unreachable)
  assert.equal(await send('POST', '/four'), 200)
  assert.deepEqual(asked, ['GET /one', 'GET /two', 'GET /two', 'POST /three', 'POST /four'])
  transport.close()
})

it('ends an answer that streams with the reason for which its reader was cancelled, not as if the server had gone', async () => {
  using scope = rootScope()
  const server = http.createServer((_, response) => void response.write('{"a":1}\n'))
  const port = await listenWithin(scope, server, { host: '127.0.0.1', port: 0 })
  const transport = socketTransport({ server: `http://127.0.0.1:${port}` })
  const reading = scope.child()
  const answer = await transport.send(reading, { method: 'GET', target: '/watch', headers: {} })
  const read = async (): Promise<void> => {
    for await (const chunk of answer.chunks()) if (chunk.length > 0) reading.cancel()
  }
  await assert.rejects(read(), isCancelled)
  transport.close()
})
