import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StatusError } from '#api'
import { createClient, inProcessTransport } from '#client'
import { testApiServer } from '#testing'
import { installTrafficPolicies } from './install.ts'
import { type TrafficPolicy, trafficRef } from './policy.ts'

describe('the kind TrafficPolicy', () => {
  test('fills in what is not said, and says what is wrong', async (t) => {
    const api = await testApiServer()
    t.after(() => api.close())
    const client = createClient({ transport: inProcessTransport(api.server.handler) })
    assert.equal(await installTrafficPolicies(api.scope, client), true)
    assert.equal(await installTrafficPolicies(api.scope, client), true)
    const resource = client.resource(trafficRef)
    let turn = 0
    const create = (spec: object): Promise<TrafficPolicy> =>
      resource.create(api.scope, {
        apiVersion: 'gateway.sampan.io/v1alpha1',
        kind: 'TrafficPolicy',
        metadata: { name: `p${turn++}`, namespace: 'default' },
        spec: { service: 'shop', ...spec },
      } as TrafficPolicy)
    const { spec } = await create({
      breaker: { rules: [{ type: 'ErrorRatio', ratio: 0.5 }] },
      rateLimits: [{ requests: 5, per: 'Second' }],
    })
    assert.deepEqual(spec.breaker, {
      rules: [{ type: 'ErrorRatio', ratio: 0.5 }],
      windowSeconds: 10,
      minimumRequests: 20,
      openSeconds: 30,
      probes: 3,
      fallback: { status: 503, contentType: 'text/plain', body: '' },
    })
    assert.deepEqual(spec.rateLimits, [{ requests: 5, per: 'Second', by: 'Service' }])
    const rules = [{ type: 'ErrorCount', count: 1 }]
    for (const [wrong, said] of [
      [{}, /it says nothing/],
      [{ breaker: { rules: [{ type: 'ErrorCount', ratio: 1 }] } }, /ErrorCount has count/],
      [{ breaker: { rules: [{ type: 'SlowRatio', ratio: 1 }] } }, /SlowRatio has slowMilliseconds/],
      [{ breaker: { rules: [...rules, ...rules] } }, /Duplicate value/],
      [{ breaker: { rules: [{ type: 'Latency' }] } }, /Unsupported value/],
      [{ breaker: { rules, fallback: { body: 'x'.repeat(1025) } } }, /Too long/],
      [{ breaker: { rules, fallback: { contentType: 'text/plain\r\nx: y' } } }, /should match/],
      [{ paths: ['/a'], warmUpSeconds: 5 }, /are of a whole Service/],
      [{ paths: ['/a b'], breaker: { rules } }, /should match/],
      [{ rateLimits: [{ requests: 1, per: 'Second', by: 'Header' }] }, /by Header needs/],
      [{ rateLimits: [{ requests: 1, per: 'Day' }] }, /Unsupported value/],
    ] as const)
      await assert.rejects(create(wrong), (error) => error instanceof StatusError && said.test(error.message), JSON.stringify(wrong))
    await assert.rejects(
      resource.patch(api.scope, { namespace: 'default', name: 'p0' }, { type: 'merge', body: { spec: { service: 'other' } } }),
      /another Service is another policy/,
    )
  })
})
