import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Gateway, keyOf } from './kinds.ts'
import { apiModel, gatewayWith, http, meta } from './world.fixture.ts'

const [SHARED, ONE, TWO] = ['10.0.0.1', '10.0.1.1', '10.0.1.2']
const made = (name: string, day: number, ...values: readonly (string | undefined)[]): Gateway => ({
  metadata: meta(name, 'x', `2026-01-0${day}T00:00:00Z`),
  spec: {
    gatewayClassName: 'sampan',
    listeners: [http('http')],
    ...(values.length === 0 ? {} : { addresses: values.map((value) => ({ type: 'IPAddress', value })) }),
  },
})
const servedAt = (gateways: readonly Gateway[], before: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(
    apiModel({ gateways, ownAddresses: [ONE, TWO], addressBefore: (gateway) => before[keyOf(gateway)] }).gateways.map(
      ({ gateway, address }) => [gateway.metadata?.name, address],
    ),
  )
const programmed = (gateways: readonly Gateway[], name: string) =>
  apiModel({ gateways, ownAddresses: [ONE, TWO] }).gateways.find(({ key }) => key === `x/${name}`)?.verdicts[1]

test('each Gateway has an address of its own for as long as there are any, the older first; then they share one', () => {
  assert.deepEqual(servedAt([made('d', 4), made('c', 3), made('b', 2), made('a', 1)]), { a: ONE, b: TWO, c: SHARED, d: SHARED })
  // An address without a value is any.
  assert.deepEqual(servedAt([made('a', 1, undefined), made('b', 2, '')]), { a: ONE, b: TWO })
  assert.deepEqual(apiModel({ gateways: [made('a', 1)] }).gateways[0]?.address, SHARED)
})

test('nobody is moved by what others do', () => {
  assert.deepEqual(servedAt([made('a', 1), made('b', 2)], { 'x/b': ONE }), { a: TWO, b: ONE })
  // What has become free is for those who come.
  assert.deepEqual(servedAt([made('a', 1), made('b', 2)], { 'x/a': SHARED }), { a: SHARED, b: ONE })
  // Who names what another one has does not get it, older or not.
  assert.deepEqual(servedAt([made('a', 1, ONE), made('b', 2)], { 'x/b': ONE }), { a: undefined, b: ONE })
  // An address that is no more is nobody's.
  assert.deepEqual(servedAt([made('a', 1)], { 'x/a': '10.0.9.9' }), { a: ONE })
})

test('who names an address has it before who names none', () => {
  assert.deepEqual(servedAt([made('a', 1), made('b', 2, ONE)]), { a: TWO, b: ONE })
  assert.deepEqual(servedAt([made('a', 1, SHARED), made('b', 2, SHARED)]), { a: SHARED, b: SHARED })
})

test('who cannot have what he names is served nowhere, and told why', () => {
  const [older, younger] = [made('a', 1, ONE), made('b', 2, ONE)]
  assert.deepEqual(servedAt([older, younger]), { a: ONE, b: undefined })
  assert.deepEqual(programmed([older, younger], 'b'), {
    type: 'Programmed',
    status: 'False',
    reason: 'AddressNotUsable',
    message: '10.0.1.1 is the address of the Gateway x/a',
  })
  assert.match(programmed([made('a', 1, '10.9.9.9')], 'a')?.message ?? '', /^10\.9\.9\.9 is no address of this gateway: 10\.0\.0\.1, 10\.0/)
  // Of several it has the first that it can have.
  const both = made('a', 1, '10.9.9.9', TWO)
  assert.deepEqual(servedAt([both]), { a: TWO })
  assert.equal(programmed([both], 'a')?.reason, 'AddressNotUsable')
  assert.match(programmed([made('a', 1, ONE, TWO)], 'a')?.message ?? '', /a Gateway has one address, and this one is at 10\.0\.1\.1/)
  const { listeners } = apiModel({ gateways: [older, younger], ownAddresses: [ONE] }).gateways[1] ?? { listeners: [] }
  assert.deepEqual(
    listeners.map(({ isServed }) => isServed),
    [false],
  )
})

test('the same port and host of Gateways with addresses of their own are two places', () => {
  const secure: Gateway = { ...made('b', 2), spec: { gatewayClassName: 'sampan', listeners: [http('odd', { port: 443 })] } }
  const { model, gateways } = apiModel({
    gateways: [made('a', 1), secure, gatewayWith('c', http('http'))],
    ownAddresses: [ONE, TWO],
    addressBefore: (gateway) => ({ 'x/a': ONE, 'x/b': TWO })[keyOf(gateway)],
    httpRoutes: ['a', 'c'].map((name) => ({
      metadata: meta(name),
      spec: { parentRefs: [{ name }], hostnames: ['h.example'], rules: [{ backendRefs: [{ name: 'a', port: 80 }] }] },
    })),
  })
  assert.deepEqual([...model.routeKeys('prefix')].sort(), ['10.0.1.1:80:h.example/', 'h.example/'])
  // Nothing else is at that port there: not even Ingresses.
  assert.ok(gateways.every(({ verdicts }) => verdicts.every(({ status }) => status === 'True')))
  assert.deepEqual(model.ports(), [
    { address: ONE, port: 80, kind: 'http' },
    { address: TWO, port: 443, kind: 'http' },
  ])
})
