import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createAuthority } from '#base'
import { type KubeObject, type ResourceRef, refs } from '#api'
import { eventually } from '#testing/basics'
import { GATEWAY_ADDRESS, POD_PORT, type Stage, ingressRule, makeStage, noGateway, podAddress, serverLeaf } from './gateway/stage.ts'

interface Judged extends KubeObject {
  readonly status?: {
    readonly addresses?: readonly { readonly value: string }[]
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
  }
}

const DAY_MS = 86_400_000
const [ONE, TWO] = ['10.88.1.1', '10.88.1.2']
const skip = noGateway()
const kind = (name: string, plural: string): ResourceRef<Judged> => ({
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: name,
  plural,
  namespaced: true,
})
const gateways = kind('Gateway', 'gateways')
const httpRoutes = kind('HTTPRoute', 'httproutes')
const tlsRoutes = kind('TLSRoute', 'tlsroutes')

/** Gateways with addresses of their own beside those that share one, through a real HAProxy. The tests build on each other, in this order. */
describe('addresses of Gateways', { skip: skip ?? false }, () => {
  let stage: Stage
  before(async () => {
    stage = await makeStage({ ownAddresses: [ONE, TWO] })
    await stage.service('one', [1])
    await stage.service('two', [2])
  })
  after(() => stage.close())

  const make = (ref: ResourceRef<Judged>, name: string, spec: object): Promise<Judged> =>
    stage.client.resource(ref).create(stage.scope, { metadata: { name, namespace: 'default' }, spec } as unknown as Judged)
  const gateway = (name: string, more: object, ...listeners: readonly object[]): Promise<Judged> =>
    make(gateways, name, { gatewayClassName: 'sampan', listeners, ...more })
  const served = (name: string): Promise<string> =>
    eventually(`${name} to be served`, async () => {
      const { status } = await stage.client.resource(gateways).get(stage.scope, { namespace: 'default', name })
      return (
        status?.conditions?.some(({ type, status: is }) => type === 'Programmed' && is === 'True') === true && status.addresses?.[0]?.value
      )
    })
  const route = (name: string, parent: string, service: string): Promise<Judged> =>
    make(httpRoutes, name, {
      parentRefs: [{ name: parent }],
      hostnames: ['shop.example'],
      rules: [{ backendRefs: [{ name: service, port: 80 }] }],
    })
  const ask = (address: string, ...args: readonly string[]): Promise<{ readonly status: number; readonly body: string }> =>
    stage.curl('-H', 'Host: shop.example', ...args, `http://${address}/`)
  const http = { name: 'http', port: 80, protocol: 'HTTP' }

  it('keeps apart what is for one host at several addresses', async () => {
    await gateway('first', {}, http)
    assert.equal(await served('first'), ONE)
    await gateway('shared', { addresses: [{ value: GATEWAY_ADDRESS }] }, http)
    assert.equal(await served('shared'), GATEWAY_ADDRESS)
    await route('first', 'first', 'one')
    await route('shared', 'shared', 'two')
    await eventually('the first', async () => (await ask(ONE)).body.includes(podAddress(1)))
    await eventually('the shared one', async () => (await ask(GATEWAY_ADDRESS)).body.includes(podAddress(2)))
    // An Ingress is where all others are, and nowhere else.
    await stage.ingress('other', { rules: [ingressRule('ingress.example', ['/', 'Prefix', 'one'])] })
    const other = (address: string) => stage.curl('-H', 'Host: ingress.example', `http://${address}/`)
    await eventually('the Ingress', async () => (await other(GATEWAY_ADDRESS)).status === 200)
    assert.equal((await other(ONE)).status, 404)
    assert.equal((await stage.curl('-H', `Host: ${ONE}:80:shop.example`, `http://${GATEWAY_ADDRESS}/`)).status, 404)
  })

  it('does not serve at an own address what its Gateway has no listener for', async () => {
    const secure = (address: string) => stage.curl('-k', '--resolve', `shop.example:443:${address}`, 'https://shop.example/')
    assert.equal((await secure(GATEWAY_ADDRESS)).status, 404)
    await assert.rejects(secure(ONE))
    await assert.rejects(ask(TWO))
  })

  it('refuses connections for names that no TLSRoute is for, whatever listeners others have', async () => {
    const authority = await createAuthority(stage.scope, 'test', DAY_MS)
    const leaf = await serverLeaf(stage, authority, 'pass', ['*.pass.example'])
    await stage.pod('echo-tls.ts', leaf.file, `${podAddress(3)}:8443`)
    await stage.client.resource(refs.services).create(stage.scope, {
      metadata: { name: 'tls', namespace: 'default' },
      spec: { ports: [{ name: 'web', port: 443, protocol: 'TCP' }] },
    })
    await stage.client.resource(refs.endpointslices).create(stage.scope, {
      metadata: { name: 'tls', namespace: 'default', labels: { 'kubernetes.io/service-name': 'tls' } },
      addressType: 'IPv4',
      ports: [{ name: 'web', port: 8443, protocol: 'TCP' }],
      endpoints: [{ addresses: [podAddress(3)], conditions: { ready: true } }],
    })
    await gateway('pass', {}, { name: 'tls', port: 443, protocol: 'TLS', tls: { mode: 'Passthrough' } })
    assert.equal(await served('pass'), TWO)
    await make(tlsRoutes, 'pass', {
      parentRefs: [{ name: 'pass' }],
      hostnames: ['*.pass.example'],
      rules: [{ backendRefs: [{ name: 'tls', port: 443 }] }],
    })
    const there = (host: string) => stage.curl('-k', '--resolve', `${host}:443:${TWO}`, `https://${host}/`)
    await eventually('passthrough', async () => (await there('a.pass.example').catch(() => undefined))?.body.includes(podAddress(3)))
    await assert.rejects(there('other.example'))
    assert.equal((await stage.curl('-k', '--resolve', `other.example:443:${GATEWAY_ADDRESS}`, 'https://other.example/')).status, 404)
  })

  it('tells who wants what another one has, and keeps all where they are over a restart', async () => {
    await gateway('late', { addresses: [{ type: 'IPAddress', value: ONE }] }, { ...http, port: POD_PORT })
    await eventually('the late one to be told', async () => {
      const { status } = await stage.client.resource(gateways).get(stage.scope, { namespace: 'default', name: 'late' })
      return status?.conditions?.some(({ reason }) => reason === 'AddressNotUsable') === true && status.addresses?.length === 0
    })
    await stage.client.resource(gateways).delete(stage.scope, { namespace: 'default', name: 'first' })
    await eventually('the first one to be gone', async () => (await ask(ONE).catch(() => undefined))?.status !== 200)
    // Now that it is free, it is his who asked for it.
    assert.equal(await served('late'), ONE)
    await stage.again()
    for (const [name, address] of [
      ['late', ONE],
      ['pass', TWO],
      ['shared', GATEWAY_ADDRESS],
    ] as const)
      assert.equal(await served(name), address)
  })
})
