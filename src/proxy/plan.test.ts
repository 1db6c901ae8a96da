import { IP_FAMILIES, type IpFamily } from '#api'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import type { ExternalAddress, ServicePort } from './model.ts'
import { Ledger, idOf, planChange, planReplacement } from './plan.ts'

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)

/** A kernel that knows as much of nft as the plans use, and refuses what nft refuses. */
class SimulatedKernel {
  readonly elements = new Map<string, string | undefined>()
  readonly chains = new Set<string>()

  apply(commands: string): void {
    for (const line of commands.split('\n')) {
      const [, verb = '', ip = '', container = '', body = ''] = /^(add|delete) element (ip6?) t (\S+) \{ (.*) \}$/.exec(line) ?? []
      for (const one of verb === '' ? [] : body.split(', ')) {
        const [key = '', value] = one.split(' : ')
        const id = idOf({ family: ip === 'ip6' ? 'IPv6' : 'IPv4', container, key })
        if (verb === 'delete') assert.ok(this.elements.delete(id), `nothing to delete at ${id}`)
        else {
          assert.ok(!this.elements.has(id) || this.elements.get(id) === value, `another value at ${id}`)
          const [, target] = /^goto (\S+)$/.exec(value ?? '') ?? []
          if (target !== undefined && target !== 'refusal') assert.ok(this.chains.has(`${ip} ${target}`), `no chain ${target}`)
          this.elements.set(id, value)
        }
      }
      const [, inTable, name] = /^add chain (ip6?) t (\S+)$/.exec(line) ?? []
      if (name === undefined) continue
      const chain = `${inTable} ${name}`
      assert.ok(!this.chains.has(chain), `chain ${chain} twice: its rules would be there twice`)
      this.chains.add(chain)
    }
  }
}

type Prefix = (n: number) => string
const PREFIXES = {
  IPv4: { pod: (n) => `10.244.0.${n}`, service: (n) => `10.96.0.${n}` },
  IPv6: { pod: (n) => `fd00::${n}`, service: (n) => `fd01::${n}` },
} satisfies Record<IpFamily, { pod: Prefix; service: Prefix }>
const choiceIn = (family: IpFamily): fc.Arbitrary<ServicePort['inside']> => {
  const target = fc.record({ address: fc.integer({ min: 1, max: 6 }).map(PREFIXES[family].pod), port: fc.constantFrom(80, 8080) })
  const targets = fc.uniqueArray(target, { maxLength: 4, selector: ({ address, port }) => `${address}:${port}` })
  return fc.record({ targets, otherwise: fc.constantFrom('refuse' as const, 'drop' as const) })
}
/** Few addresses and ports, so that Services share and contest them. */
const EXTERNALS = { IPv4: ['192.0.2.1', '192.0.2.2'], IPv6: ['fd02::1', 'fd02::2'] }
const SOURCES = { IPv4: [undefined, ['10.0.0.0/8'], ['10.0.0.0/8', '172.16.0.0/12']], IPv6: [undefined, ['fd00::/16']] }
const externalsIn = (family: IpFamily): fc.Arbitrary<readonly ExternalAddress[]> =>
  fc.uniqueArray(fc.record({ address: fc.constantFrom(...EXTERNALS[family]), sources: fc.constantFrom(...SOURCES[family]) }), {
    maxLength: 2,
    selector: ({ address }) => address,
  })
const portIn = (family: IpFamily): fc.Arbitrary<ServicePort> =>
  fc.record({
    family: fc.constant(family),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    clusterAddress: fc.integer({ min: 1, max: 3 }).map(PREFIXES[family].service),
    externals: externalsIn(family),
    port: fc.constantFrom(80, 443),
    nodePort: fc.constantFrom(undefined, 30_000, 30_001),
    affinitySeconds: fc.constantFrom(undefined, 10),
    inside: choiceIn(family),
    outside: choiceIn(family),
    outsideFromHere: fc.option(choiceIn(family), { nil: undefined }),
    keepsSource: fc.boolean(),
  })
const ports = fc.uniqueArray(fc.oneof(portIn('IPv4'), portIn('IPv6')), {
  maxLength: 3,
  selector: ({ family, protocol, port }) => `${family} ${protocol} ${port}`,
})
const transaction = fc.dictionary(fc.constantFrom('a/x', 'a/y', 'b/x', 'b/y'), fc.option(ports, { nil: undefined, freq: 4 }), {
  minKeys: 1,
  maxKeys: 3,
})

