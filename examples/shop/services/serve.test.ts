import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createInterface } from 'node:readline'

const folder = mkdtempSync(join(tmpdir(), 'shop-serve-'))
after(() => rmSync(folder, { recursive: true }))

/** The orders service as it is in its container, on a port of its own. */
async function start(): Promise<{
  readonly child: ChildProcess
  readonly port: number
  readonly line: () => Promise<Record<string, unknown>>
}> {
  const env = { ...process.env, PORT: '0', POD_NAME: 'orders-1', ORDERS_FILE: join(folder, 'orders.jsonl'), LEAVING_MS: '300' }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'orders', 'main.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  assert.ok(child.stdout !== null)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const line = async (): Promise<Record<string, unknown>> => JSON.parse(String((await lines.next()).value)) as Record<string, unknown>
  const { address } = await line()
  return { child, port: (address as { port: number }).port, line }
}

function get(
  port: number,
  path: string,
  agent: Agent,
): Promise<{ readonly status: number | undefined; readonly connection: string | undefined; readonly servedBy: unknown }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent }, (incoming) => {
      incoming.resume()
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode, connection: incoming.headers.connection, servedBy: incoming.headers['x-served-by'] }),
      )
    })
      .on('error', reject)
      .end()
  })
}

describe('a service', () => {
  test('answers, says who it is, and leaves politely when it is told to', async () => {
    const { child, port, line } = await start()
    const agent = new Agent({ keepAlive: true })
    assert.deepEqual(await get(port, '/readyz', agent), { status: 200, connection: 'keep-alive', servedBy: 'orders-1' })
    assert.equal((await get(port, '/nowhere', agent)).status, 404)
    assert.equal((await get(port, '/%zz', agent)).status, 400)

    child.kill('SIGTERM')
    // While the word spreads: not ready any more, alive, and every answer is the last of its connection.
    let ready = await get(port, '/readyz', agent)
    while (ready.status === 200) ready = await get(port, '/readyz', agent)
    assert.deepEqual([ready.status, ready.connection], [503, 'close'])
    assert.deepEqual(await get(port, '/orders', agent), { status: 200, connection: 'close', servedBy: 'orders-1' })

    assert.equal((await line())['message'], 'stopped')
    assert.deepEqual(await once(child, 'exit'), [0, null])
    agent.destroy()
    await assert.rejects(get(port, '/orders', new Agent()), /ECONNREFUSED/)
  })
})
