import { type IpFamily, familiesOf, familyOf } from '#api'
import type { HostLayout, HostOptions } from '../layout.ts'
import { POD_BRIDGE } from './bridge.ts'
import { type LinkPlugin, quickPlugin } from './ipv6.ts'

const EVERYWHERE: Readonly<Record<IpFamily, string>> = { IPv4: '0.0.0.0/0', IPv6: '::/0' }

/** What is done for some pods only: containerd tells these plugins of host ports, and of the limits that annotations of the pod set. */
const FURTHER = {
  portmap: { type: 'portmap', snat: true, capabilities: { portMappings: true } },
  bandwidth: { type: 'bandwidth', capabilities: { bandwidth: true } },
} as const
type Further = keyof typeof FURTHER

/** A pod reaches itself through a Service only where the switch sends back by the port that a packet came from. */
const LINKS: Readonly<Record<LinkPlugin, object>> = {
  ptp: {},
  bridge: { bridge: POD_BRIDGE, isGateway: true, hairpinMode: true },
}

/**
 * Point-to-point links: every packet of a pod crosses the node's forward hook, so services and policies need no bridge netfilter, and a
 * sandbox starts a few milliseconds sooner than on a bridge. The default route must be named, or pods have none. A pod gets an address out of each range.
 */
export function cniConfig(options: HostOptions, layout: HostLayout, podCidrs: readonly string[], further: readonly Further[]): string {
  const families = familiesOf(podCidrs)
  const plugin = options.bridge === true ? 'bridge' : 'ptp'
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: layout.cni.networkName,
    plugins: [
      {
        type: families.includes('IPv6') ? quickPlugin(plugin) : plugin,
        ...LINKS[plugin],
        ipMasq: false,
        ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
        ipam: {
          type: 'host-local',
          dataDir: layout.cni.dataDir,
          ranges: podCidrs.map((subnet) => [{ subnet }]),
          routes: families.map((family) => ({ dst: EVERYWHERE[family] })),
        },
      },
      ...further.map((type) => FURTHER[type]),
    ],
  })
}

const WORDS = {
  IPv4: { ip: 'ip', multicast: '224.0.0.0/4' },
  IPv6: { ip: 'ip6', multicast: 'ff00::/8' },
} as const

/**
 * Pods reach the world under the node's address, and everything of the cluster under their own. A pod tells nobody that it is a router, whatever its node thinks of
 * such news: an answer to the wrong question would lead the node's packets to it. Replaces what is there at once.
 */
export function nodeRules(options: HostOptions, layout: HostLayout, podCidrs: readonly string[], kernelSpeaksIPv6: boolean): string {
  const table = (family: IpFamily, chains: readonly string[]): readonly string[] => {
    const name = `table ${WORDS[family].ip} ${layout.nftTable}`
    return [name, `delete ${name}`, `${name} {`, ...chains.map((line) => `  ${line}`), '}']
  }
  const egress = (family: IpFamily): readonly string[] => {
    const own = podCidrs.filter((cidr) => familyOf(cidr) === family)
    if (own.length === 0) return []
    const { ip, multicast } = WORDS[family]
    const cluster = options.clusterCidrs.filter((cidr) => familyOf(cidr) === family)
    const kept = cluster.length === 0 ? own : cluster
    return [
      'chain postrouting {',
      '  type nat hook postrouting priority srcnat + 10; policy accept;',
      ...own.map((cidr) => `  ${ip} saddr ${cidr} ${ip} daddr != { ${kept.join(', ')} } ${ip} daddr != ${multicast} masquerade`),
      '}',
    ]
  }
  const guard = [
    'chain guard {',
    '  type filter hook prerouting priority raw; policy accept;',
    ...['veth*', POD_BRIDGE].map((link) => `  iifname "${link}" icmpv6 type { nd-router-advert, nd-redirect } drop`),
    '}',
  ]
  return [...table('IPv4', egress('IPv4')), ...(kernelSpeaksIPv6 ? table('IPv6', [...egress('IPv6'), ...guard]) : []), ''].join('\n')
}

/** Works whether they are there or not. */
export const removeNodeRules = (layout: HostLayout, kernelSpeaksIPv6: boolean): string =>
  (kernelSpeaksIPv6 ? ['ip', 'ip6'] : ['ip'])
    .map((ip) => `table ${ip} ${layout.nftTable}\ndelete table ${ip} ${layout.nftTable}\n`)
    .join('')
