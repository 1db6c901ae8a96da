import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type apps, refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { createFakeApi } from '#testing'
import { eventually } from '#testing/basics'
import { deploymentController } from './deployment.ts'

const COUNT = 120

test('a status that was put off for others says that the ReplicaSet was created, not found', async () => {
  const api = createFakeApi()
  const client = createClient({ transport: inProcessTransport(api.handler) })
  using scope = rootScope()
  const deployments = client.resource(refs.deployments)
  const template = (image: string): apps.DeploymentSpec['template'] => ({
    metadata: { labels: { app: 'a' } },
    spec: { containers: [{ name: 'main', image }] },
  })
  for (let i = 0; i < COUNT; i++) {
    await deployments.create(scope, {
      metadata: { namespace: 'x', name: `d${i}` },
      spec: { replicas: 1, progressDeadlineSeconds: 600, selector: { matchLabels: { app: 'a' } }, template: template('a') },
    })
  }
  await runControllers(scope, [deploymentController], {
    client,
    informers: createInformers(client, { freeze: true }),
    events: createEvents(scope, client),
  })
  const reasons = await eventually('all are told of', () => {
    const all = (api.objects('deployments') as apps.Deployment[]).map(
      ({ status }) => status?.conditions?.find(({ type }) => type === 'Progressing')?.reason,
    )
    return all.every((reason) => reason !== undefined) && all
  })
  assert.deepEqual([...new Set(reasons)], ['NewReplicaSetCreated'])
})
