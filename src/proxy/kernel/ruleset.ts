import { type IpFamily } from '#api'
import { wordsOf } from './families.ts'
import {
  CLUSTER_ADDRESSES,
  type Chooser,
  type Element,
  GUARDED,
  type Guard,
  HAIRPIN,
  HIDDEN_ADDRESSES,
  type Place,
  REFUSAL,
  REFUSED,
  REFUSED_PORTS,
  chooserName,
  guardName,
  hiddenPorts,
} from './elements.ts'
import { PROTOCOLS } from '../model.ts'

/** nftables' text for the model. One table of each family for an instance; `nft -f` applies a file whole or not at all. */
const PORTED = `meta l4proto { ${PROTOCOLS.join(', ')} }`
const NODE_DESTINATION = 'meta l4proto . th dport'
const destinationOf = (family: IpFamily): string => `${wordsOf(family).ip} daddr . meta l4proto . th dport`
const byAddress = (place: Place): boolean => place === 'services' || place === 'here-services'

/** Ranges of one family, none in another. */
export interface KnownNetworks {
  /** Where clients inside the cluster live; empty when it is not known, and then none is taken for one. */
  readonly podNetworks: readonly string[]
  /** Where Services have their addresses. */
  readonly serviceNetworks: readonly string[]
}

/**
 * TCP is refused by a reset: the kernel sends only so many ICMP messages to a peer, and none for a second after a redirect.
 *
 * Everything that is there before any Service is: an empty table, whatever was in it before. An address that no Service has is not refused, as one without an endpoint is:
 * its Service may be about to be known here, and the client asks again.
 */
export function baseRuleset(table: string, family: IpFamily, { podNetworks, serviceNetworks }: KnownNetworks): string {
  const { ip, address, loopback } = wordsOf(family)
  const destination = destinationOf(family)
  // Never on the loopback network: that would need route_localnet, which lets neighbours reach what listens there.
  const onNode = `fib daddr type local ${ip} daddr != ${loopback}`
  const hidden = PROTOCOLS.map((protocol) => `  set ${hiddenPorts(protocol)} { type inet_service; }`).join('\n')
  const hide = PROTOCOLS.map(
    (protocol) =>
      `    ct status dnat ct original ${ip} daddr != @${CLUSTER_ADDRESSES} meta l4proto ${protocol} ct original proto-dst @${hiddenPorts(protocol)} masquerade`,
  ).join('\n')
  const known = podNetworks.length > 0
  const networks = [
    ['pod-networks', podNetworks],
    ['service-networks', serviceNetworks],
  ] as const
  const sets = networks.map(
    ([name, ranges]) =>
      `  set ${name} { type ${address}; flags interval;${ranges.length > 0 ? ` elements = { ${ranges.join(', ')} };` : ''} }`,
  )
  const foreign = known ? `\n    ct status dnat ct original ${ip} daddr @${CLUSTER_ADDRESSES} ${ip} saddr != @pod-networks masquerade` : ''
  return `add table ${ip} ${table}
delete table ${ip} ${table}
table ${ip} ${table} {
  map services { typeof ${destination} : verdict; }
  map node-ports { typeof ${NODE_DESTINATION} : verdict; }
  map here-services { typeof ${destination} : verdict; }
  map here-node-ports { typeof ${NODE_DESTINATION} : verdict; }
  set ${CLUSTER_ADDRESSES} { type ${address}; }
  set ${HIDDEN_ADDRESSES} { type ${address}; }
  set ${HAIRPIN} { typeof ${ip} saddr . ${ip} daddr; }
  map ${REFUSED} { typeof ${destination} : verdict; }
  map ${REFUSED_PORTS} { typeof ${NODE_DESTINATION} : verdict; }
  map ${GUARDED} { typeof ${destination} : verdict; }
${hidden}
${sets.join('\n')}
  chain choose {
    fib saddr type local jump choose-here
    ${ip} saddr @pod-networks jump choose-here
    ${PORTED} ${destination} vmap @services
    ${onNode} ${PORTED} ${NODE_DESTINATION} vmap @node-ports
  }
  chain choose-here {
    ${PORTED} ${destination} vmap @here-services
    ${onNode} ${PORTED} ${NODE_DESTINATION} vmap @here-node-ports
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump choose
  }
  chain output {
    type nat hook output priority -100; policy accept;
    jump choose
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ct status dnat ${ip} saddr . ${ip} daddr @${HAIRPIN} masquerade
    ct status dnat ct original ${ip} daddr @${HIDDEN_ADDRESSES} masquerade
${hide}${foreign}
  }
  chain guard {
    ct state new ${PORTED} ${destination} vmap @${GUARDED}
  }
  chain guard-prerouting {
    type filter hook prerouting priority -110; policy accept;
    jump guard
  }
  chain guard-output {
    type filter hook output priority -110; policy accept;
    jump guard
  }
  chain ${REFUSAL} {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain refuse {
    ct state != new return
    ${onNode} ${PORTED} ${NODE_DESTINATION} vmap @${REFUSED_PORTS}
    fib daddr type local return
    ${PORTED} ${destination} vmap @${REFUSED}
    ${ip} daddr @${CLUSTER_ADDRESSES} goto ${REFUSAL}
    ${ip} daddr @service-networks drop
  }
  chain refuse-forward {
    type filter hook forward priority filter; policy accept;
    jump refuse
  }
  chain refuse-input {
    type filter hook input priority filter; policy accept;
    jump refuse
  }
  chain refuse-output {
    type filter hook output priority filter; policy accept;
    jump refuse
  }
}
`
}

