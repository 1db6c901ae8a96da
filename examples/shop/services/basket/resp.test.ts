import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import { readReply, redisClient, writeCommand } from './resp.ts'

describe('the protocol of Redis', () => {
  test('writes lengths in bytes', () => {
    assert.equal(writeCommand(['SET', 'k', '船']), '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n船\r\n')
  })

  const replies: readonly (readonly [string, unknown])[] = [
    ['+OK\r\n', 'OK'],
    [':-7\r\n', -7],
    ['$-1\r\n', null],
    ['$0\r\n\r\n', ''],
    ['$5\r\na\r\nbc\r\n', 'a\r\nbc'],
    ['$3\r\n船\r\n', '船'],
    ['*-1\r\n', null],
    ['*0\r\n', []],
    ['*3\r\n$1\r\na\r\n:2\r\n*1\r\n+x\r\n', ['a', 2, ['x']]],
  ]
  for (const [text, value] of replies)
    test(`reads ${JSON.stringify(text)}, and knows when it is not complete`, () => {
      const bytes = Buffer.from(text)
      assert.deepEqual(readReply(bytes), { reply: value, end: bytes.length })
      for (let length = 0; length < bytes.length; length++) assert.equal(readReply(bytes.subarray(0, length)), undefined)
    })

  test('an error is a value of its own', () => {
    assert.deepEqual(readReply(Buffer.from('-WRONGTYPE no\r\n'))?.reply, new Error('WRONGTYPE no'))
  })

  test('refuses what is something else', () => {
    assert.throws(() => readReply(Buffer.from('HTTP/1.1 200 OK\r\n')), /not the protocol/)
  })
})

describe('the client', () => {
  test('pairs replies with commands, however they arrive, and connects again after the end', async () => {
    const server = createServer((socket) => {
      let received = ''
      socket.on('data', (chunk) => {
        received += chunk.toString()
        if (received.includes('TWO')) {
          received = ''
          for (const byte of '+first\r\n-bad\r\n$3\r\none\r\n') socket.write(byte)
        }
        if (received.includes('QUIT')) socket.destroy()
        if (received.includes('AGAIN')) socket.write('+OK\r\n:1\r\n')
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const redis = redisClient({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, password: 'p' })
    // The first reply answers AUTH.
    const [one, two] = [redis.send('ONE'), redis.send('TWO')]
    await assert.rejects(one, /bad/)
    assert.equal(await two, 'one')
    await assert.rejects(redis.send('QUIT'), /ended/)
    assert.equal(await redis.send('AGAIN'), 1)
    redis.close()
    server.close()
    await once(server, 'close')
  })

  test('rejects when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    await assert.rejects(redisClient({ host: '127.0.0.1', port }).send('PING'), /ECONNREFUSED/)
  })
})
