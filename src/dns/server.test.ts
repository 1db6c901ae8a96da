import assert from 'node:assert/strict'
import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { type Answer, type DecodedPacket, type Packet, decode, encode } from 'dns-packet'
import { type Clock, type Scope, rootScope, systemClock } from '#base'
import { refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createInformers } from '#reconcile'
import { createFakeApi } from '#testing'
import { type Upstream, askUdp, framed } from './ask.ts'
import { AgingCache } from './cache.ts'
import { createForwarder } from './forward.ts'
import { type Query, RCODE, readQuery } from './message.ts'
import { listenBoth } from './listen.ts'
import { createOutside } from './outside.ts'
import { startDns } from './server.ts'
import { NOTHING_SAID } from './stub-domains.ts'

const HOST = '127.0.0.1'
const question = (name: string, over: Packet = {}): Buffer =>
  encode({ type: 'query', id: 5, flags: 0x0100, questions: [{ type: 'A', name }], ...over })

function asQuery(raw: Buffer): Query {
  const found = readQuery(raw)
  return found !== undefined && 'question' in found ? found : assert.fail('no query')
}

class HandClock implements Clock {
  ms = 0
  now = (): number => this.ms
  monotonic = (): number => this.ms
  after: Clock['after'] = (delayMs, run, options) => systemClock.after(delayMs, run, options)
}

/** A name server on loopback that answers as it is told, with the question's id. */
async function upstream(
  scope: Scope,
  answer: (asked: DecodedPacket, count: number) => Packet | undefined,
): Promise<Upstream & { count(): number }> {
  let count = 0
  const port = await listenBoth(scope, HOST, 0, async (raw) => {
    const asked = decode(raw)
    const said = answer(asked, ++count)
    return said === undefined ? undefined : encode({ type: 'response', id: asked.id ?? 0, questions: asked.questions ?? [], ...said })
  })
  return { address: HOST, port, count: () => count }
}

const address = (name: string, ttl = 60): Answer => ({ type: 'A', name, ttl, data: '192.0.2.1' })

test('keeps answers for as long as they live, ages them, and hands each asker its own id and spelling', async () => {
  const clock = new HandClock()
  using scope = rootScope({ clock })
  const other = await upstream(scope, (asked) => ({ answers: [address(asked.questions?.[0]?.name ?? '', 20)] }))
  const forwarder = createForwarder(scope, [other])
  const first = decode((await forwarder.forward(scope, asQuery(question('Example.com')), 'udp')) ?? Buffer.alloc(0))
  clock.ms = 8000
  const raw = encode({ type: 'query', id: 9, flags: 0x0100, questions: [{ type: 'A', name: 'eXample.COM' }] })
  const second = decode((await forwarder.forward(scope, asQuery(raw), 'udp')) ?? Buffer.alloc(0))
  assert.deepEqual([first.id, first.questions?.[0]?.name, second.id, second.questions?.[0]?.name], [5, 'Example.com', 9, 'eXample.COM'])
  assert.deepEqual(
    [first, second].map(({ answers }) => answers?.map((record) => 'ttl' in record && record.ttl)),
    [[20], [12]],
  )
  clock.ms = 21_000
  await forwarder.forward(scope, asQuery(raw), 'udp')
  assert.equal(other.count(), 2)
  assert.deepEqual(forwarder.stats(), { forwarded: 2, fromCache: 1, unanswered: 0 })
})

test('keeps that a name is not there as its SOA says, and failures not at all', async () => {
  const clock = new HandClock()
  using scope = rootScope({ clock })
  const soa: Answer = {
    type: 'SOA',
    name: 'com',
    ttl: 300,
    data: { mname: 'm', rname: 'r', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 5 },
  }
  const other = await upstream(scope, (asked) =>
    asked.questions?.[0]?.name === 'gone.com' ? { flags: 3, authorities: [soa] } : { flags: 2 },
  )
  const forwarder = createForwarder(scope, [other])
  const ask = async (name: string): Promise<void> => void (await forwarder.forward(scope, asQuery(question(name)), 'udp'))
  await ask('gone.com')
  await ask('gone.com')
  assert.equal(other.count(), 1)
  clock.ms = 5001
  await ask('gone.com')
  assert.equal(other.count(), 2)
  await ask('fails.com')
  await ask('fails.com')
  assert.equal(other.count(), 4)
})

