import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { seededRandom } from '#base'
import { type apps, type autoscaling, type networking, refs } from '#api'
import type { TestApiServer } from '#testing'
import { rounds } from '#testing/basics'
import { releaseRef } from './kinds.ts'
import type { Analysis, Release, ReleaseSpec } from './objects.ts'
import { LOCK } from './parts.ts'
import { Killed, Shop, deployment, openApi } from './release.fixture.ts'
import { type HttpRoute, httpRouteRef } from './route/http-route.ts'

const ANALYSIS: Analysis = {
  minimumRequests: 100,
  confidence: 0.99,
  errorTolerance: 0.01,
  latencyTolerance: 0.2,
  evidenceSeconds: 300,
  withoutEvidence: 'Wait',
  brokenStable: 'Proceed',
}
const canary = (...weights: readonly number[]): Partial<ReleaseSpec> => ({
  strategy: { type: 'Canary', canary: { steps: weights.map((weight) => ({ weight })) } },
  analysis: ANALYSIS,
  promotion: 'Automatic',
})
const says =
  (reason: string) =>
  ({ status }: Release): boolean =>
    status?.reason === reason
const steps = ({ status }: Release): readonly string[] =>
  (status?.history ?? []).map(({ phase, step, weight }) => `${phase} ${step} ${weight}`)

let api: TestApiServer
before(async () => {
  api = await openApi()
})
after(() => api.close())
let serial = 0
const open = (isByHttpRoute = false): Promise<Shop> => new Shop(api, `shop-${serial++}`, isByHttpRoute).open()

/** Nothing that a release has made or changed is left but what it is for. */
async function assertNothingLeft(shop: Shop, image: string): Promise<void> {
  assert.deepEqual(await shop.shares(), { shop: 100 })
  for (const track of ['next', 'control'])
    for (const ref of [refs.deployments, refs.services])
      assert.equal(await shop.exists(ref, `shop-${track}`), false, `${ref.kind} shop-${track}`)
  const { metadata, spec } = await shop.get<apps.Deployment>(refs.deployments, 'shop')
  assert.equal(metadata?.annotations?.[LOCK], undefined)
  assert.equal(spec?.template.spec?.containers[0]?.image, image)
  const { metadata: route, spec: paths } = await shop.get<networking.Ingress>(refs.ingresses, 'shop')
  assert.deepEqual(route?.annotations ?? {}, {})
  assert.equal(paths?.rules?.[0]?.http?.paths.length, 1)
  assert.deepEqual(shop.wrongs, [])
}

