import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { rootScope } from '#base'
import { awaitServer } from './await-server.ts'

describe('waiting for the server', () => {
  let folder = ''
  let server: Server
  let status = 503
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sampan-await-'))
    server = createServer((_, response) => response.writeHead(status).end())
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  })
  after(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('ends when files are there and the API is alive, not before', async () => {
    using scope = rootScope()
    const [kubeconfig, certificate] = [join(folder, 'kubeconfig'), join(folder, 'certificate')]
    let isOver = false
    const waiting = awaitServer(scope, [kubeconfig, certificate]).then(() => {
      isOver = true
    })
    const { port } = server.address() as AddressInfo
    writeFileSync(
      kubeconfig,
      `{"current-context": "a", "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "users": [],
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:${port}"}}]}`,
    )
    status = 200
    await scope.sleep(40)
    assert.equal(isOver, false)
    status = 503
    writeFileSync(certificate, '')
    await scope.sleep(40)
    assert.equal(isOver, false)
    status = 200
    await waiting
  })

  it('ends with its scope', async () => {
    using scope = rootScope()
    const waiting = awaitServer(scope, [join(folder, 'nowhere')])
    scope.cancel()
    await assert.rejects(waiting, { code: 'CANCELLED' })
  })
})
