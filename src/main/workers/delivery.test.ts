import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CancellableScope, http, readYamlDocuments, rootScope } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import { applyObjects, deploy, findApplication } from '#delivery'
import { clientOf, wholeServer } from '#testing'
import { eventually } from '#testing/basics'
import { type RunningApiServer, startApiServer } from '../server/apiserver.ts'
import { type RunningDelivery, controllerMetrics, startDelivery } from './delivery.ts'
import { serveHealth } from '../process/health-server.ts'
import { readManifests } from '../up/apply.ts'

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
    server = await startApiServer(scope, wholeServer(stateDir))
    admin = await clientOf(stateDir)
    own = await clientOf(stateDir, 'delivery.kubeconfig')
    await applyObjects(scope, admin, readManifests(join(import.meta.dirname, '../up/delivery')), { fieldManager: 'test' })
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

  test('brings an application about, with every kind that it may be made of', async () => {
    const place = { client: admin, namespace: 'default', name: 'shop' }
    const objects = readYamlDocuments(EVERY_KIND)
    await deploy(scope, place, objects, { door: 'Manifests', cause: 'test', dryRun: false, run: false })
    await deploy(scope, place, objects.slice(0, 3), { door: 'Manifests', cause: 'test', dryRun: false, run: false })
    await eventually('all but the claim is gone again', async () => {
      const application = await findApplication(scope, place)
      const why = application?.status?.conditions?.find(({ type }) => type === 'Degraded')
      if (why?.status === 'True') assert.fail(why.message)
      return application?.status?.revision === 2 && application.status.parts?.length === 4
    })
  })

  test('tells how it is', async (t) => {
    using serving = scope.child()
    let why: string | undefined = 'starting'
    const port = await serveHealth(
      serving,
      { host: '127.0.0.1', port: 0 },
      { notReady: () => why, metrics: () => controllerMetrics(running.stats()) },
    )
    t.after(() => serving.cancel())
    const ask = (path: string): Promise<{ readonly status: number | undefined; readonly text: string }> =>
      new Promise((resolve, reject) => {
        http
          .get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
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

const POD = '{ metadata: { labels: { run: a } }, spec: { containers: [{ name: main, image: i }] } }'
const EVERY_KIND = `
{ apiVersion: v1, kind: ServiceAccount, metadata: { name: a } }
---
{ apiVersion: v1, kind: ConfigMap, metadata: { name: a } }
---
{ apiVersion: v1, kind: Secret, metadata: { name: a }, stringData: { a: b } }
---
{ apiVersion: v1, kind: PersistentVolumeClaim, metadata: { name: a }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }
---
{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: { name: a }, spec: { podSelector: {} } }
---
{ apiVersion: v1, kind: Service, metadata: { name: a }, spec: { ports: [{ port: 80 }] } }
---
{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: a }, spec: { minAvailable: 1, selector: { matchLabels: { run: a } } } }
---
{ apiVersion: apps/v1, kind: StatefulSet, metadata: { name: a }, spec: { serviceName: a, selector: { matchLabels: { run: a } }, template: ${POD} } }
---
{ apiVersion: apps/v1, kind: DaemonSet, metadata: { name: a }, spec: { selector: { matchLabels: { run: a } }, template: ${POD} } }
---
{ apiVersion: apps/v1, kind: Deployment, metadata: { name: a }, spec: { selector: { matchLabels: { run: a } }, template: ${POD} } }
---
{ apiVersion: batch/v1, kind: Job, metadata: { name: a }, spec: { template: { spec: { restartPolicy: Never, containers: [{ name: main, image: i }] } } } }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: a }
spec: { schedule: "0 3 * * *", jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: main, image: i }] } } } } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: a }
spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: a } }
---
{ apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: { name: a }, spec: { defaultBackend: { service: { name: a, port: { number: 80 } } } } }
`