describe('a canary', () => {
  test('by an HTTPRoute is shared by the weights of its backends, which are as before afterwards', async () => {
    const good = await open(true)
    const before = await good.get<HttpRoute>(httpRouteRef, 'shop')
    await good.start('r', canary(10))
    assert.equal((await good.run('r')).status?.phase, 'Succeeded')
    assert.deepEqual(good.weights, [
      '{"shop":100}',
      '{"shop":80,"shop-control":10,"shop-next":10}',
      '{"shop":0,"shop-next":100}',
      '{"shop":100}',
    ])
    const after = await good.get<HttpRoute>(httpRouteRef, 'shop')
    assert.deepEqual([after.spec, after.metadata?.annotations], [before.spec, undefined])
    assert.deepEqual(good.wrongs, [])
    const none = await open(true)
    await none.client.resource(httpRouteRef).delete(none.scope, { namespace: none.namespace, name: 'shop' })
    await none.start('r', canary(10))
    assert.equal((await none.turn('r')).status?.message, 'there is no HTTPRoute shop')
  })

  test('that is as good as its control takes over by itself, in its steps, and nothing else is left', async () => {
    const shop = await open()
    await shop.start('r', canary(10, 30))
    const release = await shop.run('r')
    assert.deepEqual([release.status?.phase, release.status?.verdict], ['Succeeded', 'Same'])
    assert.deepEqual(shop.weights, [
      '{"shop":100}',
      '{"shop":80,"shop-control":10,"shop-next":10}',
      '{"shop":40,"shop-control":30,"shop-next":30}',
      '{"shop":0,"shop-next":100}',
      '{"shop":100}',
    ])
    await assertNothingLeft(shop, 'shop:2')
    assert.equal(release.metadata?.finalizers, undefined)
  })

  test('with errors that its control has not goes back by itself, at its first weight', async () => {
    const shop = await open()
    shop.behaviour['shop-next'] = { errors: 0.05 }
    await shop.start('r', canary(10, 50))
    const { status } = await shop.run('r')
    assert.deepEqual([status?.phase, status?.reason, status?.verdict], ['RolledBack', 'Worse', 'Worse'])
    assert.match(
      status?.message ?? '',
      /^the new version is worse: \d+ requests to the new version and \d+ to its control: errors [45]\.\d\d % beside 0\.00 %/,
    )
    assert.ok(!shop.weights.some((weights) => weights.includes('50')))
    await assertNothingLeft(shop, 'shop:1')
  })

  test('is compared with fresh pods of the old version, as many and as old, and never with those that were there', async () => {
    const shop = await open()
    // The old pods are full of errors, their fresh copies are not: what the new version does is no better than that.
    shop.behaviour['shop'] = { errors: 0.5 }
    shop.behaviour['shop-next'] = { errors: 0.05 }
    await shop.start('r', canary(20))
    await shop.run('r', ({ status }) => status?.weight === 20)
    const [next, control] = await Promise.all([
      shop.get<apps.Deployment>(refs.deployments, 'shop-next'),
      shop.get<apps.Deployment>(refs.deployments, 'shop-control'),
    ])
    assert.deepEqual([next.spec?.replicas, control.spec?.replicas], [2, 2])
    assert.deepEqual(
      [next, control].map(({ spec }) => spec?.template.spec?.containers[0]?.image),
      ['shop:2', 'shop:1'],
    )
    assert.deepEqual(next.spec?.template.metadata?.labels, { app: 'shop-next', team: 'a', 'sampan.io/release-track': 'next' })
    assert.equal((await shop.run('r')).status?.reason, 'Worse')
  })

  test('is slower than its control: that is worse too', async () => {
    const shop = await open()
    shop.behaviour['shop-next'] = { slow: 0.2 }
    await shop.start('r', { ...canary(10), analysis: { ...ANALYSIS, latencyQuantile: 0.95 } })
    assert.equal((await shop.run('r')).status?.reason, 'Worse')
  })

  test('without traffic has not enough evidence: it neither passes nor fails, says so, and goes on when evidence comes', async () => {
    const shop = await open()
    shop.requestsPerSecond = 0
    await shop.start('r', canary(10))
    const { status } = await shop.run('r', says('NotEnoughEvidence'))
    assert.deepEqual([status?.phase, status?.weight, status?.verdict], ['Progressing', 10, 'NotEnoughEvidence'])
    assert.match(status?.message ?? '', /0 requests to the new version and 0 to its control/)
    await shop.pass(3_600_000)
    assert.equal((await shop.run('r', says('NotEnoughEvidence'))).status?.phase, 'Progressing')
    shop.requestsPerSecond = 300
    assert.equal((await shop.run('r')).status?.phase, 'Succeeded')
  })

  test('without evidence goes on, or back, where that was asked for; and when somebody approves', async () => {
    for (const [withoutEvidence, phase] of [
      ['Promote', 'Succeeded'],
      ['RollBack', 'RolledBack'],
    ] as const) {
      const shop = await open()
      shop.requestsPerSecond = 0
      await shop.start('r', { ...canary(10), analysis: { ...ANALYSIS, withoutEvidence } })
      assert.equal((await shop.run('r')).status?.phase, phase)
    }
    const shop = await open()
    shop.requestsPerSecond = 0
    await shop.start('r', canary(10))
    await shop.run('r', says('NotEnoughEvidence'))
    await shop.say('r', { approvals: [{ attempt: 1, step: 0, by: 'kim' }] })
    const { status } = await shop.run('r')
    assert.equal(status?.phase, 'Succeeded')
    assert.ok(status?.history.some(({ by, message }) => by === 'kim' && message === 'step 0 is approved'))
  })

  test('concludes nothing while nobody counts, and counts nothing twice when the gateway begins anew', async () => {
    const shop = await open()
    shop.instance = undefined
    await shop.start('r', { ...canary(10), promotion: 'Manual' })
    await shop.run('r', says('Analysing'))
    for (let i = 0; i < 20; i++) await shop.pass(2000)
    assert.equal((await shop.release('r')).status?.verdict, undefined)
    shop.newGateway('one')
    await shop.run('r', ({ status }) => (status?.analysis?.next.requests ?? 0) >= 300)
    const before = (await shop.release('r')).status?.analysis?.next.requests ?? 0
    shop.newGateway('two')
    await shop.pass(1000)
    await shop.run('r', ({ status }) => status?.analysis?.instance === 'two')
    const after = (await shop.release('r')).status?.analysis?.next.requests ?? 0
    assert.ok(after > before && after < before + 300, `${before} ${after}`)
  })

  test('is not promoted by a good verdict alone where that was not said', async () => {
    const shop = await open()
    await shop.start('r', { ...canary(10), promotion: 'Manual' })
    const { status } = await shop.run('r', says('Gate'))
    assert.equal(status?.verdict, 'Same')
    for (let i = 0; i < 20; i++) await shop.pass(60_000)
    assert.equal((await shop.run('r', says('Gate'))).status?.weight, 10)
    await shop.say('r', { promoteAttempt: 1 })
    assert.equal((await shop.run('r')).status?.phase, 'Succeeded')
  })

  test('that gets worse while it is paused goes back all the same', async () => {
    const shop = await open()
    await shop.start('r', { ...canary(10), paused: true })
    await shop.run('r', says('Paused'))
    shop.behaviour['shop-next'] = { errors: 0.3 }
    assert.deepEqual([(await shop.run('r')).status?.reason, shop.weights.at(-1)], ['Worse', '{"shop":100}'])
  })

  test('stays in its step through any restart, for as long as the step lasts', async () => {
    const shop = await open()
    const paused = { type: 'Canary', canary: { steps: [{ weight: 10, pauseSeconds: 600 }] } } as const
    await shop.start('r', { strategy: paused, promotion: 'Automatic' })
    await shop.run('r', says('Waiting'))
    const startedMs = shop.clock.now()
    // Each run is another controller, which knows nothing but the objects.
    for (let i = 0; i < 20; i++) await shop.turns('r', 1)
    const { status } = await shop.run('r', ({ status: now }) => now?.phase === 'Promoting')
    assert.equal(status?.step, 1)
    const tookMs = shop.clock.now() - startedMs
    assert.ok(tookMs >= 594_000 && tookMs < 615_000, String(tookMs))
  })

  test('is made ready for so long and no longer', async () => {
    const shop = await open()
    shop.stuck.add('shop:2')
    await shop.start('r', canary(10))
    const { status } = await shop.run('r')
    assert.deepEqual([status?.phase, status?.reason], ['RolledBack', 'NotReady'])
    assert.deepEqual(shop.weights, ['{"shop":100}'])
    await assertNothingLeft(shop, 'shop:1')
  })
})

