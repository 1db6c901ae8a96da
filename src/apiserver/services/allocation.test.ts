import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MetricText, rootScope, seededRandom } from '#base'
import { StatusError, type core, refs } from '#api'
import { type Engine, TranslatedStore, openMemoryStore } from '#store'
import { type FakeObjects, fakeObjects } from '../auth/reader.fake.ts'
import type { RegistryHook } from '../registry/core.ts'
import { serviceAllocation } from './allocation.ts'

const scope = rootScope({ random: seededRandom(1) })
const options = { addressRanges: ['10.96.0.0/24'], firstNodePort: 30_000, lastNodePort: 30_063 }

interface Cluster {
  readonly objects: FakeObjects
  /** Creates a Service as the registry does; what was given out comes back. */
  create(name: string, spec?: core.ServiceSpec, dryRun?: boolean): Promise<core.ServiceSpec>
  /** Takes numbers and does not store: a write under way. */
  begin(name: string, spec?: core.ServiceSpec): Promise<{ readonly service: core.Service; undo(): Promise<void> }>
  update(name: string, spec: core.ServiceSpec): Promise<core.ServiceSpec>
  remove(name: string): Promise<void>
}

function cluster(
  objects = fakeObjects(),
  engine: Engine = openMemoryStore(scope),
  more: { addressRanges?: readonly string[] } = {},
): Cluster {
  const hook: RegistryHook = serviceAllocation(scope, { ...options, ...more, reader: objects, writer: () => objects, engine })
  const made = (name: string, spec: core.ServiceSpec): core.Service => ({
    metadata: { name, namespace: 'a' },
    spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP' }], ...spec },
  })
  const stored = (name: string): core.Service => objects.get(refs.services, 'a', name) ?? assert.fail(`no service ${name}`)
  const begin: Cluster['begin'] = async (name, spec = {}) => {
    const service = made(name, spec)
    const undo = await hook.beforeCreate?.(scope, service, { dryRun: false })
    return {
      service,
      undo: async () => {
        await undo?.()
      },
    }
  }
  return {
    objects,
    begin,
    create: async (name, spec = {}, dryRun = false) => {
      const service = made(name, spec)
      await hook.beforeCreate?.(scope, service, { dryRun })
      if (!dryRun) objects.put(refs.services, service)
      return service.spec ?? {}
    },
    update: async (name, spec) => {
      const next = made(name, spec)
      const old = stored(name)
      await hook.beforeUpdate?.(scope, next, old, { dryRun: false })
      objects.put(refs.services, next)
      await hook.afterUpdate?.(scope, next, old)
      return next.spec ?? {}
    },
    remove: async (name) => {
      const old = stored(name)
      objects.remove(refs.services, 'a', name)
      await hook.afterDelete?.(scope, old)
    },
  }
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof StatusError, 'must be refused')
  return error.message
}

