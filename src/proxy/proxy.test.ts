import assert from 'node:assert/strict'
import { get } from 'node:http'
import { test } from 'node:test'
import { type Scope, rootScope } from '#base'
import { type core, type discovery, refs } from '#api'
import { type Client, createClient, inProcessTransport } from '#client'
import { createInformers } from '#reconcile'
import { createFakeApi } from '#testing'
import { eventually, freePort, manualClock } from '#testing/basics'
import { type Kernel, KernelRefused } from './kernel/kernel.ts'
import { type RunningProxy, releaseProxy, startProxy } from './proxy.ts'

/** Records what it is told; refuses as often as it is asked to. */
class Recorder implements Kernel {
  readonly transactions: string[] = []
  readonly forgotten: string[] = []
  udpConnections = ''
  refusals = 0
  /** Undefined: there is no table. */
  listing: string | undefined = '{"nftables": []}'

  async nft(_: Scope, commands: string): Promise<void> {
    await Promise.resolve()
    if (this.refusals-- > 0) throw new KernelRefused('no')
    this.transactions.push(commands)
  }
  async list(): Promise<string | undefined> {
    return this.listing
  }
  async conntrack(_: Scope, args: readonly string[]): Promise<string> {
    if (args[0] === '-L') return this.udpConnections
    this.forgotten.push(args.join(' '))
    return ''
  }
  async setting(): Promise<string> {
    return '1'
  }
}

interface Running {
  readonly kernel: Recorder
  readonly proxy: RunningProxy
  readonly client: Client
}

async function running(
  scope: Scope,
  prepare: (client: Client, kernel: Recorder) => Promise<void> = async () => undefined,
): Promise<Running> {
  const client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
  const kernel = new Recorder()
  await prepare(client, kernel)
  const informers = createInformers(client)
  const proxy = startProxy(scope, { informers, nodeName: 'n1', table: 't', kernel })
  await informers.start(scope)
  await proxy.settled()
  return { kernel, proxy, client }
}

