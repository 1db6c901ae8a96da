import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { installKinds, platformParts } from '#delivery'
import { eventually } from '#testing'
import { GATEWAY_ADDRESS, type Stage, ingressRule, makeStage, noGateway, podAddress } from './gateway/stage.ts'

const skip = noGateway()
const PORT = 8091
const POLICIES = '/apis/gateway.sampan.io/v1alpha1/namespaces/default/trafficpolicies'
const WARM_UP_SECONDS = 6
const JSON_TYPE = { 'content-type': 'application/json' }

interface Policy {
  readonly metadata: { readonly name: string; readonly generation: number }
  readonly status?: {
    readonly observedGeneration?: number
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[]
    readonly breaker?: { readonly state: string; readonly message: string; readonly release?: { readonly name: string } }
    readonly ejected?: readonly { readonly address: string }[]
  }
}

/** Policies over a real HAProxy and pods that do as they are told. */
describe('traffic policies of the gateway', { skip: skip ?? false }, () => {
  let stage: Stage
  before(async () => {
    stage = await makeStage()
    await stage.pod('moody.ts', ...[1, 2, 3, 4].map((pod) => `${podAddress(pod)}:${PORT}`))
    for (const [name, pods] of [
      ['shop', [1]],
      ['many', [2, 3, 4]],
      ['paths', [2]],
      ['limited', [3]],
    ] as const) {
      await service(name, pods)
      await stage.ingress(name, {
        rules: [ingressRule(`${name}.example`, ['/', 'Prefix', name])],
      })
      await eventually(`the route ${name}`, async () => (await ask(name)).status === 200)
    }
  })
  after(() => stage.close())

  async function service(name: string, pods: readonly number[]): Promise<void> {
    await stage.service(name, pods)
    await patch('discovery.k8s.io/v1', 'endpointslices', name, { ports: [{ name: 'web', port: PORT, protocol: 'TCP' }] })
  }
  const patch = (group: string, plural: string, name: string, body: object) =>
    stage.client.raw(stage.scope, {
      method: 'PATCH',
      path: `/apis/${group}/namespaces/default/${plural}/${name}`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify(body),
    })
  const ask = (name: string, path = '/', ...more: readonly string[]) =>
    stage.curl('-H', `Host: ${name}.example`, ...more, `http://${GATEWAY_ADDRESS}${path}`)
  const askOften = (name: string, times: number, ...more: readonly string[]) =>
    stage.curl(...more, '-H', `Host: ${name}.example`, ...Array.from({ length: times }, () => `http://${GATEWAY_ADDRESS}/`))
  const by = (pod: number): string => `"${podAddress(pod)}"`
  const mood = (pod: number, query: string) => stage.curl('-X', 'PUT', `http://${podAddress(pod)}:${PORT}/mood?${query}`)
  const seen = async (pod: number): Promise<{ readonly seen: number; readonly most: number }> =>
    JSON.parse((await stage.curl(`http://${podAddress(pod)}:${PORT}/mood`)).body)
  const create = (name: string, spec: object): Promise<unknown> =>
    stage.client.raw(stage.scope, {
      method: 'POST',
      path: POLICIES,
      headers: JSON_TYPE,
      body: JSON.stringify({ apiVersion: 'gateway.sampan.io/v1alpha1', kind: 'TrafficPolicy', metadata: { name }, spec }),
    })
  const get = async (name: string): Promise<Policy> =>
    JSON.parse(Buffer.from((await stage.client.raw(stage.scope, { method: 'GET', path: `${POLICIES}/${name}` })).body).toString())
  const until = (name: string, holds: (status: NonNullable<Policy['status']>) => boolean) =>
    eventually(`the policy ${name}`, async () => {
      const { status } = await get(name)
      return status !== undefined && holds(status) ? status : undefined
    })
  /** Resolves when requests are treated so. */
  async function change(name: string, spec: object): Promise<void> {
    await patch('gateway.sampan.io/v1alpha1', 'trafficpolicies', name, { spec })
    const { generation } = (await get(name)).metadata
    await until(name, ({ observedGeneration }) => observedGeneration === generation)
  }
  /** A release of the Service that is under way, as the platform's controllers would have it. */
  async function release(name: string): Promise<void> {
    await installKinds(
      stage.scope,
      stage.client,
      platformParts.flatMap(({ name: part, kinds }) => (part === 'release' ? kinds : [])),
    )
    const path = '/apis/delivery.sampan.io/v1alpha1/namespaces/default/releases'
    const spec = { deployment: 'shop', service: 'shop', ingress: 'shop', images: { web: 'shop:2' }, strategy: { type: 'BlueGreen' } }
    const body = JSON.stringify({ apiVersion: 'delivery.sampan.io/v1alpha1', kind: 'Release', metadata: { name }, spec })
    await stage.client.raw(stage.scope, { method: 'POST', path, headers: JSON_TYPE, body })
    await stage.client.raw(stage.scope, {
      method: 'PATCH',
      path: `${path}/${name}/status`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ status: { phase: 'Progressing', history: [] } }),
    })
  }
  const inState = (name: string, state: string) => until(name, ({ breaker }) => breaker?.state === state)

  it('a breaker opens, answers in the place of its Service, tries it with as many probes as it may, and closes', async (t) => {
    await create('shop', {
      service: 'shop',
      breaker: {
        rules: [{ type: 'ErrorRatio', ratio: 0.5 }],
        minimumRequests: 10,
        // Of a machine that is busy with other things ten requests may take long.
        windowSeconds: 300,
        // Nothing of what follows is over sooner than it is looked at.
        openSeconds: 600,
        probes: 3,
        fallback: { status: 503, contentType: 'application/json', body: '{"later": "é;\n"}' },
      },
    })
    await inState('shop', 'Closed')
    await release('shop-2')
    await mood(1, 'status=500')
    const start = performance.now()
    const answers: number[] = []
    while ((await ask('shop')).status === 500) answers.push(performance.now() - start)
    t.diagnostic(`shed after ${answers.length} errors`)
    assert.ok(answers.length >= 10 && answers.length < 100)
    const open = await inState('shop', 'Open')
    assert.match(open.breaker?.message ?? '', /requests had errors \(ErrorRatio\) during the release shop-2$/)
    assert.equal(open.breaker?.release?.name, 'shop-2')
    const fallback = await ask('shop', '/', '-i')
    assert.match(fallback.body, /\{"later": "é;\n"\}$/)
    assert.match(fallback.body, /content-type: application\/json/i)
    await mood(1, 'status=200&ms=1500')
    // What somebody has opened begins with probes when he lets go of it.
    for (const force of ['Open', null]) {
      await change('shop', { breaker: { force } })
      await until('shop', ({ breaker }) => (force === null ? breaker?.state === 'HalfOpen' : breaker?.message === 'somebody has said so'))
    }
    // Of thirty at once in the half-open state three come through, and their goodness closes it.
    const { body } = await askOften('shop', 30, '-Z', '--parallel-immediate')
    assert.equal(body.split(by(1)).length - 1, 3)
    assert.equal(body.split('later').length - 1, 27)
    assert.equal((await seen(1)).seen, 3)
    await inState('shop', 'Closed')
    assert.equal((await ask('shop')).status, 200)
  })

  it('under load it sheds within a moment of the request that opened it', async (t) => {
    await change('shop', { breaker: { rules: [{ type: 'ErrorCount', count: 20 }] } })
    await mood(1, 'status=200')
    // Its load asks by address: any host of the route will do.
    await stage.ingress('load', {
      rules: [ingressRule(undefined, ['/', 'Prefix', 'shop'])],
    })
    await eventually('its route', async () => (await stage.curl(`http://${GATEWAY_ADDRESS}/`)).status === 200)
    const load = stage.inside('load.ts', `http://${GATEWAY_ADDRESS}/`, '300', 'keep')
    await load.until(/asking/)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await mood(1, 'status=500')
    await inState('shop', 'Open')
    await load.stop()
    const { failures } = JSON.parse(load.stdout.trim().split('\n').at(-1) ?? '') as { failures: Record<string, number> }
    t.diagnostic(`of 300 a second, after 20 errors: ${JSON.stringify(failures)}`)
    assert.ok((failures['status 500'] ?? 0) >= 20 && (failures['status 500'] ?? 0) < 20 + 300 * 0.5)
    await change('shop', { breaker: { rules: [{ type: 'ErrorRatio', ratio: 0.5 }], force: 'Closed' } })
    await inState('shop', 'Closed')
    await change('shop', { breaker: { force: null } })
  })

  it('an open breaker stays open over a new gateway and a new HAProxy', async () => {
    await mood(1, 'status=500')
    await eventually('an open breaker', async () => (await ask('shop')).status === 503)
    await inState('shop', 'Open')
    const before = (await seen(1)).seen
    process.kill(stage.gateway.stats().pid ?? assert.fail('no HAProxy'), 'SIGKILL')
    // While there is none nobody answers; nobody but the fallback does when there is one.
    const next = await eventually('another HAProxy', () => ask('shop').catch(() => undefined))
    assert.equal(next.status, 503)
    await stage.again()
    for (let i = 0; i < 5; i++) assert.equal((await ask('shop')).status, 503)
    assert.equal((await seen(1)).seen, before)
    assert.equal((await get('shop')).status?.breaker?.state, 'Open')
    await mood(1, 'status=200')
    await change('shop', { breaker: { force: 'Closed' } })
    await inState('shop', 'Closed')
    assert.equal((await ask('shop')).status, 200)
  })

  it('a policy of a path is for that path, and the younger of two for the same is refused by name', async () => {
    const rateLimits = [{ requests: 3, per: 'Minute' }]
    await create('api', { service: 'paths', paths: ['/api'], rateLimits })
    await until('api', ({ conditions }) => conditions?.[0]?.status === 'True')
    await create('twin', { service: 'paths', paths: ['/api'], rateLimits })
    const twin = await until('twin', ({ conditions }) => conditions?.[0]?.status === 'False')
    assert.match(twin.conditions?.[0]?.message ?? '', /default\/api, which is older/)
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push((await ask('paths', '/api/x')).status)
    assert.deepEqual(statuses, [200, 200, 200, 429, 429])
    assert.equal((await ask('paths', '/apix')).status, 200)
    assert.match((await ask('paths', '/api', '-i')).body, /retry-after: 20/i)
  })

  it('a limit per second lets as many through as it says, whatever comes', async (t) => {
    await create('rate', { service: 'paths', rateLimits: [{ requests: 30, per: 'Second' }] })
    await until('rate', ({ conditions }) => conditions?.[0]?.status === 'True')
    await stage.ingress('rate', {
      rules: [ingressRule(undefined, ['/rate', 'Prefix', 'paths'])],
    })
    await eventually('its route', async () => (await stage.curl(`http://${GATEWAY_ADDRESS}/rate`)).status !== 404)
    const load = stage.inside('load.ts', `http://${GATEWAY_ADDRESS}/rate`, '100', 'keep')
    await load.until(/asking/)
    const startMs = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 3000))
    await load.stop()
    const seconds = (performance.now() - startMs) / 1000
    const { sent, answered, failures } = JSON.parse(load.stdout.trim().split('\n').at(-1) ?? '') as {
      sent: number
      answered: number
      failures: Record<string, number>
    }
    t.diagnostic(`30 a second of 100, for ${seconds.toFixed(2)} s: ${answered} answered, ${JSON.stringify(failures)}`)
    // Those of the first moment come at once, the others as the period slides.
    assert.ok(answered <= 30 * (seconds + 1.3))
    assert.ok(answered + (failures['status 429'] ?? 0) < sent || answered >= 15 * seconds)
  })

  it('a limit by a header counts each of its values alone', async () => {
    await create('limited', { service: 'limited', rateLimits: [{ requests: 2, per: 'Hour', by: 'Header', header: 'x-user' }] })
    await until('limited', ({ conditions }) => conditions?.[0]?.status === 'True')
    const as = async (user: string): Promise<number> => (await ask('limited', '/', '-H', `x-user: ${user}`)).status
    const long = 'u'.repeat(300)
    for (const user of ['ann', 'bob', `${long}1`, `${long}2`])
      assert.deepEqual([await as(user), await as(user), await as(user)], [200, 200, 429])
  })

  it('an endpoint with one error after the other gets no requests, and the last ones always do', async () => {
    await create('many', {
      service: 'many',
      outliers: { consecutiveErrors: 3, ejectSeconds: 5, maximumEjectedPercent: 50 },
    })
    await until('many', ({ conditions }) => conditions?.[0]?.status === 'True')
    await mood(2, 'status=500')
    await mood(3, 'status=500')
    const ejected = async (): Promise<readonly string[]> => ((await get('many')).status?.ejected ?? []).map(({ address }) => address)
    // It comes back after a while, and is ejected again: what is asked is asked within one time.
    const [address = ''] = await eventually('requests without the ejected endpoint', async () => {
      await askOften('many', 6)
      const [before, { body: answers }, after] = [await ejected(), await askOften('many', 12), await ejected()]
      const [only, ...more] = before
      assert.deepEqual(more, [])
      const [ip = ''] = only?.split(':') ?? []
      return only !== undefined && after[0] === only && answers.includes(by(4)) && !answers.includes(`"${ip}"`) && [ip]
    })
    await mood(2, 'status=200')
    await mood(3, 'status=200')
    await until('many', ({ ejected: of = [] }) => of.length === 0)
    await eventually('its answer', async () => (await ask('many')).body.includes(`"${address}"`))
  })

  it('no more requests are at an endpoint than it may have, others wait for their turn, and then are turned away', async () => {
    await change('many', { outliers: null, concurrency: { perEndpoint: 2, queueMilliseconds: 4500 } })
    // Of 24 at once six are at an endpoint, and six more after those; twelve have waited for too long by then.
    await eventually('the limit', async () => {
      for (const pod of [2, 3, 4]) await mood(pod, 'ms=3000')
      const { body } = await askOften('many', 24, '-Z', '--parallel-immediate', '--max-time', '30')
      const at = await Promise.all([2, 3, 4].map(seen))
      return at.every(({ most }) => most === 2) && body.split('"by"').length - 1 === 12
    })
    for (const pod of [2, 3, 4]) await mood(pod, 'ms=0')
  })

  it('an endpoint that is new gets its share little by little', async (t) => {
    await stage.endpoints('many', [2, 3])
    await change('many', { concurrency: null, warmUpSeconds: WARM_UP_SECONDS })
    await eventually('two endpoints', async () => {
      const { body } = await askOften('many', 10)
      return body.includes(by(2)) && !body.includes(by(4))
    })
    // The two of them are warm.
    await new Promise((resolve) => setTimeout(resolve, (WARM_UP_SECONDS + 1) * 1000))
    const startMs = performance.now()
    const seconds = (): number => (performance.now() - startMs) / 1000
    await stage.endpoints('many', [2, 3, 4])
    await eventually('the third endpoint', async () => (await askOften('many', 40)).body.includes(by(4)))
    /** It is there since some moment before this one. */
    const seenAfter = seconds()
    // Beside two that have all of their weight it has as much of its own as of the time is over, and a sixteenth from the start.
    const shareAt = (at: number): number => {
      const weight = Math.min(1, Math.max(1 / 16, at / WARM_UP_SECONDS))
      return weight / (2 + weight)
    }
    while (seconds() < seenAfter + WARM_UP_SECONDS + 1.5) {
      for (const pod of [2, 3, 4]) await mood(pod, '')
      const from = seconds()
      await stage.tally('many.example', 600).ended
      const to = seconds()
      const [a, b, c] = await Promise.all([2, 3, 4].map(async (pod) => (await seen(pod)).seen))
      const share = (c ?? 0) / ((a ?? 0) + (b ?? 0) + (c ?? 0))
      const [least, most] = [from < seenAfter + 1.5 ? 0 : shareAt(from - seenAfter - 1.5), shareAt(to + 1.1)]
      t.diagnostic(
        `${from.toFixed(2)} to ${to.toFixed(2)} s: ${share.toFixed(3)}, by the formula ${least.toFixed(3)} to ${most.toFixed(3)}`,
      )
      // HAProxy counts whole seconds, and may hear of it a little late.
      assert.ok(share >= least - 0.02 && share <= most + 0.02)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  })
})
