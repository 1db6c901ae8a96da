import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Client, createClient, inProcessTransport } from '#client'
import { type core, refs } from '#api'
import { podSpecials } from '#apiserver'
import { readSchedulerConfig } from '#scheduler'
import { type TestApiServer, eventually, testApiServer } from '#testing'
import { startScheduler } from '../workers/scheduler.ts'

const namespace = 'default'
const CONFIG = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- {}
- schedulerName: hasty
  pluginConfig: [{ name: VolumeBinding, args: { bindTimeoutSeconds: 0 } }]
`
const podWith = (name: string, claimName: string | undefined, schedulerName = 'default-scheduler'): core.Pod => ({
  metadata: { name, namespace },
  spec: {
    schedulerName,
    containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }],
    ...(claimName === undefined ? {} : { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] }),
  },
})
const claim = (name: string): core.PersistentVolumeClaim => ({
  metadata: { name, namespace },
  spec: { storageClassName: 'late', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
})

describe('a pod whose volume is made for it', () => {
  let api: TestApiServer
  let client: Client

  before(async () => {
    api = await testApiServer({ specials: podSpecials() })
    const { scope } = api
    client = createClient({ transport: inProcessTransport(api.server.handler) })
    await client
      .resource(refs.namespaces)
      .create(scope, { metadata: { name: namespace } })
      .catch(() => undefined)
    await client.resource(refs.serviceaccounts).create(scope, { metadata: { name: 'default', namespace } })
    const room = { cpu: '1', memory: '1Gi', pods: '10' }
    const status = { capacity: room, allocatable: room, conditions: [{ type: 'Ready', status: 'True' }] }
    await client.resource(refs.nodes).create(scope, { metadata: { name: 'n1' }, status })
    await client
      .resource(refs.storageclasses)
      .create(scope, { metadata: { name: 'late' }, provisioner: 'p.example.com', volumeBindingMode: 'WaitForFirstConsumer' })
    for (const name of ['a', 'b']) await client.resource(refs.persistentvolumeclaims).create(scope, claim(name))
    await startScheduler(scope, { client, config: readSchedulerConfig(CONFIG, 'test').config })
  })
  after(() => api.close())

  const podNow = (name: string): Promise<core.Pod> => client.resource(refs.pods).get(api.scope, { namespace, name })
  const conditionOf = async (name: string): Promise<core.PodCondition | undefined> =>
    (await podNow(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled')

  test('is told when that takes longer than the configuration allows', async () => {
    await client.resource(refs.pods).create(api.scope, podWith('hasty', 'b', 'hasty'))
    await eventually('it is told', async () => {
      const condition = await conditionOf('hasty')
      return (
        condition?.reason === 'SchedulerError' &&
        condition.message === 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded'
      )
    })
    await client.resource(refs.pods).delete(api.scope, { namespace, name: 'hasty' })
  })

  test('keeps its place until the volume is there', async () => {
    const { scope } = api
    const claims = client.resource(refs.persistentvolumeclaims)
    await client.resource(refs.pods).create(scope, podWith('first', 'a'))
    const chosen = async (): Promise<core.PersistentVolumeClaim | undefined> => {
      const now = await claims.get(scope, { namespace, name: 'a' })
      return now.metadata?.annotations?.['volume.kubernetes.io/selected-node'] === 'n1' ? now : undefined
    }
    await eventually('the node is chosen', async () => (await chosen()) !== undefined)
    await client.resource(refs.pods).create(scope, podWith('second', undefined))
    await eventually('no room for the other', async () => (await conditionOf('second'))?.message?.includes('Insufficient cpu') === true)
    assert.equal((await podNow('first')).spec?.nodeName ?? '', '')

    const waiting = await chosen()
    await client.resource(refs.persistentvolumes).create(scope, {
      metadata: { name: 'pv' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'late',
        csi: { driver: 'p.example.com', volumeHandle: 'h' },
        claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name: 'a', uid: waiting?.metadata?.uid },
      },
    })
    const body = { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { volumeName: 'pv' } }
    await claims.patch(scope, { namespace, name: 'a' }, { type: 'merge', body })
    await eventually('it is bound', async () => (await podNow('first')).spec?.nodeName === 'n1')
    assert.equal((await podNow('second')).spec?.nodeName ?? '', '')
  })
})
