import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { type CancellableScope, rootScope } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import { clientOf, wholeServer } from '#testing'
import { type RunningApiServer, startApiServer } from './apiserver.ts'

/** What checks of the CIS benchmark look for, in a server that was told nothing. */
describe('a server with its defaults', () => {
  let scope: CancellableScope
  let stateDir: string
  let server: RunningApiServer
  let admin: Client
  let node: Client

  before(async () => {
    scope = rootScope()
    stateDir = mkdtempSync(join(tmpdir(), 'sampan-hardening-'))
    server = await startApiServer(scope, { ...wholeServer(stateDir), store: 'sqlite', nodes: ['n1'] })
    admin = await clientOf(stateDir)
    node = await clientOf(stateDir, everyFile(stateDir).find((file) => file.includes('n1') && file.endsWith('kubeconfig')) ?? '')
  })
  after(async () => {
    admin.close()
    node.close()
    await server.stop()
    scope.cancel()
    rmSync(stateDir, { recursive: true })
  })

  const anonymously = (path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: server.port, path, rejectUnauthorized: false, agent: false }, (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
      asked.on('error', reject).end()
    })

  test('keeps keys, credentials and what is stored from other users of the machine', () => {
    const secrets = everyFile(stateDir).filter((file) => /\.key$|kubeconfig$|encryption\.yaml$|store\.db/.test(file))
    assert.ok(secrets.length > 10, secrets.join(' '))
    for (const file of secrets) assert.equal(statSync(join(stateDir, file)).mode & 0o077, 0, file)
  })

  test('tells nobody anything who has not said who they are, but that it is well', async () => {
    for (const path of ['/healthz', '/livez', '/readyz', '/version']) assert.equal(await anonymously(path), 200, path)
    for (const path of ['/api/v1/namespaces', '/apis', '/metrics', '/openapi/v2', '/debug/pprof/', '/logs/', '/nowhere'])
      assert.equal(await anonymously(path), 403, path)
  })

  test('has no pages for its own makers', async () => {
    for (const path of ['/debug/pprof/', '/debug/flags/v', '/logs/'])
      await assert.rejects(admin.raw(scope, { method: 'GET', path }), /not find|404/, path)
  })

  test('speaks no old TLS', async () => {
    const handshake = (maxVersion: 'TLSv1.1' | 'TLSv1.2'): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({
          host: '127.0.0.1',
          port: server.port,
          rejectUnauthorized: false,
          minVersion: 'TLSv1',
          maxVersion,
          ciphers: 'DEFAULT@SECLEVEL=0',
        })
        socket.on('error', () => resolve('refused'))
        socket.on('secureConnect', () => {
          resolve(socket.getProtocol() ?? '')
          socket.destroy()
        })
      })
    assert.equal(await handshake('TLSv1.1'), 'refused')
    assert.equal(await handshake('TLSv1.2'), 'TLSv1.2')
  })

  test('lets a node be itself only', async () => {
    await assert.rejects(
      node.resource(refs.nodes).create(scope, { metadata: { name: 'n2' } }),
      /not allowed to modify node "n2"|cannot create/,
    )
    await assert.rejects(node.resource(refs.secrets).list(scope), /cannot list resource "secrets"/)
    assert.equal((await node.resource(refs.nodes).create(scope, { metadata: { name: 'n1' } })).metadata?.name, 'n1')
  })

  test('has Secrets encrypted where they are stored', async () => {
    const secret = { metadata: { namespace: 'default', name: 'a' }, stringData: { password: 'treasure-of-the-sierra' } }
    await admin.resource(refs.secrets).create(scope, secret)
    const encoded = Buffer.from('treasure-of-the-sierra').toString('base64')
    const stored = everyFile(stateDir).filter((file) => file.includes('store.db'))
    assert.ok(stored.length > 0)
    for (const file of stored) {
      const bytes = readFileSync(join(stateDir, file))
      assert.ok(!bytes.includes('treasure-of-the-sierra') && !bytes.includes(encoded), file)
    }
    assert.ok(stored.some((file) => readFileSync(join(stateDir, file)).includes('k8s:enc:aesgcm:v1:')))
  })
})

function everyFile(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}