describe('service allocation', () => {
  it('gives every service an address of its own, outside of the part that people choose from', async () => {
    const { create } = cluster()
    const given = new Set<string>()
    for (let i = 0; i < 100; i++) given.add((await create(`s${i}`)).clusterIP ?? '')
    assert.equal(given.size, 100)
    assert.ok([...given].every((address) => Number(address.split('.')[3]) > 16))
  })

  it('takes the first addresses too when all others are taken, and then says that the range is full', async () => {
    const { create } = cluster()
    for (let i = 0; i < 254; i++) await create(`s${i}`)
    assert.match(await refusal(create('more')), /range is full/)
  })

  it('does not give one number to two writes that are under way, and takes it back from one that fails', async () => {
    const { begin } = cluster()
    const first = await begin('x', { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] })
    assert.match(
      await refusal(begin('y', { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] })),
      /failed to allocate IP 10.96.0.9: provided IP is already allocated/,
    )
    await first.undo()
    await begin('y', { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] })
  })

  it('knows after a restart what is stored', async () => {
    const before = cluster()
    const { clusterIP = '', ports } = await before.create('x', { type: 'NodePort' })
    const after = cluster(before.objects)
    assert.match(await refusal(after.create('y', { clusterIP, clusterIPs: [clusterIP] })), /already allocated/)
    assert.match(await refusal(after.create('y', { type: 'NodePort', ports: ports ?? [] })), /provided port is already allocated/)
  })

  it('frees numbers with the service, and with a type that has none', async () => {
    const { create, update, remove } = cluster()
    const { clusterIP = '', ports } = await create('x', { type: 'NodePort' })
    const nodePort = ports?.[0]?.nodePort ?? 0
    await update('x', { clusterIP, clusterIPs: [clusterIP] })
    await create('y', { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort }] })
    await remove('x')
    assert.equal((await create('z', { clusterIP, clusterIPs: [clusterIP] })).clusterIP, clusterIP)
  })

  it('keeps what a service has when an update leaves it out', async () => {
    const { create, update } = cluster()
    const { clusterIP, ports } = await create('x', { type: 'NodePort' })
    const next = await update('x', { type: 'NodePort' })
    assert.equal(next.clusterIP, clusterIP)
    assert.equal(next.ports?.[0]?.nodePort, ports?.[0]?.nodePort)
    await create('headless', { clusterIP: 'None', clusterIPs: ['None'] })
    assert.equal((await update('headless', {})).clusterIP, 'None')
  })

  it('gives one node port to several protocols of a service, and none twice', async () => {
    const { create } = cluster()
    const shared = [
      { port: 53, protocol: 'TCP', nodePort: 30_053, name: 'a' },
      { port: 53, protocol: 'UDP', nodePort: 30_053, name: 'b' },
    ]
    assert.equal((await create('dns', { type: 'NodePort', ports: shared })).ports?.[1]?.nodePort, 30_053)
    assert.match(
      await refusal(
        create('twice', {
          type: 'NodePort',
          ports: [
            { port: 1, protocol: 'TCP', nodePort: 30_001 },
            { port: 2, protocol: 'TCP', nodePort: 30_001 },
          ],
        }),
      ),
      /ports\[1\].nodePort/,
    )
    assert.match(
      await refusal(create('far', { type: 'NodePort', ports: [{ port: 1, protocol: 'TCP', nodePort: 80 }] })),
      /The range of valid ports is 30000-30063/,
    )
  })

  it('takes nothing for a dry run', async () => {
    const { create } = cluster()
    await create('x', { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] }, true)
    await create('y', { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] })
  })

  it('speaks IPv4 only, but lets headless services without a selector name what they like', async () => {
    const { create } = cluster()
    assert.match(await refusal(create('x', { ipFamilyPolicy: 'RequireDualStack' })), /not configured for dual-stack/)
    assert.match(await refusal(create('x', { ipFamilies: ['IPv6'] })), /spec.ipFamilies\[0\]: Invalid value: "IPv6": not configured/)
    const { ipFamilies, ipFamilyPolicy } = await create('y', { clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv6'] })
    assert.deepEqual([ipFamilies, ipFamilyPolicy], [['IPv6', 'IPv4'], 'RequireDualStack'])
    assert.equal((await create('z', { clusterIP: 'None', clusterIPs: ['None'], selector: { a: 'b' } })).ipFamilyPolicy, 'SingleStack')
  })

  it('gives addresses of both families where the cluster speaks both, as many as a service asks for', async () => {
    const { create, update, objects } = cluster(fakeObjects(), openMemoryStore(scope), {
      addressRanges: ['10.96.0.0/24', 'fd00:10:96::/112'],
    })
    const families = ({ ipFamilies, ipFamilyPolicy, clusterIP, clusterIPs = [] }: core.ServiceSpec): readonly unknown[] => {
      assert.equal(clusterIP, clusterIPs[0])
      assert.deepEqual(
        ipFamilies?.slice(0, clusterIPs.length),
        clusterIPs.map((address) => (address.startsWith('fd00:10:96::') ? 'IPv6' : 'IPv4')),
      )
      return [ipFamilyPolicy, ipFamilies?.join(), clusterIPs.length]
    }
    assert.deepEqual(families(await create('plain')), ['SingleStack', 'IPv4', 1])
    assert.deepEqual(families(await create('six', { ipFamilies: ['IPv6'] })), ['SingleStack', 'IPv6', 1])
    assert.deepEqual(families(await create('both', { ipFamilyPolicy: 'PreferDualStack' })), ['PreferDualStack', 'IPv4,IPv6', 2])
    assert.deepEqual(families(await create('turned', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] })), [
      'RequireDualStack',
      'IPv6,IPv4',
      2,
    ])
    const asked = { clusterIP: 'fd00:10:96::7', clusterIPs: ['fd00:10:96::7'] }
    assert.deepEqual(families(await create('asked', asked)), ['SingleStack', 'IPv6', 1])
    assert.match(await refusal(create('again', asked)), /failed to allocate IP fd00:10:96::7: provided IP is already allocated/)
    const elsewhere = { clusterIP: 'fd01::7', clusterIPs: ['fd01::7'] }
    assert.match(await refusal(create('elsewhere', elsewhere)), /does not match the current range/)
    assert.equal(objects.get(refs.ipaddresses, '', 'fd00:10:96::7')?.metadata?.labels?.['ipaddress.kubernetes.io/ip-family'], 'IPv6')

    const grown = await update('plain', { ipFamilyPolicy: 'PreferDualStack' })
    assert.deepEqual(families(grown), ['PreferDualStack', 'IPv4,IPv6', 2])
    assert.match(
      await refusal(update('plain', { clusterIP: grown.clusterIP ?? '', clusterIPs: [grown.clusterIP ?? ''], ipFamilies: ['IPv4'] })),
      /must be 'SingleStack' to release the secondary cluster IP/,
    )
    assert.deepEqual(families(await update('plain', { ...grown, ipFamilyPolicy: 'SingleStack' })), ['SingleStack', 'IPv4', 1])
    assert.equal(objects.get(refs.ipaddresses, '', grown.clusterIPs?.[1] ?? ''), undefined)
  })

  it('leaves a service that takes what there is as it is when its cluster comes to speak another family', async () => {
    const objects = fakeObjects()
    const before = await cluster(objects).create('s', { ipFamilyPolicy: 'PreferDualStack' })
    assert.equal(before.clusterIPs?.length, 1)
    const both = cluster(objects, openMemoryStore(scope), { addressRanges: ['10.96.0.0/24', 'fd00:10:96::/112'] })
    assert.equal((await both.update('s', { ...before, sessionAffinity: 'ClientIP' })).clusterIPs?.length, 1)
    assert.equal((await both.update('s', { ...before, ipFamilyPolicy: 'RequireDualStack' })).clusterIPs?.length, 2)
  })

  it('takes addresses from further ranges that are ready, and says which range an address misses', async () => {
    const { create, objects } = cluster()
    const asked = (clusterIP: string): Promise<core.ServiceSpec> => create('x', { clusterIP, clusterIPs: [clusterIP] })
    assert.match(await refusal(asked('10.97.0.3')), /the provided network does not match the current range/)
    assert.match(await refusal(asked('10.96.0.255')), /the provided network does not match the current range/)
    const more = { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/29'] } }
    objects.put(refs.servicecidrs, more)
    assert.match(await refusal(asked('10.97.0.3')), /the provided network does not match the current range/)
    const conditions = [{ type: 'Ready', status: 'True', reason: '', message: '', lastTransitionTime: '' }]
    objects.put(refs.servicecidrs, { ...more, status: { conditions } })
    await asked('10.97.0.3')
    for (let i = 0; i < 254; i++) await create(`s${i}`)
    const rest = [await create('a'), await create('b'), await create('c'), await create('d'), await create('e')]
    assert.deepEqual(
      new Set(rest.map(({ clusterIP }) => clusterIP)),
      new Set(['10.97.0.1', '10.97.0.2', '10.97.0.4', '10.97.0.5', '10.97.0.6']),
    )
    assert.match(await refusal(create('f')), /range is full/)
  })
})

