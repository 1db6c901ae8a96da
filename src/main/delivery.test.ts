import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CancellableScope, http, rootScope } from '#base'
import { refs } from '#api'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { applyObjects } from '#delivery'
import { type RunningApiServer, startApiServer } from './apiserver.ts'
import { type RunningDelivery, controllerMetrics, startDelivery } from './delivery.ts'
import { serveHealth } from './health-server.ts'
import { readManifests } from './up/apply.ts'

/** The controllers of the platform with the rights that `sampan up --delivery` gives them, and no others. */
describe('delivery with its own rights', () => {
  let scope: CancellableScope
  let working: CancellableScope
  let stateDir: string
  let server: RunningApiServer
  let admin: Client
  let own: Client
  let running: RunningDelivery

  before(async () => {
    scope = rootScope()
    stateDir = mkdtempSync(join(tmpdir(), 'sampan-delivery-'))
    server = await startApiServer(scope, {
      stateDir,
      securePort: 0,
      bindAddress: '127.0.0.1',
      advertiseAddress: '192.0.2.1',
      store: 'memory',
      serviceClusterIpRange: '10.96.0.0/16',
      metrics: false,
      nodes: [],
    })
    const clientOf = async (file: string): Promise<Client> =>
      createClient({ transport: socketTransport((await loadKubeconfig(join(stateDir, file))).connection) })
    admin = await clientOf('admin.kubeconfig')
    own = await clientOf('delivery.kubeconfig')
    await applyObjects(scope, admin, readManifests(join(import.meta.dirname, 'up/delivery')), { fieldManager: 'test' })
    working = scope.child()
    running = await startDelivery(working, own)
  })
  after(async () => {
    working.cancel()
    await running.stopped
    admin.close()
    own.close()
    await server.stop()
    scope.cancel()
    rmSync(stateDir, { recursive: true })
  })

  test('installs its kinds, and may not touch those of others', async () => {
    const { items } = await admin.resource(refs.customresourcedefinitions).list(scope)
    assert.deepEqual(items.map(({ spec }) => spec.names.kind).sort(), ['Application', 'ApplicationRevision', 'Release'])
    const other = { name: 'others.example.com' }
    await assert.rejects(
      own.resource(refs.customresourcedefinitions).patch(scope, other, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } }),
      /cannot patch resource "customresourcedefinitions"/,
    )
    await assert.rejects(own.resource(refs.secrets).list(scope), /cannot list resource "secrets"/)
  })

  test('tells how it is', async (t) => {
    using serving = scope.child()
    let why: string | undefined = 'starting'
    const listening = await serveHealth(
      serving,
      { host: '127.0.0.1', port: 0 },
      { notReady: () => why, metrics: () => controllerMetrics(running.stats()) },
    )
    t.after(() => serving.cancel())
    const ask = (path: string): Promise<{ readonly status: number | undefined; readonly text: string }> =>
      new Promise((resolve, reject) => {
        http
          .get({ host: '127.0.0.1', port: (listening.address() as AddressInfo).port, path, agent: false }, (answer) => {
            let text = ''
            answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
            answer.on('end', () => resolve({ status: answer.statusCode, text }))
          })
          .on('error', reject)
      })
    assert.deepEqual(await ask('/readyz'), { status: 503, text: 'starting' })
    why = undefined
    assert.deepEqual(await ask('/readyz'), { status: 200, text: 'ok' })
    assert.equal((await ask('/livez')).status, 200)
    assert.equal((await ask('/else')).status, 404)
    assert.match((await ask('/metrics')).text, /^# TYPE sampan_controller_reconciled_total counter$/m)
  })
})