/**
 * A chooser's map and chain, to be added once: its rules would be there twice. The mark is random before it is remembered, so that clients that the full
 * memory does not take are still spread.
 */
export function chooserRules(table: string, chooser: Chooser): string {
  const { family, place, affinitySeconds } = chooser
  const { ip } = wordsOf(family)
  const name = chooserName(chooser)
  const destination = byAddress(place) ? destinationOf(family) : NODE_DESTINATION
  const { map, memory, lines } = (family === 'IPv4' ? chooserOfIPv4 : chooserOfIPv6)(chooser, name, destination)
  const remembers = affinitySeconds === undefined ? '' : `; flags dynamic,timeout; timeout ${affinitySeconds}s; size 65536; }\n`
  return [
    `add map ${ip} ${table} ${name} { ${map}; }\n`,
    ...(memory === undefined ? [] : [`add map ${ip} ${table} ${name}-memory { ${memory}${remembers}`]),
    `add chain ${ip} ${table} ${name}\n`,
    ...lines.map((line) => `add rule ${ip} ${table} ${name} ${line}\n`),
  ].join('')
}

interface ChooserText {
  /** Types of the map, and of what remembers slots where that is asked for. */
  readonly map: string
  readonly memory: string | undefined
  readonly lines: readonly string[]
}

function chooserOfIPv4({ size, affinitySeconds }: Chooser, name: string, destination: string): ChooserText {
  const random = `numgen random mod ${size}`
  const client = `ip saddr . ${destination}`
  if (affinitySeconds === undefined)
    return {
      map: `typeof ${destination} . ${random} : ip daddr . th dport`,
      memory: undefined,
      lines: [`dnat ip to ${destination} . ${random} map @${name}`],
    }
  return {
    map: `typeof ${destination} . meta mark : ip daddr . th dport`,
    memory: `typeof ${client} : meta mark`,
    lines: [
      `meta mark set ${random}`,
      `update @${name}-memory { ${client} : ${random} }`,
      `meta mark set ${client} map @${name}-memory`,
      `dnat ip to ${destination} . meta mark map @${name}`,
    ],
  }
}

/** More than any number of slots. */
const FIRST_HASH = 65_536

/**
 * nft 1.0.6 takes no `th dport` of IPv6 as what a map gives, and `tcp dport` would make the rule one for TCP alone: so the map's types are named, and those have no
 * random number, but a mark. Two addresses of IPv6 are more than it can remember something by: it is a hash of client and destination. Clients whose hashes are
 * the same share a slot, which harms nobody.
 */
function chooserOfIPv6({ place, size, affinitySeconds }: Chooser, name: string, destination: string): ChooserText {
  const random = `numgen random mod ${size}`
  const key = byAddress(place) ? 'ipv6_addr . inet_proto . inet_service' : 'inet_proto . inet_service'
  const remembered = [
    `meta mark set jhash ip6 saddr . ${destination} mod ${2 ** 32 - FIRST_HASH} seed 0x53616d70 offset ${FIRST_HASH}`,
    `update @${name}-memory { meta mark : ${random} }`,
    `meta mark set meta mark map @${name}-memory`,
    `meta mark >= ${FIRST_HASH} meta mark set ${random}`,
  ]
  return {
    map: `type ${key} . mark : ipv6_addr . inet_service`,
    memory: affinitySeconds === undefined ? undefined : 'typeof meta mark : meta mark',
    lines: [
      ...(affinitySeconds === undefined ? [`meta mark set ${random}`] : remembered),
      `dnat ip6 to ${destination} . meta mark map @${name}`,
    ],
  }
}

/** A guard's chain, to be added once. No network admits nobody. */
export function guardRules(table: string, { family, sources }: Guard): string {
  const { ip } = wordsOf(family)
  const name = guardName(sources)
  const refused = sources.length === 0 ? '' : `${ip} saddr != { ${sources.join(', ')} } `
  return `add chain ${ip} ${table} ${name}\nadd rule ${ip} ${table} ${name} ${refused}drop\n`
}

/** Removals first, additions after: a key may get a new value in one file. */
export function elementChanges(table: string, removed: readonly Element[], added: readonly Element[]): string {
  return listed('delete', table, removed) + listed('add', table, added)
}

const PER_COMMAND = 500

function listed(verb: 'add' | 'delete', table: string, elements: readonly Element[]): string {
  let text = ''
  for (const [container, members] of Map.groupBy(elements, (element) => `${wordsOf(element.family).ip} ${table} ${element.container}`))
    for (let i = 0; i < members.length; i += PER_COMMAND) {
      const chunk = members
        .slice(i, i + PER_COMMAND)
        .map(({ key, value }) => (value === undefined || verb === 'delete' ? key : `${key} : ${value}`))
      text += `${verb} element ${container} { ${chunk.join(', ')} }\n`
    }
  return text
}

export function removeTable(table: string, family: IpFamily): string {
  const { ip } = wordsOf(family)
  return `add table ${ip} ${table}\ndelete table ${ip} ${table}\n`
}
