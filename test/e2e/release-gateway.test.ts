import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type apps, refs } from '#api'
import type { Client } from '#client'
import { type Release, installKinds, platformParts, releaseRef } from '#delivery'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { type RunningCommand, eventually } from '#testing'
import { GATEWAY_ADDRESS, type Stage, makeStage, noGateway, podAddress } from './gateway/stage.ts'

const skip = noGateway()
const PORT = 8090
const REQUESTS_PER_SECOND = 300
const NAMESPACE = 'default'
/** Which pod of the stage is whose; the Deployment itself has the first one. */
const PODS = { till: 1, 'till-next': 2, 'till-control': 3 } as const

interface Load {
  readonly sent: number
  readonly answered: number
  readonly failures: Readonly<Record<string, number>>
}

/**
 * The controller of releases over a real HAProxy and the counts of its own requests. Pods are two programs in a network namespace, and what Deployments,
 * their pods and endpoints would do is done here: those have tests of their own. The tests build on each other, in this order.
 */
describe('releases over a real HAProxy', { skip: skip ?? false }, () => {
  let stage: Stage
  let pods: RunningCommand | undefined
  let ending: AbortController
  before(async () => {
    stage = await makeStage()
    ending = new AbortController()
    const { client, scope } = stage
    const kinds = platformParts.filter(({ name }) => name === 'release')
    await installKinds(
      scope,
      client,
      kinds.flatMap((part) => part.kinds),
    )
    const at = { name: 'till', namespace: NAMESPACE }
    const labels = { app: 'till' }
    await client.resource(refs.deployments).create(scope, {
      metadata: at,
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'till', image: 'till:1' }] } },
      },
    })
    await client
      .resource(refs.services)
      .create(scope, { metadata: at, spec: { selector: labels, ports: [{ name: 'web', port: 80, protocol: 'TCP' }] } })
    await stage.ingress('till', {
      rules: [
        {
          http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'till', port: { number: 80 } } } }] },
        },
      ],
    })
    void play(client)
    await runControllers(
      scope,
      kinds.flatMap((part) => part.controllers),
      { client: counting(client), informers: createInformers(client), events: createEvents(scope, client) },
    )
  })
  after(async () => {
    ending.abort()
    await pods?.stop()
    await stage.close()
  })

  /** What the cluster's own controllers would do, again and again. */
  async function play(client: Client): Promise<void> {
    while (!ending.signal.aborted) {
      for (const one of (await client.resource(refs.deployments).list(stage.scope, { namespace: NAMESPACE })).items)
        await settle(client, one)
      for (const { metadata } of (await client.resource(refs.services).list(stage.scope, { namespace: NAMESPACE })).items)
        await endpoints(client, metadata?.name ?? '')
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  async function settle(client: Client, one: apps.Deployment): Promise<void> {
    const wanted = one.spec?.replicas ?? 1
    if (one.status?.observedGeneration === one.metadata?.generation && one.status?.availableReplicas === wanted) return
    const status = {
      observedGeneration: one.metadata?.generation,
      replicas: wanted,
      updatedReplicas: wanted,
      readyReplicas: wanted,
      availableReplicas: wanted,
    }
    await client
      .resource(refs.deployments)
      .update(stage.scope, { ...one, status }, { subresource: 'status' })
      .catch(() => undefined)
  }
  async function endpoints(client: Client, service: string): Promise<void> {
    const pod = service in PODS ? PODS[service as keyof typeof PODS] : undefined
    if (pod === undefined) return
    const slice = {
      metadata: { name: service, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      ports: [{ name: 'web', port: PORT, protocol: 'TCP' }],
      endpoints: [{ addresses: [podAddress(pod)], conditions: { ready: true } }],
    }
    await client
      .resource(refs.endpointslices)
      .create(stage.scope, slice)
      .catch(() => undefined)
  }

  /** The counts of the gateway, as its server gives them, where the aggregation layer would have passed the question on. */
  function counting(client: Client): Client {
    const raw: Client['raw'] = (scope, request) => {
      const [, namespace = '', name = ''] =
        /^\/apis\/measure\.sampan\.io\/v1alpha1\/namespaces\/([^/]+)\/services\/([^/]+)$/.exec(request.path) ?? []
      if (name === '') return client.raw(scope, request)
      const body = Buffer.from(JSON.stringify(stage.gateway.measured(namespace, name)))
      return Promise.resolve({ status: 200, headers: {}, body })
    }
    return { ...client, resource: (ref) => client.resource(ref), raw }
  }

  const serve = async (errorsOfNext: number): Promise<void> => {
    await pods?.stop()
    pods = stage.inside(
      'flaky.ts',
      ...Object.entries(PODS).map(([name, pod]) => `${podAddress(pod)}:${PORT}=${name === 'till-next' ? errorsOfNext : 0}`),
    )
    await pods.until(/listening/)
  }
  const start = async (name: string, analysis: object = {}, by: object = { ingress: 'till' }): Promise<void> => {
    const spec = {
      deployment: 'till',
      service: 'till',
      images: { till: `till:${name}` },
      promotion: 'Automatic',
      strategy: { type: 'Canary', canary: { steps: [{ weight: 10 }] } },
      analysis,
      ...by,
    }
    const body = JSON.stringify({ apiVersion: 'delivery.sampan.io/v1alpha1', kind: 'Release', metadata: { name }, spec })
    const path = `/apis/delivery.sampan.io/v1alpha1/namespaces/${NAMESPACE}/releases`
    await stage.client.raw(stage.scope, { method: 'POST', path, headers: { 'content-type': 'application/json' }, body })
  }
  const until = (name: string, holds: (status: NonNullable<Release['status']>) => boolean): Promise<NonNullable<Release['status']>> =>
    eventually(
      `the release ${name}`,
      async () => {
        const { status } = await stage.client.resource(releaseRef).get(stage.scope, { namespace: NAMESPACE, name })
        return status !== undefined && holds(status) ? status : undefined
      },
      180_000,
    )
  const isOver = ({ phase }: NonNullable<Release['status']>): boolean =>
    phase === 'Succeeded' || phase === 'RolledBack' || phase === 'Refused'
  const underLoad = async (during: () => Promise<void>, path = '/'): Promise<Load> => {
    const load = stage.inside('load.ts', `http://${GATEWAY_ADDRESS}${path}`, String(REQUESTS_PER_SECOND), 'keep')
    await load.until(/asking/)
    try {
      await during()
    } finally {
      await load.stop()
    }
    return JSON.parse(load.stdout.trim().split('\n').at(-1) ?? '') as Load
  }

  it('without traffic there is not enough evidence', async (t) => {
    await serve(0)
    await start('quiet', { evidenceSeconds: 3 })
    const status = await until('quiet', ({ reason }) => reason === 'NotEnoughEvidence')
    t.diagnostic(status.message)
    assert.deepEqual([status.phase, status.verdict, status.weight], ['Progressing', 'NotEnoughEvidence', 10])
    await stage.client
      .resource(releaseRef)
      .patch(stage.scope, { namespace: NAMESPACE, name: 'quiet' }, { type: 'merge', body: { spec: { abortAttempt: 1 } } })
    assert.equal((await until('quiet', isOver)).reason, 'Aborted')
  })

  it('a canary with errors in one of twenty of its requests is rolled back at a tenth of the requests', async (t) => {
    await serve(0.05)
    const load = await underLoad(async () => {
      await start('bad')
      const { phase, reason, analysis } = await until('bad', isOver)
      t.diagnostic(analysis?.judgement?.message ?? '')
      assert.deepEqual([phase, reason], ['RolledBack', 'Worse'])
    })
    t.diagnostic(JSON.stringify(load))
    assert.ok(load.sent - load.answered > 0 && load.sent - load.answered < load.sent * 0.01)
  })

  it('a good canary is promoted without a failed request', async (t) => {
    await serve(0)
    const load = await underLoad(async () => {
      await start('good', { errorTolerance: 0.02 })
      const { phase, verdict, analysis } = await until('good', isOver)
      t.diagnostic(analysis?.judgement?.message ?? '')
      assert.deepEqual([phase, verdict], ['Succeeded', 'Same'])
    })
    t.diagnostic(JSON.stringify(load))
    assert.deepEqual([load.failures, load.answered], [{}, load.sent])
  })

  it('blue-green: all requests go over in one step, back and over again, and none of them fails', async (t) => {
    await serve(0)
    const at = { namespace: NAMESPACE, name: 'blue' }
    const say = (spec: object): Promise<unknown> =>
      stage.client.resource(releaseRef).patch(stage.scope, at, { type: 'merge', body: { spec } })
    const load = await underLoad(async () => {
      await start('blue', {}, { ingress: 'till', strategy: { type: 'BlueGreen' }, promotion: 'Manual' })
      for (const attempt of [1, 2]) {
        const isAt = (weight: number) => (status: NonNullable<Release['status']>) =>
          status.attempt === attempt && status.reason === 'Gate' && (status.weight ?? 0) === weight
        await until('blue', isAt(0))
        await say({ approvals: [{ attempt, step: 0 }] })
        await until('blue', isAt(100))
        // All of it, and nothing else: every answer is of the new version.
        const answers = await Promise.all(Array.from({ length: 20 }, () => stage.curl(`http://${GATEWAY_ADDRESS}/`)))
        assert.deepEqual([...new Set(answers.map(({ body }) => body))], [podAddress(PODS['till-next'])])
        if (attempt === 1) {
          await say({ abortAttempt: 1 })
          assert.equal((await until('blue', isOver)).phase, 'RolledBack')
          await say({ attempt: 2 })
        } else {
          await say({ approvals: [0, 1].map((step) => ({ attempt, step })) })
          await until('blue', ({ attempt: now, phase }) => now === 2 && phase === 'Succeeded')
        }
      }
    })
    t.diagnostic(JSON.stringify(load))
    assert.deepEqual([load.failures, load.answered], [{}, load.sent])
  })

  it('requests of an HTTPRoute are shared by its weights, which are as before afterwards', async (t) => {
    const group = '/apis/gateway.networking.k8s.io/v1/namespaces/default'
    const create = (plural: string, kind: string, name: string, spec: object): Promise<unknown> =>
      stage.client.raw(stage.scope, {
        method: 'POST',
        path: `${group}/${plural}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name }, spec }),
      })
    const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/route' } }], backendRefs: [{ name: 'till', port: 80, weight: 3 }] }]
    await create('gateways', 'Gateway', 'web', { gatewayClassName: 'sampan', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] })
    await create('httproutes', 'HTTPRoute', 'till', { parentRefs: [{ name: 'web' }], rules })
    const weights = async (): Promise<readonly (readonly [string, number])[]> => {
      const { body } = await stage.client.raw(stage.scope, { method: 'GET', path: `${group}/httproutes/till` })
      const { spec } = JSON.parse(Buffer.from(body).toString()) as {
        spec: { rules: { backendRefs: { name: string; weight: number }[] }[] }
      }
      return spec.rules.flatMap(({ backendRefs }) => backendRefs.map(({ name, weight }) => [name, weight] as const))
    }
    await eventually('the route', async () => (await stage.curl(`http://${GATEWAY_ADDRESS}/route`)).status === 200)
    let shared: readonly (readonly [string, number])[] = []
    const load = await underLoad(async () => {
      await start('route', { errorTolerance: 0.02 }, { httpRoute: 'till' })
      await eventually('three to share', async () => {
        shared = await weights()
        return shared.length === 3
      })
      const { phase, verdict, analysis } = await until('route', isOver)
      t.diagnostic(analysis?.judgement?.message ?? '')
      assert.deepEqual([phase, verdict], ['Succeeded', 'Same'])
    }, '/route')
    t.diagnostic(`${JSON.stringify(shared)} ${JSON.stringify(load)}`)
    assert.equal(
      shared.reduce((sum, [, weight]) => sum + weight, 0),
      300,
    )
    assert.deepEqual(await weights(), [['till', 3]])
    assert.deepEqual([load.failures, load.answered], [{}, load.sent])
  })
})
