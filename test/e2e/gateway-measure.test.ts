import assert from 'node:assert/strict'
import { request } from 'node:https'
import { after, before, describe, it } from 'node:test'
import { eventually } from '#testing'
import { GATEWAY_ADDRESS, type Stage, ingressRule, makeStage, noGateway } from './gateway/stage.ts'

const skip = noGateway()

/** What a real HAProxy says of its requests, as it is counted. */
describe('measurements of the gateway', { skip: skip ?? false }, () => {
  let stage: Stage
  before(async () => {
    stage = await makeStage()
    await stage.service('one', [1, 2])
    await stage.service('gone', [])
    await stage.ingress('one', {
      rules: [ingressRule('one.example', ['/', 'Prefix', 'one'])],
    })
    await stage.ingress('gone', {
      rules: [ingressRule('gone.example', ['/', 'Prefix', 'gone'])],
    })
    await eventually('the routes', async () => (await ask('gone.example')) === 503 && (await ask('one.example')) === 200)
  })
  after(() => stage.close())
  const ask = async (host: string, path = '/'): Promise<number> =>
    (await stage.curl('-H', `Host: ${host}`, `http://${GATEWAY_ADDRESS}${path}`)).status
  const counts = (service: string) => stage.gateway.measurements.ofService(`default/${service}`)

  it('counts every request of a Service once, and those that reach nobody as errors', async () => {
    // What was asked before all of it was there may have been an error.
    const [{ requests: before, errors }, beforeGone] = [counts('one'), counts('gone').requests]
    assert.equal(await stage.tally('one.example', 2000).ended, 0)
    for (let i = 0; i < 5; i++) assert.equal(await ask('gone.example'), 503)
    await eventually('the lines', () => counts('one').requests >= before + 2000 && counts('gone').requests >= beforeGone + 5)
    assert.equal(counts('one').errors, errors)
    assert.equal(counts('gone').requests, counts('gone').errors)
    assert.equal(counts('gone').failed, counts('gone').errors)
    const byPod = [...stage.gateway.measurements.ofPods(new Set(['10.88.0.2', '10.88.0.3'])).values()].map(({ requests }) => requests)
    assert.equal(byPod.length, 2)
    assert.equal(
      byPod.reduce((sum, one) => sum + one, 0),
      counts('one').requests,
    )
  })

  it('goes on counting over a change of the process, and after the gateway was killed', async () => {
    await stage.again()
    const before = counts('one').requests
    for (let i = 0; i < 20; i++) assert.equal(await ask('one.example'), 200)
    await eventually('the lines', () => counts('one').requests === before + 20)
  })

  it('tells nobody who does not say who he is', async () => {
    const port = stage.gateway.measurePort ?? assert.fail('measurements are not served')
    const status = await new Promise<number | undefined>((resolve, reject) =>
      request({ host: '127.0.0.1', port, path: '/metrics', rejectUnauthorized: false }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end(),
    )
    assert.equal(status, 401)
  })
})