test('any sequence of changes leaves what a replacement by the final state leaves, whatever Services share or contest', () => {
  fc.assert(
    fc.property(fc.array(transaction, { minLength: 1, maxLength: 8 }), (transactions) => {
      const kernel = new SimulatedKernel()
      const ledger = new Ledger()
      const final = new Map<string, readonly ServicePort[]>()
      for (const step of transactions) {
        const wanted = new Map(Object.entries(step))
        const plan = planChange('t', ledger, wanted)
        kernel.apply(plan.commands)
        ledger.commit(plan.delta)
        for (const [key, now] of wanted)
          if (now === undefined) final.delete(key)
          else final.set(key, now)
      }
      const fresh = new SimulatedKernel()
      fresh.apply(planReplacement({ table: 't', families: IP_FAMILIES, podNetworks: [], serviceNetworks: [] }, final).commands)
      assert.deepEqual(new Map([...kernel.elements].sort(byKey)), new Map([...fresh.elements].sort(byKey)))
      const said = [...ledger.elements()].map(([id, element]): [string, string | undefined] => [id, element.value])
      assert.deepEqual(new Map(said.sort(byKey)), new Map([...fresh.elements].sort(byKey)))
      assert.deepEqual([...ledger.services.keys()].sort(), [...final.keys()].sort())
    }),
    propertyRuns(400),
  )
})

const plain = (over: Partial<ServicePort> = {}): ServicePort => ({
  family: 'IPv4',
  protocol: 'tcp',
  clusterAddress: '10.96.0.1',
  externals: [],
  port: 80,
  nodePort: undefined,
  affinitySeconds: undefined,
  inside: { targets: [{ address: '10.244.0.1', port: 8080 }], otherwise: 'refuse' },
  outside: { targets: [{ address: '10.244.0.1', port: 8080 }], otherwise: 'refuse' },
  outsideFromHere: undefined,
  keepsSource: false,
  ...over,
})

test('a change that changes nothing is no command', () => {
  const ledger = new Ledger()
  ledger.commit(planChange('t', ledger, new Map([['a/x', [plain()]]])).delta)
  const again = planChange('t', ledger, new Map([['a/x', [plain()]]]))
  assert.equal(again.commands, '')
  assert.deepEqual(again.stale, [])
})

test('UDP: what leads to an endpoint that is gone is forgotten, and what led to nowhere once there is an endpoint', () => {
  const one = { address: '10.244.0.1', port: 53 }
  const two = { address: '10.244.0.2', port: 53 }
  const udp = (...list: readonly { address: string; port: number }[]): ServicePort =>
    plain({
      protocol: 'udp',
      port: 53,
      nodePort: 30_053,
      externals: [{ address: '192.0.2.1', sources: undefined }],
      inside: { targets: list, otherwise: 'refuse' },
      outside: { targets: list, otherwise: 'refuse' },
    })
  const staleOf = (before: ServicePort | undefined, after: ServicePort | undefined): readonly string[] => {
    const ledger = new Ledger()
    if (before !== undefined) ledger.commit(planChange('t', ledger, new Map([['a/x', [before]]])).delta)
    return planChange('t', ledger, new Map([['a/x', after === undefined ? undefined : [after]]])).stale.map((args) => args.join(' '))
  }
  const gone = '--reply-src 10.244.0.1 --reply-port-src 53'
  const routes = ['--orig-dst 10.96.0.1 --orig-port-dst 53', '--orig-dst 192.0.2.1 --orig-port-dst 53', '--orig-port-dst 30053']
  assert.deepEqual(
    staleOf(udp(one, two), udp(two)),
    routes.map((route) => `-D -p udp ${route} ${gone}`),
  )
  assert.deepEqual(
    staleOf(udp(one), undefined),
    routes.map((route) => `-D -p udp ${route} ${gone}`),
  )
  assert.deepEqual(
    staleOf(udp(), udp(one)),
    routes.map((route) => `-D -p udp ${route}`),
  )
  assert.deepEqual(staleOf(udp(one), udp(one, two)), [])
  assert.deepEqual(staleOf(plain(), undefined), [])
})
