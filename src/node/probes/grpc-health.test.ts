import assert from 'node:assert/strict'
import { type ServerHttp2Stream, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { rootScope } from '#base'
import { freePort } from '#testing/basics'
import type { ProbeOutcome } from './outcome.ts'
import { grpcHealth } from './grpc-health.ts'

/** grpc.health.v1.HealthCheckResponse.status. */
const SERVING = 1
const NOT_SERVING = 2
/** A message of gRPC: not compressed, its length, its bytes. */
const framed = (...bytes: number[]): Buffer => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes])

/** A server that speaks gRPC byte by byte, so that both sides of it are not ours. */
async function healthServer(t: TestContext, statusOf: (service: string) => number): Promise<number> {
  const server = createServer()
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    stream.on('end', () => {
      const isKnown = headers[':path'] === '/grpc.health.v1.Health/Check'
      // Field 1, a string: its tag, its length, its bytes.
      const message = Buffer.concat(parts).subarray(5)
      const service = message.length === 0 ? '' : message.subarray(2, 2 + (message[1] ?? 0)).toString()
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isKnown ? '0' : '12' }))
      stream.end(isKnown ? framed(0x08, statusOf(service)) : undefined)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

async function check(port: number, service = ''): Promise<ProbeOutcome> {
  using scope = rootScope()
  return await grpcHealth(scope, '127.0.0.1', port, service, 5000)
}

test('a service is healthy when it serves, and only then', async (t) => {
  const port = await healthServer(t, (service) => (service === 'orders' || service === '' ? SERVING : NOT_SERVING))
  assert.equal((await check(port)).result, 'success')
  assert.equal((await check(port, 'orders')).result, 'success')
  assert.deepEqual(await check(port, 'baskets'), { result: 'failure', output: 'service unhealthy (responded with "NOT_SERVING")' })
})

test('a port at which nobody listens is a failure', async () => {
  assert.equal((await check(await freePort())).result, 'failure')
})
