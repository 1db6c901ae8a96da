import { type IpFamily } from '#api'
import type { Scope } from '#base'
import { runCommand } from '../command.ts'
import { layoutOf } from '../layout.ts'
import { nodeRules } from './pod-network.ts'

/**
 * Whether the kernel takes what pods' networks are made of: each rejects with what it says where it does not. What they make stays: they are for a
 * network (a path) that is thrown away.
 */
const OPTIONS = { instance: 'trial', rootDir: '/nowhere', sandboxImage: '' }
const PODS: Readonly<Record<IpFamily, string>> = { IPv4: '10.255.255.0/24', IPv6: 'fd53:616d:ffff:ffff::/64' }

/** The rules of every node, by which pods reach the world. */
export async function tryPodRules(scope: Scope, netns: string, families: readonly IpFamily[]): Promise<void> {
  const options = { ...OPTIONS, clusterCidrs: [] }
  const cidrs = families.map((family) => PODS[family])
  await inside(scope, netns, ['nft', '-f', '-'], nodeRules(options, layoutOf(options), cidrs, families.includes('IPv6')))
}

/** What the plugin `ptp` makes. */
export async function tryPodLinks(scope: Scope, netns: string): Promise<void> {
  await inside(scope, netns, ['ip', 'link', 'add', 'trial0', 'type', 'veth', 'peer', 'name', 'trial1'])
}

/** What the plugin `portmap` asks of iptables. */
export async function tryHostPorts(scope: Scope, netns: string): Promise<void> {
  const rules = [
    [
      '-p',
      'tcp',
      '-m',
      'multiport',
      '--dports',
      '80',
      '-m',
      'addrtype',
      '--dst-type',
      'LOCAL',
      '-j',
      'MARK',
      '--set-xmark',
      '0x2000/0x2000',
    ],
    ['-p', 'tcp', '--dport', '80', '-j', 'DNAT', '--to-destination', '10.255.255.2:80'],
  ]
  for (const rule of rules) await inside(scope, netns, ['iptables', '-w', '-t', 'nat', '-A', 'OUTPUT', ...rule])
}

/** What the plugin `bandwidth` makes. */
export async function tryShaping(scope: Scope, netns: string): Promise<void> {
  await inside(scope, netns, ['ip', 'link', 'add', 'trial2', 'type', 'ifb'])
  await inside(scope, netns, ['tc', 'qdisc', 'add', 'dev', 'trial2', 'root', 'tbf', 'rate', '1mbit', 'burst', '32kbit', 'latency', '25ms'])
}

async function inside(scope: Scope, netns: string, [program = '', ...args]: readonly string[], input = ''): Promise<void> {
  await runCommand(scope, 'nsenter', [`--net=${netns}`, program, ...args], { input })
}