describe('servers that share a store', () => {
  class SharedStore extends TranslatedStore {
    override get shared(): boolean {
      return true
    }
  }
  /** A server that has not heard yet of what the others do. */
  const late = (objects: FakeObjects): FakeObjects => ({ ...objects, get: () => undefined, list: () => [] })

  it('give no address and no port twice, though neither knows what the other does', async () => {
    const objects = fakeObjects()
    const engine = new SharedStore(openMemoryStore(scope), (_, value) => value)
    const servers = [cluster(late(objects), engine), cluster(late(objects), engine)]
    const given: core.ServiceSpec[] = []
    for (let i = 0; i < 32; i++)
      for (const [at, { begin }] of servers.entries()) {
        const { service } = await begin(`s${i}-${at}`, { type: 'NodePort' })
        given.push(service.spec ?? {})
      }
    assert.equal(new Set(given.map(({ clusterIP }) => clusterIP)).size, 64)
    assert.equal(new Set(given.map(({ ports }) => ports?.[0]?.nodePort)).size, 64)
  })

  it('refuse what is asked for and another one has given', async () => {
    const objects = fakeObjects()
    const engine = new SharedStore(openMemoryStore(scope), (_, value) => value)
    const [one, other] = [cluster(late(objects), engine), cluster(late(objects), engine)]
    const address = { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] }
    const port: core.ServiceSpec = { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30_009 }] }
    const taken = await one.begin('x', { ...address, ...port })
    assert.match(await refusal(other.begin('y', address)), /10.96.0.9: provided IP is already allocated/)
    assert.match(await refusal(other.begin('y', port)), /provided port is already allocated/)
    assert.equal(objects.list(refs.ipaddresses).length, 1, 'the address of the Service that was refused its port is free again')
    await taken.undo()
    await other.begin('y', { ...address, ...port })
  })
})

it('how much of the ranges is taken can be seen', async () => {
  const objects = fakeObjects()
  const hook = serviceAllocation(scope, { ...options, reader: objects, writer: () => objects, engine: openMemoryStore(scope) })
  const service = {
    metadata: { name: 's', namespace: 'a' },
    spec: { type: 'NodePort', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ports: [{ port: 80, protocol: 'TCP' }] },
  }
  await hook.beforeCreate?.(scope, service, { dryRun: false })
  const text = new MetricText()
  hook.writeMetrics(text)
  const of = (name: string): string | undefined => new RegExp(`^kube_apiserver_${name} (\\S+)$`, 'm').exec(text.toString())?.[1]
  assert.equal(of('clusterip_allocator_allocated_ips{cidr="10.96.0.0/24"}'), '1')
  assert.equal(of('clusterip_allocator_available_ips{cidr="10.96.0.0/24"}'), '253')
  assert.equal(of('clusterip_allocator_allocation_total{cidr="10.96.0.0/24",scope="static"}'), '1')
  assert.equal(of('nodeport_allocator_allocated_ports'), '1')
  assert.equal(of('nodeport_allocator_available_ports'), '63')
  assert.equal(of('nodeport_allocator_allocation_total{scope="dynamic"}'), '1')
})
