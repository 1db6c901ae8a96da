import assert from 'node:assert/strict'
import { request } from 'node:https'
import { after, before, describe, it } from 'node:test'
import type { Logger } from '#base'
import { eventually } from '#testing'
import { GATEWAY_ADDRESS, type Stage, ingressRule, makeStage, noGateway } from './gateway/stage.ts'

const skip = noGateway()

/** What a real HAProxy says of its requests, as it is counted. */
describe('measurements of the gateway', { skip: skip ?? false }, () => {
  let stage: Stage
  const said: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = []
  const log: Logger = {
    debug: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    info: (message, fields = {}) => void said.push({ message, fields }),
    with: () => log,
  }
  before(async () => {
    stage = await makeStage({ log })
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

  it('tells of the requests of a route that wants it, one by one, whoever has answered them', async () => {
    await stage.ingress(
      'seen',
      { rules: [ingressRule('seen.example', ['/', 'Prefix', 'one'], ['/none', 'Prefix', 'gone'])] },
      { annotations: { 'sampan.io/access-log': 'true' } },
    )
    const lines = () => said.flatMap(({ message, fields }) => (message === 'request' ? [fields] : []))
    await eventually('the route', async () => (await ask('seen.example')) === 200)
    const asked = (path: string, ...args: readonly string[]) =>
      stage.curl(...args, '-H', 'Host: seen.example:80', '--path-as-is', `http://${GATEWAY_ADDRESS}${path}`)
    const evil = '/a%22%0a{"level":"info"}'
    assert.equal((await asked(`${evil}?token=secret`, '-g', '-H', 'X-Request-Id: my-1.x')).status, 200)
    assert.equal((await asked('/none/b', '-X', 'POST', '-d', 'x', '-H', 'X-Request-Id: a b"')).status, 503)
    const [first, second] = await eventually('the lines', () => {
      const found = ['/a%22', '/none'].map((path) => lines().find((line) => String(line['path']).startsWith(path)))
      return found.every((line) => line !== undefined) && found
    })
    const { ms, endpoint, ...rest } = first ?? {}
    assert.deepEqual(rest, {
      route: 'Ingress default/seen',
      id: 'my-1.x',
      client: GATEWAY_ADDRESS,
      method: 'GET',
      host: 'seen.example:80',
      path: evil,
      status: 200,
      service: 'default/one',
    })
    assert.ok(typeof ms === 'number' && ms > 0)
    assert.match(String(endpoint), /^10\.88\.0\.[23]:8080$/)
    assert.deepEqual(
      [second?.['status'], second?.['method'], second?.['service'], second?.['endpoint']],
      [503, 'POST', 'default/gone', undefined],
    )
    // What is no word is no id.
    assert.match(String(second?.['id']), /^[0-9a-f]{32}$/)
    const [route, ...others] = stage.gateway.observedRoutes()
    assert.deepEqual([route?.kind, route?.key, others], ['Ingress', 'default/seen', []])
    assert.deepEqual([route?.counts.classes[5], (route?.counts.classes[2] ?? 0) >= 2], [1, true])
    assert.equal(
      lines().every(({ route: of }) => of === 'Ingress default/seen'),
      true,
    )
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