describe('a stable version that is broken', () => {
  test('does not hold up the one that may mend it', async () => {
    const shop = await open()
    shop.stuck.add('shop-control')
    await shop.start('r', canary(10))
    const { status } = await shop.run('r')
    assert.deepEqual([status?.phase, status?.verdict, status?.isStableBroken], ['Succeeded', 'Better', true])
    assert.deepEqual(shop.weights[1], '{"shop":90,"shop-next":10}')
  })

  test('does not let through a version that fails most of its requests itself', async () => {
    const shop = await open()
    shop.stuck.add('shop-control')
    shop.behaviour['shop-next'] = { errors: 0.9 }
    await shop.start('r', canary(10))
    const { status } = await shop.run(
      'r',
      ({ status: now }) => now?.message.includes('too many errors itself') === true || now?.phase === 'Promoting',
    )
    assert.deepEqual([status?.phase, status?.verdict, status?.weight], ['Progressing', 'NotEnoughEvidence', 10])
  })

  test('ends the release where that was asked for', async () => {
    const shop = await open()
    shop.stuck.add('shop-control')
    await shop.start('r', { ...canary(10), analysis: { ...ANALYSIS, brokenStable: 'RollBack' } })
    assert.equal((await shop.run('r')).status?.reason, 'StableBroken')
    await assertNothingLeft(shop, 'shop:1')
  })
})