const service = (name: string, spec: core.ServiceSpec = {}): core.Service => ({
  metadata: { name, namespace: 'x' },
  spec: { clusterIP: '10.96.0.1', ports: [{ port: 80, protocol: 'UDP' }], ...spec },
})
const slice = (name: string, ...addresses: readonly string[]): discovery.EndpointSlice => ({
  metadata: { name, namespace: 'x', labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ port: 80, protocol: 'UDP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName: 'n1' })),
})

test('replaces the table at the start, then sends only what is different, and nothing for what changes nothing', async () => {
  using scope = rootScope()
  const { kernel, proxy, client } = await running(scope, async (api) => {
    await api.resource(refs.services).create(rootScope(), service('a'))
  })
  assert.equal(kernel.transactions.length, 1)
  assert.match(kernel.transactions[0] ?? '', /^add table ip t\ndelete table ip t\n/)
  await client.resource(refs.endpointslices).create(scope, slice('a', '10.244.0.1'))
  await eventually('the endpoint', () => kernel.transactions.length === 2)
  assert.match(kernel.transactions[1] ?? '', /add element ip t n1 \{ 10\.96\.0\.1 \. udp \. 80 \. 0 : 10\.244\.0\.1 \. 80 \}/)
  assert.doesNotMatch(kernel.transactions[1] ?? '', /delete table/)
  await eventually('the connections', () => kernel.forgotten.length === 1)
  await client.resource(refs.endpointslices).create(scope, slice('other', '10.244.0.9'))
  await proxy.settled()
  assert.deepEqual([kernel.transactions.length, proxy.stats().replacements, proxy.stats().services], [2, 1, 1])
})

test('a new Service that selects pods is told to the kernel together with its endpoints; without any it refuses soon', async () => {
  using scope = rootScope()
  const { kernel, proxy, client } = await running(scope)
  const selecting = (name: string, clusterIP: string): core.Service => service(name, { clusterIP, selector: { app: name } })
  await client.resource(refs.services).create(scope, selecting('a', '10.96.0.1'))
  await client.resource(refs.endpointslices).create(scope, slice('a', '10.244.0.1'))
  await eventually('the endpoint', () => kernel.transactions.at(-1)?.includes('10.244.0.1') === true)
  assert.equal(kernel.transactions.length, 2)
  await client.resource(refs.services).create(scope, selecting('b', '10.96.0.2'))
  await eventually('the refusal', () => kernel.transactions.at(-1)?.includes('refused { 10.96.0.2 ') === true)
  await client.resource(refs.services).create(scope, selecting('c', '10.96.0.3'))
  await eventually('it is known', () => proxy.stats().services === 3)
  await proxy.settled()
})

test('packets to addresses of Services that no Service has go nowhere: as the ranges are now', async () => {
  using scope = rootScope()
  const { kernel, proxy, client } = await running(scope, async (api) => {
    await api
      .resource(refs.servicecidrs)
      .create(rootScope(), { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/16', 'fd00::/112'] } })
  })
  const ranges = (): string => /set service-networks \{[^}]*elements = \{ (.*) \}; \}/.exec(kernel.transactions.at(-1) ?? '')?.[1] ?? ''
  await eventually('the first range', () => ranges() === '10.96.0.0/16')
  await client.resource(refs.servicecidrs).create(scope, { metadata: { name: 'more' }, spec: { cidrs: ['10.98.0.0/24'] } })
  await eventually('the second range', () => ranges() === '10.96.0.0/16, 10.98.0.0/24')
  await proxy.settled()
  await client.resource(refs.servicecidrs).delete(scope, { name: 'more' })
  await eventually('the second range is gone', () => ranges() === '10.96.0.0/16')
  assert.equal(proxy.stats().failures, 0)
})

test('a refused change is followed by a replacement at once; a refused replacement is tried again', async () => {
  using scope = rootScope()
  const { kernel, proxy, client } = await running(scope)
  kernel.refusals = 1
  await client.resource(refs.services).create(scope, service('a'))
  await eventually('the replacement', () => proxy.stats().replacements === 2)
  assert.equal(proxy.stats().failures, 1)
  assert.match(kernel.transactions.at(-1) ?? '', /^add table ip t\n[^]*10\.96\.0\.1/)
  kernel.refusals = 2
  await client.resource(refs.services).create(scope, service('b', { clusterIP: '10.96.0.2' }))
  await eventually('the second replacement', () => proxy.stats().replacements === 3)
  await proxy.settled()
  assert.match(kernel.transactions.at(-1) ?? '', /10\.96\.0\.2/)
})

test('rules that others have changed or taken away are replaced after a while, and others are left alone', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  const { kernel, proxy, client } = await running(scope)
  await eventually('an audit', () => {
    clock.advance(30_000)
    return proxy.stats().drift === 0
  })
  assert.equal(proxy.stats().replacements, 1)
  const isReplacement = (commands: string | undefined): boolean => commands?.startsWith('add table ip t\n') === true
  kernel.listing = undefined
  await eventually('the replacement of a table that is gone', () => {
    clock.advance(30_000)
    return kernel.transactions.length > 1
  })
  assert.equal(isReplacement(kernel.transactions[1]), true)
  kernel.listing = '{"nftables": []}'
  await client.resource(refs.services).create(scope, service('a'))
  await eventually('the replacement of a table that has lost its elements', () => {
    clock.advance(30_000)
    const last = kernel.transactions.at(-1)
    return isReplacement(last) && last?.includes('10.96.0.1') === true
  })
})

test('at the start, UDP connections that lead to no endpoint of their Service are forgotten, and no others', async () => {
  using scope = rootScope()
  const line = (to: string, port: number, by: string): string =>
    `udp      17 28 src=10.244.0.7 dst=${to} sport=40000 dport=${port} src=${by} dst=10.244.0.7 sport=80 dport=40000 [ASSURED] mark=0 use=1`
  const { kernel } = await running(scope, async (api, recorder) => {
    await api.resource(refs.services).create(rootScope(), service('a', { ports: [{ port: 80, protocol: 'UDP', nodePort: 30_000 }] }))
    await api.resource(refs.endpointslices).create(rootScope(), slice('a', '10.244.0.1'))
    recorder.udpConnections = [
      line('10.96.0.1', 80, '10.244.0.1'),
      line('10.96.0.1', 80, '10.244.0.2'),
      line('10.96.0.9', 80, '10.244.0.2'),
      line('192.168.0.1', 30_000, '10.244.0.3'),
      'udp      17 28 src=10.244.0.7 dst=10.96.0.1 sport=40001 dport=80 [UNREPLIED] src=10.96.0.1 dst=10.244.0.7 sport=80 dport=40001 mark=0 use=1',
      '',
    ].join('\n')
  })
  await eventually('the clean-up', () => kernel.forgotten.length === 3)
  const gone = (to: string, port: number, from: number): string =>
    `-D -p udp --orig-src 10.244.0.7 --orig-dst ${to} --orig-port-src ${from} --orig-port-dst ${port}`
  assert.deepEqual(kernel.forgotten, [gone('10.96.0.1', 80, 40_000), gone('192.168.0.1', 30_000, 40_000), gone('10.96.0.1', 80, 40_001)])
})

test('load balancers are told how many ready endpoints of a Local Service are here', async () => {
  using scope = rootScope()
  const port = await freePort()
  const { client } = await running(scope, async (api) => {
    const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: port }
    await api.resource(refs.services).create(rootScope(), service('a', spec))
  })
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      get({ port, agent: false }, (response) => {
        let body = ''
        response.on('data', (chunk) => (body += String(chunk)))
        response.on('end', () => resolve(`${response.statusCode} ${response.headers['x-load-balancing-endpoint-weight']} ${body}`))
      }).on('error', reject)
    })
  const body = (count: number): string => `{"service":{"namespace":"x","name":"a"},"localEndpoints":${count},"serviceProxyHealthy":true}`
  await eventually('none', async () => (await ask()) === `503 0 ${body(0)}`)
  await client.resource(refs.endpointslices).create(scope, slice('a', '10.244.0.1', '10.244.0.2'))
  await eventually('two', async () => (await ask()) === `200 2 ${body(2)}`)
  await client.resource(refs.services).delete(scope, { namespace: 'x', name: 'a' })
  await eventually('closed', () =>
    ask().then(
      () => false,
      () => true,
    ),
  )
})

