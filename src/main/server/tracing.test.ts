import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rootScope } from '#base'
import { clientOf, startCollector, wholeServer } from '#testing'
import { startApiServer } from './apiserver.ts'

test('a server with a tracing configuration sends what its requests were made of to the collector', async (t) => {
  const scope = rootScope()
  const stateDir = mkdtempSync(join(tmpdir(), 'sampan-tracing-'))
  const collector = await startCollector()
  t.after(async () => {
    scope.cancel()
    await collector.close()
    rmSync(stateDir, { recursive: true })
  })
  const tracingConfigFile = join(stateDir, 'tracing.yaml')
  const flags = { ...wholeServer(stateDir), tracingConfigFile } as const
  await assert.rejects(startApiServer(scope, flags), /tracing\.yaml cannot be read/)
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n'
  writeFileSync(tracingConfigFile, `${head}endpoint: ${collector.endpoint}\nsamplingRatePerMillion: 1000000\n`)
  const server = await startApiServer(scope, flags)
  const admin = await clientOf(stateDir)
  await admin.raw(scope, { method: 'GET', path: '/api/v1/namespaces/default' })
  admin.close()
  await server.stop()
  const get = collector.spans.find(({ name }) => name === 'Get') ?? assert.fail('it was not recorded')
  assert.equal(get.attributes['resource'], 'namespaces')
  assert.equal(get.resource['service.name'], 'apiserver')
  const names: string[] = []
  for (let one = collector.spans.find(({ spanId }) => spanId === get.parentId); one !== undefined; ) {
    names.push(one.name)
    const { parentId } = one
    one = collector.spans.find(({ spanId }) => spanId === parentId)
  }
  assert.deepEqual(names.toReversed(), [
    'authentication',
    'GET /api/v1/namespaces/{:namespace}/namespaces/{:name}',
    'audit',
    'constrainedimpersonation',
    'priorityandfairness',
    'authorization',
  ])
})