test('asks the next server when one refuses the packet, and stays with the one that answers; answers to other questions are passed over', async () => {
  using scope = rootScope()
  const closed = createSocket('udp4').bind(0, HOST)
  await once(closed, 'listening')
  const dead = { address: HOST, port: closed.address().port }
  await new Promise<void>((resolve) => closed.close(resolve))
  const alive = await upstream(scope, (asked) => ({ answers: [address(asked.questions?.[0]?.name ?? '', 0)] }))
  const forwarder = createForwarder(scope, [dead, alive])
  for (const name of ['a.com', 'b.com']) assert.ok((await forwarder.forward(scope, asQuery(question(name)), 'udp')) !== undefined)
  assert.equal(alive.count(), 2)
  const liar = await upstream(scope, () => ({ questions: [{ type: 'A', name: 'other.com' }], answers: [address('other.com')] }))
  assert.equal(await createForwarder(scope, [liar]).forward(scope, asQuery(question('a.com')), 'udp'), undefined)
})

test('names in a stub domain are asked of its servers from the moment that this is said, all others of the rest; never of itself', async () => {
  using scope = rootScope()
  const answering = (): Promise<Upstream & { count(): number }> =>
    upstream(scope, (asked) => ({ answers: [address(asked.questions?.[0]?.name ?? '')] }))
  const [machine, stub, rest] = [await answering(), await answering(), await answering()]
  const self = { address: HOST, port: 9 }
  const outside = createOutside(scope, [self, machine], ({ port }) => port === self.port)
  const counts = (): readonly number[] => [machine.count(), stub.count(), rest.count()]
  const ask = async (name: string): Promise<void> => void (await outside.forward(scope, asQuery(question(name)), 'udp'))
  await ask('www.acme.local')
  assert.deepEqual(counts(), [1, 0, 0])
  outside.set({ stubs: new Map([['acme.local', [stub]]]), upstreams: [rest], problems: [] })
  await ask('www.acme.local')
  await ask('ACME.local')
  await ask('example.com')
  assert.deepEqual(counts(), [1, 2, 1])
  outside.set(NOTHING_SAID)
  await ask('www.acme.local')
  assert.deepEqual(counts(), [2, 2, 1])
  assert.deepEqual(outside.stats(), { forwarded: 5, fromCache: 0, unanswered: 0 })
})

test('the cache forgets what was used longest ago first', () => {
  const cache = new AgingCache<number>(new HandClock(), 2)
  cache.set('a', 1, 10)
  cache.set('b', 2, 10)
  cache.get('a')
  cache.set('c', 3, 10)
  cache.set('d', 4, 0)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => cache.get(key)?.value),
    [1, undefined, 3, undefined],
  )
})

interface Served {
  readonly port: number
  udp(raw: Buffer): Promise<DecodedPacket>
  readonly stats: () => { readonly queries: number; readonly refused: number; readonly failed: number }
}

test('a server to which there is no way is a failure, and no end of everything', async () => {
  using scope = rootScope()
  // The kernel refuses these at once, as it does where no route leads.
  for (const address of ['255.255.255.255', 'ff02::1%no-such-link', '::ffff:255.255.255.255'])
    await assert.rejects(askUdp(scope, { address, port: 53 }, asQuery(question('example.com'))), { syscall: /^(connect|getaddrinfo)$/ })
})

async function served(scope: Scope, upstreams: readonly Upstream[]): Promise<Served> {
  const client = createClient({ transport: inProcessTransport(createFakeApi().handler) })
  await client.resource(refs.namespaces).create(scope, { metadata: { name: 'ns' } })
  const services = client.resource(refs.services)
  await services.create(scope, {
    metadata: { name: 'web', namespace: 'ns' },
    spec: { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], ports: [{ port: 80 }] },
  })
  await services.create(scope, { metadata: { name: 'big', namespace: 'ns' }, spec: { clusterIP: 'None', ports: [{ port: 80 }] } })
  await services.create(scope, {
    metadata: { name: 'out', namespace: 'ns' },
    spec: { type: 'ExternalName', externalName: 'www.example.com' },
  })
  await client.resource(refs.endpointslices).create(scope, {
    metadata: { name: 'big-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'big' } },
    addressType: 'IPv4',
    ports: [{ port: 80 }],
    endpoints: Array.from({ length: 500 }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] })),
  })
  const informers = createInformers(client)
  const { port, stats } = await startDns(scope, { informers, addresses: [HOST], port: 0, upstreams })
  const socket: Socket = createSocket('udp4')
  scope.signal.addEventListener('abort', () => socket.close())
  socket.connect(port, HOST)
  await once(socket, 'connect')
  const udp = async (raw: Buffer): Promise<DecodedPacket> => {
    const answer = once(socket, 'message') as Promise<[Buffer]>
    socket.send(raw)
    return decode((await answer)[0])
  }
  const early = await udp(question('web.ns.svc.cluster.local'))
  assert.equal(codeOf(early), RCODE.serverFailure, 'not denied before the caches are there')
  await informers.start(scope)
  return { port, udp, stats }
}