describe('abort and retry', () => {
  test('an aborted release goes back at once, without a moment in which requests are led to nobody', async () => {
    const shop = await open()
    await shop.start('r', { ...canary(10, 40), promotion: 'Manual' })
    await shop.run('r', says('Gate'))
    await shop.say('r', { abortAttempt: 1 })
    const { status } = await shop.run('r')
    assert.deepEqual([status?.phase, status?.reason], ['RolledBack', 'Aborted'])
    assert.deepEqual(shop.weights, ['{"shop":100}', '{"shop":80,"shop-control":10,"shop-next":10}', '{"shop":100}'])
    await assertNothingLeft(shop, 'shop:1')
    // And nothing comes of it later.
    for (let i = 0; i < 5; i++) await shop.run('r')
    assert.equal(shop.weights.at(-1), '{"shop":100}')
  })

  test('another attempt begins anew, and the record of the first one stays', async () => {
    const shop = await open()
    await shop.start('r', canary(10))
    await shop.run('r', ({ status }) => status?.weight === 10)
    await shop.say('r', { abortAttempt: 1 })
    await shop.run('r')
    await shop.say('r', { attempt: 2 })
    const release = await shop.run('r', ({ status }) => status?.attempt === 2 && status.phase === 'Succeeded')
    assert.ok(steps(release).includes('RolledBack 0 0'))
    await assertNothingLeft(shop, 'shop:2')
  })

  test('a release that is deleted before its end goes back first', async () => {
    const shop = await open()
    await shop.start('r', { ...canary(10), promotion: 'Manual' })
    await shop.run('r', says('Gate'))
    await shop.client.resource(releaseRef).delete(shop.scope, { namespace: shop.namespace, name: 'r' })
    await assert.rejects(
      shop.run('r', () => false),
      /not found/,
    )
    await assertNothingLeft(shop, 'shop:1')
  })
})

