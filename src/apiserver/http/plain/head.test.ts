import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { HeadReader } from './head.ts'

interface Seen {
  readonly method: string | undefined
  readonly target: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
}

/** What Node's own reader makes of the bytes: the first request, or nothing. */
function asNodeReads(bytes: Buffer): Promise<Seen | undefined> {
  const { promise, resolve } = Promise.withResolvers<Seen | undefined>()
  const server = createServer((request) => resolve({ method: request.method, target: request.url, headers: { ...request.headers } }))
  server.on('upgrade', () => resolve(undefined)).on('clientError', () => resolve(undefined))
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  server.emit('connection', socket)
  socket.push(bytes)
  setImmediate(() => {
    resolve(undefined)
    socket.destroy()
  })
  return promise
}

const word = fc.constantFrom(
  'a',
  'B-c',
  '1',
  ' ',
  '\t',
  ',',
  ':',
  '\r',
  '\n',
  '\0',
  '_',
  '\u00e9',
  '__proto__',
  'chunked',
  'keep-alive',
  'close',
  '5',
  '+5',
  '05',
)
const text = fc.array(word, { maxLength: 4 }).map((words) => words.join(''))
const name = fc.oneof(
  fc.constantFrom(
    'Host',
    'host',
    'Content-Length',
    'content-length',
    'Transfer-Encoding',
    'Connection',
    'X-A',
    'Expect',
    'Upgrade',
    'Host ',
  ),
  text,
)
const head = fc
  .record({
    line: fc.oneof(
      fc.constantFrom(
        'GET / HTTP/1.1',
        'POST /a?b=c HTTP/1.1',
        'GET / HTTP/1.0',
        'get / HTTP/1.1',
        'GET  / HTTP/1.1',
        'GET http://a/ HTTP/1.1',
        'GET /\u00e9 HTTP/1.1',
      ),
      text.map((target) => `GET /${target} HTTP/1.1`),
    ),
    headers: fc.array(fc.tuple(name, fc.constantFrom(': ', ':', ' : ', ''), text), { maxLength: 4 }),
    ending: fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r\n '),
  })
  .map(({ line, headers, ending }) =>
    Buffer.from([line, 'Host: a', ...headers.map((parts) => parts.join(''))].join(ending) + '\r\n\r\n', 'latin1'),
  )

test('a head that is taken as plain is what Node reads in it too', async () => {
  let plain = 0
  await fc.assert(
    fc.asyncProperty(head, async (bytes) => {
      const found = new HeadReader().read(bytes)
      if (found === undefined) return
      plain++
      const { method, target, headers } = found
      assert.deepEqual({ method, target, headers: { ...headers } }, await asNodeReads(bytes))
    }),
    propertyRuns(200),
  )
  assert.ok(plain > 0, 'none was plain')
})
