import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { kernelSetting } from '#testing'
import { type HostOptions, layoutOf } from '../layout.ts'
import { kernelSpeaksIPv6 } from './ipv6.ts'
import { nodeRules, removeNodeRules } from './pod-network.ts'

const OPTIONS: HostOptions = { instance: 'ra-test', rootDir: '/nowhere', clusterCidrs: [], sandboxImage: 'none' }
const PODS = ['10.244.0.0/24']
/** "I am a router for half an hour", to all neighbours, as only a link-local sender with the highest hop limit is believed. */
const ADVERTISE = `use Socket; socket(S, AF_INET6, SOCK_RAW, 58) or die $!; setsockopt(S, 41, 18, pack("i", 255)) or die $!;
send(S, pack("CCnCCnNN", 134, 0, 0, 64, 0, 1800, 0, 0), 0, pack_sockaddr_in6(0, pack("n8", 0xff02, 0, 0, 0, 0, 0, 0, 1), $ARGV[0])) or die $!;`

const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

function why(): string | false {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces'
  if (!kernelSpeaksIPv6()) return 'the kernel has no IPv6'
  try {
    run('perl', '-MSocket', '-e', '1')
    run('nft', '--version')
    return false
  } catch {
    return 'needs perl and nft'
  }
}

describe('a pod that says that it is a router', { skip: why() }, () => {
  const [node, pod] = [`sampan-ra${process.pid}-node`, `sampan-ra${process.pid}-pod`]
  const inside = (name: string, ...command: readonly string[]): string => run('nsenter', `--net=/run/netns/${name}`, ...command)
  const routers = (): string => run('ip', '-n', node, '-6', 'route', 'show', 'proto', 'ra')
  const nft = (commands: string): void => void execFileSync('nsenter', [`--net=/run/netns/${node}`, 'nft', '-f', '-'], { input: commands })
  const advertise = async (): Promise<void> => {
    const [index = ''] = /^\d+/.exec(run('ip', '-n', pod, '-o', 'link', 'show', 'eth0')) ?? []
    for (let i = 0; i < 3; i++) {
      inside(pod, 'perl', '-e', ADVERTISE, index)
      await sleep(50)
    }
  }

  before(() => {
    for (const name of [node, pod]) {
      run('ip', 'netns', 'add', name)
      kernelSetting(name, 'net/ipv6/conf/default/accept_dad', 0)
      kernelSetting(name, 'net/ipv6/conf/default/accept_ra', 2)
    }
    run('ip', '-n', node, 'link', 'add', 'veth1a2b3c4d', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod)
    run('ip', '-n', node, 'link', 'set', 'veth1a2b3c4d', 'up')
    run('ip', '-n', pod, 'link', 'set', 'eth0', 'up')
  })
  after(() => {
    for (const name of [node, pod]) run('ip', 'netns', 'delete', name)
  })

  it("is not heard by its node, even if the node's kernel would believe routers", async () => {
    nft(nodeRules(OPTIONS, layoutOf(OPTIONS), PODS, true))
    await advertise()
    assert.equal(routers(), '')
    // That it was the rules.
    nft(removeNodeRules(layoutOf(OPTIONS), true))
    await advertise()
    assert.match(routers(), /default via fe80::/)
  })
})