test('what waits for a proxy that stops is told so', async () => {
  const scope = rootScope()
  const { proxy } = await running(scope)
  scope.cancel()
  await assert.rejects(proxy.settled())
})

test('releasing takes the table away, whether it is there or not', async () => {
  const kernel = new Recorder()
  await releaseProxy(rootScope(), kernel, 't')
  assert.deepEqual(kernel.transactions, ['add table ip t\ndelete table ip t\n'])
})

test('endpoints that are only to be looked up are led nowhere, from when the label is there until it goes', async () => {
  using scope = rootScope()
  const { kernel, proxy, client } = await running(scope, async (api) => {
    await api.resource(refs.services).create(rootScope(), service('a'))
    await api.resource(refs.endpointslices).create(rootScope(), slice('a', '10.244.0.7'))
  })
  const slices = client.resource(refs.endpointslices)
  const label = async (value: string | null): Promise<void> => {
    const before = kernel.transactions.length
    const body = { metadata: { labels: { 'service.kubernetes.io/headless': value } } }
    await slices.patch(scope, { namespace: 'x', name: 'a' }, { type: 'merge', body })
    await eventually('it is told', async () => kernel.transactions.length > before)
    await proxy.settled()
  }
  assert.match(kernel.transactions.join(''), /10\.244\.0\.7/)
  await label('')
  assert.match(kernel.transactions.at(-1) ?? '', /delete element/)
  await label(null)
  assert.match(kernel.transactions.at(-1) ?? '', /10\.244\.0\.7/)
})