const codeOf = ({ flags = 0 }: DecodedPacket): number => flags & 0xf
const dataOf = (packet: DecodedPacket): readonly unknown[] =>
  (packet.answers ?? []).map((record) => ('data' in record ? record.data : undefined))

test('answers names of the cluster, chases aliases to the outside, and denies with an SOA', async () => {
  using scope = rootScope()
  const other = await upstream(scope, (asked) => ({ answers: [address(asked.questions?.[0]?.name ?? '')] }))
  const { udp } = await served(scope, [other])
  assert.deepEqual(dataOf(await udp(question('web.ns.svc.cluster.local'))), ['10.96.0.10'])
  assert.deepEqual(dataOf(await udp(question('out.ns.svc.cluster.local'))), ['www.example.com', '192.0.2.1'])
  assert.deepEqual(dataOf(await udp(question('www.example.com'))), ['192.0.2.1'])
  const missing = await udp(question('nobody.ns.svc.cluster.local'))
  assert.deepEqual([codeOf(missing), missing.authorities?.map(({ type }) => type), missing.flag_aa], [RCODE.nameError, ['SOA'], true])
  const empty = await udp(question('web.ns.svc.cluster.local', { questions: [{ type: 'AAAA', name: 'web.ns.svc.cluster.local' }] }))
  assert.deepEqual([codeOf(empty), empty.answers?.length, empty.authorities?.map(({ type }) => type)], [RCODE.noError, 0, ['SOA']])
})

test('many endpoints are cut over UDP and whole over TCP, where queries follow each other on one connection; their order varies', async () => {
  using scope = rootScope()
  const { udp, port } = await served(scope, [])
  const cut = await udp(question('big.ns.svc.cluster.local'))
  assert.equal(cut.flag_tc, true)
  const firsts = new Set<unknown>()
  for (let i = 0; i < 8; i++) firsts.add(dataOf(await udp(question('big.ns.svc.cluster.local')))[0])
  assert.ok(firsts.size > 1)
  const socket = connect(port, HOST)
  const two = Buffer.concat([framed(question('big.ns.svc.cluster.local')), framed(question('web.ns.svc.cluster.local'))])
  socket.write(two.subarray(0, 20))
  socket.write(two.subarray(20))
  let received = Buffer.alloc(0)
  const answers: DecodedPacket[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
      answers.push(decode(received.subarray(2, received.readUInt16BE(0) + 2)))
      received = received.subarray(received.readUInt16BE(0) + 2)
    }
    if (answers.length === 2) break
  }
  assert.deepEqual(
    answers.map((packet) => [packet.answers?.length, packet.flag_tc]),
    [
      [500, false],
      [1, false],
    ],
  )
})

test('what is no query is refused and the next one is answered; a server that does not answer is a failure with its question', async () => {
  using scope = rootScope()
  const { udp, stats } = await served(scope, [])
  assert.equal(codeOf(await udp(Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]))), RCODE.formatError)
  const failed = await udp(question('www.example.com'))
  assert.deepEqual([codeOf(failed), failed.questions?.[0]?.name], [RCODE.serverFailure, 'www.example.com'])
  const newer = await udp(
    question('web.ns.svc.cluster.local', {
      additionals: [
        { type: 'OPT', name: '.', udpPayloadSize: 1232, ednsVersion: 1, extendedRcode: 0, flags: 0, flag_do: false, options: [] },
      ],
    }),
  )
  assert.equal(newer.answers?.length, 0)
  assert.deepEqual(dataOf(await udp(question('web.ns.svc.cluster.local'))), ['10.96.0.10'])
  assert.deepEqual([stats().queries, stats().refused, stats().failed], [5, 1, 0])
})

test('says which address it cannot listen on', async () => {
  using scope = rootScope()
  const { port } = await served(scope, [])
  const informers = createInformers(createClient({ transport: inProcessTransport(createFakeApi().handler) }))
  await assert.rejects(startDns(scope, { informers, addresses: [HOST], port, upstreams: [] }), new RegExp(`${HOST}:${port}`))
})
