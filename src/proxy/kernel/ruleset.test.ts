import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { driftOf } from '../audit.ts'
import { type Chooser, guardName } from './elements.ts'
import type { ServicePort } from '../model.ts'
import { Ledger, planReplacement } from '../plan.ts'
import { elementChanges } from './ruleset.ts'

const GOLDEN = join(import.meta.dirname, '../testdata/ruleset.nft')

const target = (n: number): { readonly address: string; readonly port: number } => ({ address: `10.244.0.${n}`, port: 8080 })
const choice = (...numbers: readonly number[]): ServicePort['inside'] => ({
  targets: numbers.map(target),
  otherwise: numbers.length === 0 ? 'drop' : 'refuse',
})
const port = (over: Partial<ServicePort> = {}): ServicePort => ({
  family: 'IPv4',
  protocol: 'tcp',
  clusterAddress: '10.96.0.1',
  externals: [],
  port: 80,
  nodePort: undefined,
  affinitySeconds: undefined,
  inside: choice(1, 2),
  outside: choice(1, 2),
  outsideFromHere: undefined,
  keepsSource: false,
  ...over,
})

const WANTED: ReadonlyMap<string, readonly ServicePort[]> = new Map([
  ['x/plain', [port()]],
  ['x/node-port', [port({ clusterAddress: '10.96.0.2', nodePort: 30_001 })]],
  [
    'x/local',
    [
      port({
        clusterAddress: '10.96.0.3',
        nodePort: 30_002,
        externals: [{ address: '192.0.2.1', sources: ['10.0.0.0/8', '203.0.113.7/32'] }],
        outside: choice(),
        outsideFromHere: choice(1, 2),
        keepsSource: true,
      }),
    ],
  ],
  [
    'x/none',
    [port({ clusterAddress: '10.96.0.4', inside: { targets: [], otherwise: 'refuse' }, outside: { targets: [], otherwise: 'refuse' } })],
  ],
])

/** Written anew with UPDATE_GOLDEN=1; the difference is to be read. */
test('the table as text', () => {
  const { commands } = planReplacement(
    {
      table: 'sampan',
      families: ['IPv4'],
      podNetworks: ['10.244.0.0/16'],
      serviceNetworks: ['10.96.0.0/16', '10.96.1.0/24', 'fd00::/112'],
    },
    WANTED,
  )
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, commands)
  assert.equal(commands, readFileSync(GOLDEN, 'utf8'))
})

test('affinity chooses by a mark that is random, then remembered', () => {
  const { commands } = planReplacement(
    { table: 't', families: ['IPv4'], podNetworks: [], serviceNetworks: [] },
    new Map([['x/a', [port({ affinitySeconds: 60 })]]]),
  )
  const chooser: Chooser = { family: 'IPv4', place: 'services', size: 64, affinitySeconds: 60 }
  const rules = commands.split('\n').filter((line) => line.startsWith(`add rule ip t a${chooser.size}x60 `))
  assert.deepEqual(
    rules.map((rule) => rule.split(' ').slice(5, 7).join(' ')),
    ['meta mark', 'update @a64x60-memory', 'meta mark', 'dnat ip'],
  )
  assert.equal([...commands.matchAll(/10\.96\.0\.1 \. tcp \. 80 \. \d+ : /g)].length, 64)
})

test('the table of IPv6 is that of IPv4 in other words, but for what its clients are remembered by', () => {
  const six = port({ family: 'IPv6', clusterAddress: 'fd00:10:96::1', nodePort: 30_001, affinitySeconds: 60, outside: choice(1) })
  const { commands } = planReplacement(
    { table: 't', families: ['IPv4', 'IPv6'], podNetworks: ['10.244.0.0/16', 'fd00:1::/56'], serviceNetworks: [] },
    new Map([['x/a', [six]]]),
  )
  const [, after = ''] = commands.split('add table ip6 t\n')
  assert.doesNotMatch(after, /\bip [sd]addr|ipv4_addr|127\.0\.0\.0|\bip t\b|10\.96\./)
  assert.match(after, /set pod-networks \{ type ipv6_addr; flags interval; elements = \{ fd00:1::\/56 \}; \}/)
  assert.match(after, /add map ip6 t a64x60-memory \{ typeof meta mark : meta mark;/)
  assert.match(after, /add element ip6 t services \{ fd00:10:96::1 \. tcp \. 80 : goto a64x60 \}/)
  assert.match(commands, /set pod-networks \{ type ipv4_addr; flags interval; elements = \{ 10\.244\.0\.0\/16 \}; \}/)
})

test('removals go before additions, so that a key can get another value in one file', () => {
  const element = { family: 'IPv4' as const, container: 'c', key: 'k' }
  assert.equal(
    elementChanges('t', [{ ...element, value: 'a' }], [{ ...element, value: 'b' }]),
    'delete element ip t c { k }\nadd element ip t c { k : b }\n',
  )
})

test("the audit reads nft's JSON: addresses, protocols by number, verdicts; and passes over what the kernel fills", () => {
  const ledger = new Ledger()
  ledger.commit(
    planReplacement(
      { table: 't', families: ['IPv4'], podNetworks: [], serviceNetworks: [] },
      new Map([['x/a', [port({ externals: [{ address: '192.0.2.1', sources: ['10.0.0.0/8'] }] })]]]),
    ).delta,
  )
  const key = (address: string, ...more: readonly unknown[]): unknown => ({ concat: [address, 6, 80, ...more] })
  const type = ['ipv4_addr', 'inet_proto', 'inet_service']
  const n2 = (address: string): readonly unknown[] => [1, 2].map((n) => [key(address, n - 1), { concat: [`10.244.0.${n}`, 8080] }])
  const set = (name: string, elem: readonly unknown[], more: object = { type: 'ipv4_addr' }): object => ({ set: { name, elem, ...more } })
  const listing = [
    { metainfo: {} },
    {
      map: {
        name: 'services',
        type,
        elem: [
          [key('10.96.0.1'), { goto: { target: 'n2' } }],
          [key('192.0.2.1'), { goto: { target: 'n2' } }],
        ],
      },
    },
    { map: { name: 'n2', type: [...type, 'integer'], elem: [...n2('10.96.0.1'), ...n2('192.0.2.1')] } },
    set('cluster-addresses', ['10.96.0.1']),
    set('hidden-addresses', ['192.0.2.1']),
    set(
      'hairpin',
      [1, 2].map((n) => ({ concat: [`10.244.0.${n}`, `10.244.0.${n}`] })),
      { type: ['ipv4_addr', 'ipv4_addr'] },
    ),
    { map: { name: 'guarded', type, elem: [[key('192.0.2.1'), { goto: { target: guardName(['10.0.0.0/8']) } }]] } },
    { map: { name: 'a64x60-memory', elem: [[{ elem: { val: key('10.96.0.1'), expires: 3 } }, 1]] } },
  ]
  assert.equal(driftOf({ IPv4: JSON.stringify({ nftables: listing }) }, ledger.elements()).count, 0)
  const drifted = listing.map((item) => (JSON.stringify(item).includes('"hairpin"') ? set('hairpin', []) : item))
  assert.deepEqual(driftOf({ IPv4: JSON.stringify({ nftables: drifted }) }, ledger.elements()).missing, [
    'hairpin 10.244.0.1 . 10.244.0.1',
    'hairpin 10.244.0.2 . 10.244.0.2',
  ])
  assert.equal(driftOf({}, ledger.elements()).count, ledger.elements().size)
})
