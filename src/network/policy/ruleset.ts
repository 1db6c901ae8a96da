import { type IpFamily } from '#api'
import { createHash } from 'node:crypto'
import type { Direction, PlannedPolicy, PlannedRule, PodGroup, PolicyPlan } from './model.ts'

/**
 * A table of the kernel's: chains with the declarations of their sets, and apart from them what is in the sets. Pods come and go far more often than policies, and
 * then only elements change.
 */
export interface Ruleset {
  readonly chains: string
  /** By the set's name: elements as nft writes them, each once. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>
}

const ISOLATED: Readonly<Record<Direction, string>> = { ingress: 'isolated-ingress', egress: 'isolated-egress' }
/** A pod may always talk to itself, also by way of a Service. */
const SELF = 'isolated-selves'
/** After the proxy's rules, which settle where packets go. */
const PRIORITY: Readonly<Record<Direction, string>> = { egress: 'filter + 5', ingress: 'filter + 6' }

/** How nftables speaks of a family. */
interface Words {
  readonly ip: 'ip' | 'ip6'
  readonly address: 'ipv4_addr' | 'ipv6_addr'
  /** What always passes: without its neighbours' addresses no pod reaches anybody, and those are asked for by packets of IPv6 itself. */
  readonly always: readonly string[]
}
const WORDS: Readonly<Record<IpFamily, Words>> = {
  IPv4: { ip: 'ip', address: 'ipv4_addr', always: [] },
  IPv6: {
    ip: 'ip6',
    address: 'ipv6_addr',
    always: ['icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept'],
  },
}

/** Pure: the same plan gives the same text. */
export function rulesetOf(plan: PolicyPlan, family: IpFamily): Ruleset {
  const words = WORDS[family]
  const sets = new Map<string, ReadonlySet<string>>()
  const lines: string[] = []
  const policies = new Map<string, string>()
  for (const group of plan.groups)
    for (const policy of group.policies) {
      const chain = policyChain(group.direction, policy)
      if (!policies.has(chain)) policies.set(chain, renderPolicy(words, chain, group.direction, policy, sets))
    }
  const maps = { ingress: new Set<string>(), egress: new Set<string>() }
  const selves = new Set<string>()
  for (const group of plan.groups) {
    const chain = groupChain(group)
    for (const address of group.addresses) {
      maps[group.direction].add(`${address} : goto ${chain}`)
      selves.add(`${address} . ${address}`)
    }
    lines.push(
      `chain ${chain} {`,
      ...group.policies.filter(({ rules }) => rules.length > 0).map((policy) => `  jump ${policyChain(group.direction, policy)}`),
      '  drop',
      '}',
    )
  }
  for (const direction of ['ingress', 'egress'] as const) sets.set(ISOLATED[direction], maps[direction])
  sets.set(SELF, selves)
  return {
    chains: [...declarations(words, sets), ...policies.values(), ...lines, ...bases(words)].map((line) => `  ${line}`).join('\n'),
    sets,
  }
}

function declarations({ ip, address }: Words, sets: ReadonlyMap<string, unknown>): readonly string[] {
  return [...sets.keys()].sort().map((name) => {
    if (name === SELF) return `set ${name} { typeof ${ip} saddr . ${ip} daddr; }`
    if (name === ISOLATED.ingress || name === ISOLATED.egress) return `map ${name} { type ${address} : verdict; }`
    return name.endsWith('-named') ? `set ${name} { typeof ${ip} daddr . meta l4proto . th dport; }` : `set ${name} { type ${address}; }`
  })
}

/** What a node says to its own pods leaves through no hook of these: probes always arrive. */
function bases({ ip, always }: Words): readonly string[] {
  const base = (direction: Direction, hook: string): readonly string[] => [
    `chain ${direction}-${hook} {`,
    `  type filter hook ${hook} priority ${PRIORITY[direction]}; policy accept;`,
    '  ct state established,related accept',
    ...always.map((line) => `  ${line}`),
    `  ${ip} saddr . ${ip} daddr @${SELF} accept`,
    `  ${ip} ${direction === 'ingress' ? 'daddr' : 'saddr'} vmap @${ISOLATED[direction]}`,
    '}',
  ]
  return [...base('egress', 'forward'), ...base('egress', 'input'), ...base('ingress', 'forward')]
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
const policyChain = (direction: Direction, { name }: PlannedPolicy): string => `${direction}-policy-${hash(name)}`
const groupChain = ({ direction, policies }: PodGroup): string => `${direction}-pods-${hash(policies.map(({ name }) => name).join(' '))}`

function renderPolicy(
  words: Words,
  chain: string,
  direction: Direction,
  { rules }: PlannedPolicy,
  sets: Map<string, ReadonlySet<string>>,
): string {
  const lines = rules.flatMap((rule, i) => {
    const peers = peerMatches(words, `${chain}-${i}`, direction, rule, sets)
    const ports = portMatches(words, `${chain}-${i}`, rule, sets)
    return peers.flatMap((peer) => ports.map((port) => ['  ', peer, port, 'accept'].filter((part) => part !== '').join(' ')))
  })
  return [`chain ${chain} {`, ...lines, '}'].join('\n  ')
}

/** Alternatives; an empty text matches all. */
function peerMatches(
  { ip }: Words,
  prefix: string,
  direction: Direction,
  { peers }: PlannedRule,
  sets: Map<string, ReadonlySet<string>>,
): readonly string[] {
  if (peers === 'all') return ['']
  const field = direction === 'ingress' ? `${ip} saddr` : `${ip} daddr`
  const name = `${prefix}-peers`
  sets.set(name, new Set(peers.addresses))
  return [
    `${field} @${name}`,
    ...peers.blocks.map(({ cidr, except }) => [`${field} ${cidr}`, ...except.map((range) => `${field} != ${range}`)].join(' ')),
  ]
}

function portMatches({ ip }: Words, prefix: string, { ports }: PlannedRule, sets: Map<string, ReadonlySet<string>>): readonly string[] {
  if (ports === 'all') return ['']
  const name = `${prefix}-named`
  sets.set(name, new Set(ports.named.map(({ address, protocol, port }) => `${address} . ${protocol.toLowerCase()} . ${port}`)))
  return [
    ...ports.ranges.map(({ protocol, first, last }) => {
      const word = protocol.toLowerCase()
      if (first === 0 && last === 65_535) return `meta l4proto ${word}`
      return `${word} dport ${first === last ? first : `${first}-${last}`}`
    }),
    `${ip} daddr . meta l4proto . th dport @${name}`,
  ]
}

/** The commands that bring a table from what was applied to what is wanted; empty when nothing is to do. All or nothing is applied. */
export function changeOf(table: string, family: IpFamily, before: Ruleset | undefined, after: Ruleset): string {
  const name = `${WORDS[family].ip} ${table}`
  if (before === undefined || before.chains !== after.chains)
    return [
      removeTable(table, family),
      `table ${name} {`,
      after.chains,
      '}',
      ...[...after.sets].map(([set, all]) => elements('add', name, set, all)),
    ]
      .filter((line) => line !== '')
      .join('\n')
      .concat('\n')
  const lines = [...after.sets].flatMap(([set, wanted]) => {
    const had = before.sets.get(set) ?? new Set<string>()
    return [elements('delete', name, set, had.difference(wanted)), elements('add', name, set, wanted.difference(had))]
  })
  const commands = lines.filter((line) => line !== '')
  return commands.length === 0 ? '' : `${commands.join('\n')}\n`
}

/** Works whether there is one or not. */
export const removeTable = (table: string, family: IpFamily): string =>
  `table ${WORDS[family].ip} ${table}\ndelete table ${WORDS[family].ip} ${table}`

function elements(verb: 'add' | 'delete', table: string, set: string, all: ReadonlySet<string>): string {
  return all.size === 0 ? '' : `${verb} element ${table} ${set} { ${[...all].join(', ')} }`
}
