import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { refs } from '#api'
import { eventually } from '#testing/basics'
import { GATEWAY_ADDRESS, HTTP_PORT, type Stage, ingressRule, makeStage, noGateway } from './gateway/stage.ts'

const skip = noGateway()

/** Whoever may write endpoints may write those of the gateway itself. */
describe('Services that lead back to the gateway', { skip: skip ?? false }, () => {
  let stage: Stage
  before(async () => {
    stage = await makeStage()
    await stage.service('open', [1])
    await stage.ingress('open', { rules: [ingressRule('open.example', ['/', 'Prefix', 'open'])] })
    await stage.service('ring', [])
    await stage.client.resource(refs.endpointslices).patch(
      stage.scope,
      { namespace: 'default', name: 'ring' },
      {
        type: 'merge',
        body: {
          ports: [{ name: 'web', port: HTTP_PORT, protocol: 'TCP' }],
          endpoints: [{ addresses: [GATEWAY_ADDRESS], conditions: { ready: true } }],
        },
      },
    )
    await stage.ingress('ring', { rules: [ingressRule('ring.example', ['/', 'Prefix', 'ring'])] })
  })
  after(() => stage.close())

  const status = async (host: string, ...args: readonly string[]): Promise<number> =>
    (await stage.curl('-H', `Host: ${host}.example`, ...args, `http://${GATEWAY_ADDRESS}/`)).status

  it('are answered after a few turns, and take nothing from others', async (t) => {
    await eventually('the open one', async () => (await status('open')) === 200)
    await eventually('the ring', async () => (await status('ring')) !== 404)
    const began = performance.now()
    assert.equal(await status('ring'), 508)
    assert.equal(await status('open'), 200)
    t.diagnostic(`${Math.round(performance.now() - began)} ms`)
  })

  it('are not taken for what has passed some other gateways', async () => {
    assert.equal(await status('open', '-H', 'CDN-Loop: one, two, three'), 200)
  })

  it('have no connections that nobody decrypts', async () => {
    const create = (plural: string, kind: string, spec: object): Promise<unknown> =>
      stage.client.raw(stage.scope, {
        method: 'POST',
        path: `/apis/gateway.networking.k8s.io/v1/namespaces/default/${plural}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name: 'ring' }, spec }),
      })
    await stage.service('secret-ring', [])
    const at = { namespace: 'default', name: 'secret-ring' }
    const back = {
      ports: [{ name: 'web', port: 443, protocol: 'TCP' }],
      endpoints: [{ addresses: [GATEWAY_ADDRESS], conditions: { ready: true } }],
    }
    await stage.client.resource(refs.endpointslices).patch(stage.scope, at, { type: 'merge', body: back })
    await create('gateways', 'Gateway', {
      gatewayClassName: 'sampan',
      listeners: [{ name: 'tls', port: 443, protocol: 'TLS', hostname: 'ring.example', tls: { mode: 'Passthrough' } }],
    })
    await create('tlsroutes', 'TLSRoute', {
      parentRefs: [{ name: 'ring' }],
      hostnames: ['ring.example'],
      rules: [{ backendRefs: [{ name: 'secret-ring', port: 80 }] }],
    })
    // Before the route is there the gateway answers itself; with it nobody does, at once.
    const secure = () => stage.curl('-k', '--max-time', '10', '--resolve', `ring.example:443:${GATEWAY_ADDRESS}`, 'https://ring.example/')
    const refused = await eventually('the connection to be refused', () =>
      secure().then(
        () => undefined,
        (error: unknown) => String(error),
      ),
    )
    assert.doesNotMatch(refused, /ended with 28/)
    assert.equal(await status('open'), 200)
  })
})