describe('what others do meanwhile', () => {
  test('a second release of the same Deployment is refused, and told whose it is', async () => {
    const shop = await open()
    await shop.start('one', { ...canary(10), promotion: 'Manual', author: 'kim' })
    await shop.run('one', says('Gate'))
    await shop.start('two', { ...canary(10), images: { web: 'shop:3' } })
    const { status } = await shop.run('two')
    assert.deepEqual([status?.phase, status?.message], ['Refused', 'the Deployment shop is being released by the Release one of kim'])
    await shop.say('one', { promoteAttempt: 1 })
    await shop.run('one')
    await shop.say('two', { attempt: 2 })
    await shop.run('two', ({ status: now }) => now?.attempt === 2 && now.phase === 'Succeeded')
    await assertNothingLeft(shop, 'shop:3')
  })

  test('a Deployment that is changed by hand ends the release, and stays as it was changed', async () => {
    for (const when of ['Gate', 'Promoting'] as const) {
      const shop = await open()
      await shop.start('r', { ...canary(10), promotion: 'Manual' })
      await shop.run('r', says('Gate'))
      if (when === 'Promoting') {
        await shop.say('r', { promoteAttempt: 1 })
        await shop.run('r', ({ status }) => status?.phase === 'Promoting')
      }
      const body = deployment(shop.namespace)
      const template = { ...body.spec?.template, spec: { containers: [{ name: 'web', image: 'shop:hand' }] } }
      await shop.client
        .resource(refs.deployments)
        .patch(shop.scope, { namespace: shop.namespace, name: 'shop' }, { type: 'merge', body: { spec: { template } } })
      const { status } = await shop.run('r')
      assert.deepEqual([status?.phase, status?.reason], ['RolledBack', 'ChangedByHand'])
      await assertNothingLeft(shop, 'shop:hand')
    }
  })

  test('a Deployment that is scaled gets as many pods of the new version', async () => {
    const shop = await open()
    await shop.start('r', { ...canary(20), promotion: 'Manual' })
    await shop.run('r', says('Gate'))
    await shop.client
      .resource(refs.deployments)
      .patch(shop.scope, { namespace: shop.namespace, name: 'shop' }, { type: 'merge', body: { spec: { replicas: 30 } } })
    await shop.run('r', says('Gate'))
    await shop.turns('r', 3)
    for (const track of ['next', 'control'] as const)
      assert.equal((await shop.get<apps.Deployment>(refs.deployments, `shop-${track}`)).spec?.replicas, 6)
    await shop.say('r', { promoteAttempt: 1 })
    await shop.run('r')
    assert.equal((await shop.get<apps.Deployment>(refs.deployments, 'shop')).spec?.replicas, 30)
    assert.deepEqual(shop.wrongs, [])
  })

  test('an autoscaler takes no pods away while they look idle, and is as it was at the end', async () => {
    const shop = await open()
    const scaler = shop.client.resource(refs.horizontalpodautoscalers)
    const spec: autoscaling.HorizontalPodAutoscalerSpec = {
      minReplicas: 2,
      maxReplicas: 20,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
    }
    const before = await scaler.create(shop.scope, { metadata: { name: 'shop', namespace: shop.namespace }, spec })
    await shop.start('r', { ...canary(10), promotion: 'Manual' })
    await shop.run('r', says('Gate'))
    const held = await scaler.get(shop.scope, { namespace: shop.namespace, name: 'shop' })
    assert.equal(held.spec?.behavior?.scaleDown?.selectPolicy, 'Disabled')
    await shop.say('r', { promoteAttempt: 1 })
    await shop.run('r')
    const after = await scaler.get(shop.scope, { namespace: shop.namespace, name: 'shop' })
    assert.deepEqual([after.spec, after.metadata?.annotations], [before.spec, before.metadata?.annotations])
  })

  test('weights that somebody else sets are set back', async () => {
    const shop = await open()
    await shop.start('r', { ...canary(10), promotion: 'Manual' })
    await shop.run('r', says('Gate'))
    const body = { metadata: { annotations: { 'sampan.io/service-weight': 'shop: 0, shop-control: 0, shop-next: 100' } } }
    await shop.client.resource(refs.ingresses).patch(shop.scope, { namespace: shop.namespace, name: 'shop' }, { type: 'merge', body })
    await shop.turns('r', 3)
    assert.deepEqual(await shop.shares(), { shop: 80, 'shop-control': 10, 'shop-next': 10 })
  })

  test('an Ingress that shares its requests itself is let be', async () => {
    const shop = await open()
    const annotations = { 'sampan.io/service-weight': 'shop: 100' }
    await shop.client
      .resource(refs.ingresses)
      .patch(shop.scope, { namespace: shop.namespace, name: 'shop' }, { type: 'merge', body: { metadata: { annotations } } })
    await shop.start('r', canary(10))
    const { status } = await shop.run('r')
    assert.deepEqual([status?.phase, status?.reason], ['Refused', 'NotPossible'])
    assert.match(status?.message ?? '', /shares its requests itself, by sampan.io\/service-weight/)
  })
})

