import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Client, createClient, inProcessTransport } from '#client'
import { type core, refs, type resource } from '#api'
import { podSpecials } from '#apiserver'
import { controllers } from '#controllers'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { type TestApiServer, eventually, testApiServer } from '#testing'
import { startScheduler } from '../workers/scheduler.ts'

const DRIVER = 'gpu.example.com'
const RESOURCE = 'example.com/gpu'
const CONTROLLERS = ['resource-claim-controller', 'garbage-collector-controller']

/** Claims from a template to the device and back: the controller that makes them, the scheduler that gives them devices. */
/** Until it holds. */
const holds = (look: () => Promise<void>): Promise<true> =>
  eventually(
    'it holds',
    async () => {
      await look()
      return true
    },
    10_000,
  )

describe('devices for pods', () => {
  let api: TestApiServer
  let client: Client

  before(async () => {
    api = await testApiServer({ specials: podSpecials() })
    client = createClient({ transport: inProcessTransport(api.server.handler) })
    await client
      .resource(refs.namespaces)
      .create(api.scope, { metadata: { name: 'default' } })
      .catch(() => undefined)
    await client.resource(refs.serviceaccounts).create(api.scope, { metadata: { name: 'default', namespace: 'default' } })
    const chosen = controllers().filter(({ name }) => CONTROLLERS.includes(name))
    assert.equal(chosen.length, CONTROLLERS.length)
    await runControllers(api.scope, chosen, { client, informers: createInformers(client), events: createEvents(api.scope, client) })
    await client.resource(refs.nodes).create(api.scope, {
      metadata: { name: 'n1' },
      status: {
        capacity: { cpu: '4', memory: '8Gi', pods: '110' },
        allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    })
    await client.resource(refs.deviceclasses).create(api.scope, {
      metadata: { name: 'gpu' },
      spec: { selectors: [{ cel: { expression: `device.driver == "${DRIVER}"` } }], extendedResourceName: RESOURCE },
    })
    await client.resource(refs.resourceslices).create(api.scope, {
      metadata: { name: 'slice' },
      spec: {
        driver: DRIVER,
        nodeName: 'n1',
        pool: { name: 'n1', generation: 1, resourceSliceCount: 1 },
        devices: [{ name: 'card', attributes: { model: { string: 'a' } } }],
      },
    })
    await client.resource(refs.resourceclaimtemplates).create(api.scope, {
      metadata: { name: 'one', namespace: 'default' },
      spec: { spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] } } },
    })
    await startScheduler(api.scope, { client })
  })
  after(() => api.close())

  const create = (name: string, spec: Partial<core.PodSpec>): Promise<core.Pod> =>
    client.resource(refs.pods).create(api.scope, {
      metadata: { name, namespace: 'default' },
      spec: {
        containers: [{ name: 'main', image: 'app:1' }],
        tolerations: [{ operator: 'Exists' }],
        terminationGracePeriodSeconds: 0,
        ...spec,
      },
    })
  const claiming: Partial<core.PodSpec> = {
    resourceClaims: [{ name: 'device', resourceClaimTemplateName: 'one' }],
    containers: [{ name: 'main', image: 'app:1', resources: { claims: [{ name: 'device' }] } }],
  }
  const pod = (name: string): Promise<core.Pod> => client.resource(refs.pods).get(api.scope, { namespace: 'default', name })
  const claims = async (): Promise<readonly resource.ResourceClaim[]> =>
    (await client.resource(refs.resourceclaims).list(api.scope, { namespace: 'default' })).items
  const placed = (name: string): Promise<true> => holds(async () => assert.equal((await pod(name)).spec?.nodeName, 'n1'))

  test('are claimed by a template, and given with the node', async () => {
    const made = await create('first', claiming)
    await placed('first')
    const [claim] = await claims()
    assert.match(claim?.metadata?.name ?? '', /^first-device-[a-z0-9]{5}$/)
    assert.equal(claim?.metadata?.annotations?.['resource.kubernetes.io/pod-claim-name'], 'device')
    assert.deepEqual((await pod('first')).status?.resourceClaimStatuses, [{ name: 'device', resourceClaimName: claim?.metadata?.name }])
    assert.deepEqual(claim?.status?.allocation?.devices?.results, [{ request: 'gpu', driver: DRIVER, pool: 'n1', device: 'card' }])
    assert.deepEqual(claim?.status?.reservedFor, [{ resource: 'pods', name: 'first', uid: made.metadata?.uid }])
    assert.deepEqual(claim?.metadata?.finalizers, ['resource.kubernetes.io/delete-protection'])
  })

  test('are waited for while others have them, and come when these have gone', async () => {
    await create('second', claiming)
    await holds(async () => {
      const condition = (await pod('second')).status?.conditions?.find(({ type }) => type === 'PodScheduled')
      assert.equal(
        condition?.message,
        '0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
      )
    })
    await client.resource(refs.pods).delete(api.scope, { namespace: 'default', name: 'first' }, { gracePeriodSeconds: 0 })
    await placed('second')
    await holds(async () =>
      assert.deepEqual(
        (await claims()).map(({ metadata }) => metadata?.name?.startsWith('second-')),
        [true],
      ),
    )
    await client.resource(refs.pods).delete(api.scope, { namespace: 'default', name: 'second' }, { gracePeriodSeconds: 0 })
    await holds(async () => assert.equal((await claims()).length, 0))
  })

  test('of a finished pod are given back, and its claim goes', async () => {
    const made = await create('done', claiming)
    await placed('done')
    await client.resource(refs.pods).update(
      api.scope,
      {
        ...(await pod('done')),
        status: { ...made.status, phase: 'Succeeded', resourceClaimStatuses: (await pod('done')).status?.resourceClaimStatuses },
      },
      { subresource: 'status' },
    )
    await holds(async () => assert.equal((await claims()).length, 0))
  })

  test('stand behind an extended resource', async () => {
    await create('extended', { containers: [{ name: 'main', image: 'app:1', resources: { limits: { [RESOURCE]: '1' } } }] })
    await placed('extended')
    const [claim] = await claims()
    assert.equal(claim?.metadata?.annotations?.['resource.kubernetes.io/extended-resource-claim'], 'true')
    assert.deepEqual((await pod('extended')).status?.extendedResourceClaimStatus, {
      resourceClaimName: claim?.metadata?.name,
      requestMappings: [{ containerName: 'main', resourceName: RESOURCE, requestName: 'container-0-request-0' }],
    })
    assert.deepEqual(claim?.status?.allocation?.devices?.results, [
      { request: 'container-0-request-0', driver: DRIVER, pool: 'n1', device: 'card' },
    ])
  })
})
