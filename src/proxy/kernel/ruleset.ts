import {
  CLUSTER_ADDRESSES,
  type Chooser,
  type Element,
  GUARDED,
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

/** nftables' text for the model. One table for an instance; `nft -f` applies a file whole or not at all. */
const PORTED = `meta l4proto { ${PROTOCOLS.join(', ')} }`
const DESTINATION = 'ip daddr . meta l4proto . th dport'
const NODE_DESTINATION = 'meta l4proto . th dport'
/** Never on the loopback network: that would need route_localnet, which lets neighbours reach what listens there. */
const ON_NODE = 'fib daddr type local ip daddr != 127.0.0.0/8'
const byAddress = (place: Place): boolean => place === 'services' || place === 'here-services'

/**
 * TCP is refused by a reset: the kernel sends only so many ICMP messages to a peer, and none for a second after a redirect.
 *
 * Everything that is there before any Service is: an empty table, whatever was in it before. `podNetworks`: where clients inside the cluster live;
 * empty when it is not known, and then none is taken for one.
 */
export function baseRuleset(table: string, podNetworks: readonly string[]): string {
  const hidden = PROTOCOLS.map((protocol) => `  set ${hiddenPorts(protocol)} { type inet_service; }`).join('\n')
  const hide = PROTOCOLS.map(
    (protocol) =>
      `    ct status dnat ct original ip daddr != @${CLUSTER_ADDRESSES} meta l4proto ${protocol} ct original proto-dst @${hiddenPorts(protocol)} masquerade`,
  ).join('\n')
  const known = podNetworks.length > 0
  const networks = `  set pod-networks { type ipv4_addr; flags interval;${known ? ` elements = { ${podNetworks.join(', ')} };` : ''} }`
  const foreign = known ? `\n    ct status dnat ct original ip daddr @${CLUSTER_ADDRESSES} ip saddr != @pod-networks masquerade` : ''
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  map services { typeof ${DESTINATION} : verdict; }
  map node-ports { typeof ${NODE_DESTINATION} : verdict; }
  map here-services { typeof ${DESTINATION} : verdict; }
  map here-node-ports { typeof ${NODE_DESTINATION} : verdict; }
  set ${CLUSTER_ADDRESSES} { type ipv4_addr; }
  set ${HIDDEN_ADDRESSES} { type ipv4_addr; }
  set ${HAIRPIN} { typeof ip saddr . ip daddr; }
  map ${REFUSED} { typeof ${DESTINATION} : verdict; }
  map ${REFUSED_PORTS} { typeof ${NODE_DESTINATION} : verdict; }
  map ${GUARDED} { typeof ${DESTINATION} : verdict; }
${hidden}
${networks}
  chain choose {
    fib saddr type local jump choose-here
    ip saddr @pod-networks jump choose-here
    ${PORTED} ${DESTINATION} vmap @services
    ${ON_NODE} ${PORTED} ${NODE_DESTINATION} vmap @node-ports
  }
  chain choose-here {
    ${PORTED} ${DESTINATION} vmap @here-services
    ${ON_NODE} ${PORTED} ${NODE_DESTINATION} vmap @here-node-ports
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
    ct status dnat ip saddr . ip daddr @${HAIRPIN} masquerade
    ct status dnat ct original ip daddr @${HIDDEN_ADDRESSES} masquerade
${hide}${foreign}
  }
  chain guard {
    ct state new ${PORTED} ${DESTINATION} vmap @${GUARDED}
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
    ${ON_NODE} ${PORTED} ${NODE_DESTINATION} vmap @${REFUSED_PORTS}
    fib daddr type local return
    ${PORTED} ${DESTINATION} vmap @${REFUSED}
    ip daddr @${CLUSTER_ADDRESSES} goto ${REFUSAL}
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
  const name = chooserName(chooser)
  const destination = byAddress(chooser.place) ? DESTINATION : NODE_DESTINATION
  if (chooser.affinitySeconds === undefined)
    return `add map ip ${table} ${name} { typeof ${destination} . numgen random mod ${chooser.size} : ip daddr . th dport; }
add chain ip ${table} ${name}
add rule ip ${table} ${name} dnat ip to ${destination} . numgen random mod ${chooser.size} map @${name}
`
  const memory = `${name}-memory`
  const client = `ip saddr . ${destination}`
  return `add map ip ${table} ${name} { typeof ${destination} . meta mark : ip daddr . th dport; }
add map ip ${table} ${memory} { typeof ${client} : meta mark; flags dynamic,timeout; timeout ${chooser.affinitySeconds}s; size 65536; }
add chain ip ${table} ${name}
add rule ip ${table} ${name} meta mark set numgen random mod ${chooser.size}
add rule ip ${table} ${name} update @${memory} { ${client} : numgen random mod ${chooser.size} }
add rule ip ${table} ${name} meta mark set ${client} map @${memory}
add rule ip ${table} ${name} dnat ip to ${destination} . meta mark map @${name}
`
}

/** A guard's chain, to be added once. No network admits nobody. */
export function guardRules(table: string, sources: readonly string[]): string {
  const name = guardName(sources)
  const refused = sources.length === 0 ? '' : `ip saddr != { ${sources.join(', ')} } `
  return `add chain ip ${table} ${name}\nadd rule ip ${table} ${name} ${refused}drop\n`
}

/** Removals first, additions after: a key may get a new value in one file. */
export function elementChanges(table: string, removed: readonly Element[], added: readonly Element[]): string {
  return listed('delete', table, removed) + listed('add', table, added)
}

const PER_COMMAND = 500

function listed(verb: 'add' | 'delete', table: string, elements: readonly Element[]): string {
  let text = ''
  for (const [container, members] of Map.groupBy(elements, (element) => element.container))
    for (let i = 0; i < members.length; i += PER_COMMAND) {
      const chunk = members
        .slice(i, i + PER_COMMAND)
        .map(({ key, value }) => (value === undefined || verb === 'delete' ? key : `${key} : ${value}`))
      text += `${verb} element ip ${table} ${container} { ${chunk.join(', ')} }\n`
    }
  return text
}

export function removeTable(table: string): string {
  return `add table ip ${table}\ndelete table ip ${table}\n`
}