describe('other strategies', () => {
  test('blue-green: as many new pods beside the old ones, and all requests in one step, there and back', async () => {
    const shop = await open()
    await shop.start('r', { strategy: { type: 'BlueGreen' } })
    await shop.run('r', says('Gate'))
    assert.equal((await shop.get<apps.Deployment>(refs.deployments, 'shop-next')).spec?.replicas, 10)
    await shop.say('r', { approvals: [{ attempt: 1, step: 0 }] })
    await shop.run('r', ({ status }) => status?.weight === 100 && status.reason === 'Gate')
    await shop.say('r', { abortAttempt: 1 })
    assert.equal((await shop.run('r')).status?.phase, 'RolledBack')
    assert.deepEqual(shop.weights, ['{"shop":100}', '{"shop":100,"shop-next":0}', '{"shop":0,"shop-next":100}', '{"shop":100}'])
    await assertNothingLeft(shop, 'shop:1')
    await shop.say('r', { attempt: 2, approvals: [0, 1].map((step) => ({ attempt: 2, step })) })
    await shop.run('r', ({ status }) => status?.attempt === 2 && status.phase === 'Succeeded')
    await assertNothingLeft(shop, 'shop:2')
  })

  test('batches: so many equal steps', async () => {
    const shop = await open()
    await shop.start('r', { strategy: { type: 'Batches', batches: { count: 3, pauseSeconds: 60 } } })
    assert.equal((await shop.run('r')).status?.phase, 'Succeeded')
    assert.deepEqual(shop.weights.slice(1, 4), ['{"shop":67,"shop-next":33}', '{"shop":33,"shop-next":67}', '{"shop":0,"shop-next":100}'])
    await assertNothingLeft(shop, 'shop:2')
  })

  test('in place: rolling as the Deployment says, standard with all pods gone first; and back when it does not get ready', async () => {
    for (const type of ['Rolling', 'Standard'] as const)
      for (const isGood of [true, false]) {
        const shop = await open()
        if (!isGood) shop.stuck.add('shop:2')
        const before = (await shop.get<apps.Deployment>(refs.deployments, 'shop')).spec?.strategy
        await shop.start('r', { strategy: { type } })
        const changed = await shop.run(
          'r',
          ({ status }) => status?.phase === 'Finishing' || status?.message === 'the Deployment replaces its pods',
        )
        const during = (await shop.get<apps.Deployment>(refs.deployments, 'shop')).spec?.strategy
        assert.equal(during?.type, type === 'Standard' ? 'Recreate' : 'RollingUpdate')
        assert.equal(changed.status?.phase, isGood ? 'Finishing' : 'Promoting')
        assert.equal((await shop.run('r')).status?.phase, isGood ? 'Succeeded' : 'RolledBack')
        assert.deepEqual((await shop.get<apps.Deployment>(refs.deployments, 'shop')).spec?.strategy, before)
        shop.wrongs.length = 0
        await assertNothingLeft(shop, isGood ? 'shop:2' : 'shop:1')
      }
  })

  test('what cannot be released is refused with the reason', async () => {
    const shop = await open()
    for (const [name, spec, message] of [
      ['a', { ...canary(10), deployment: 'none' }, 'there is no Deployment none'],
      ['b', { ...canary(10), images: { web: 'shop:1' } }, 'the Deployment has this template already'],
      ['c', { ...canary(10), images: { other: 'x' } }, 'spec.images names the container other, which the Deployment does not have'],
      ['d', { ...canary(10), ingress: 'none' }, 'there is no Ingress none'],
    ] as const) {
      await shop.start(name, spec)
      const { status } = await shop.run(name)
      assert.deepEqual([status?.phase, status?.message], ['Refused', message])
    }
    await assertNothingLeft(shop, 'shop:1')
  })
})

describe('a controller that is killed', () => {
  const runs = rounds(1)
  test('between any two calls leaves nothing half done that the next one does not finish', async () => {
    for (let run = 0; run < runs; run++)
      for (const isBad of [false, true]) {
        const random = seededRandom(run + 1)
        const shop = await open()
        if (isBad) shop.behaviour['shop-next'] = { errors: 0.2 }
        let kills = 0
        let isWrite = false
        shop.onCall = ({ method }) => {
          isWrite = method !== 'GET'
          // Every other write, before it was sent or before its answer came; and now and then a read.
          if (random.float() < (isWrite ? 0.5 : 0.01)) {
            kills++
            throw new Killed()
          }
        }
        await shop.start('r', canary(10, 50))
        const { status } = await shop.run('r')
        assert.equal(status?.phase, isBad ? 'RolledBack' : 'Succeeded')
        assert.ok(kills > 10, String(kills))
        await assertNothingLeft(shop, isBad ? 'shop:1' : 'shop:2')
      }
  })
})
