import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { diagnose } from './diagnose.ts'
import type { DoctorFacts, RuntimeFacts, Trials } from './doctor-facts.ts'
import type { Finding } from './finding.ts'
import { listenersOf, takenPorts } from './ports.ts'
import { containerdVersion, featuresOf } from './runtime-facts.ts'

const PAGE = join(import.meta.dirname, '../../../docs/reference/doctor.md')
const NEEDED = ['containerd', 'containerd-shim-runc-v2', 'runc', 'nft', 'nsenter', 'iptables', 'conntrack']
const CONTROLLERS = ['cpu', 'memory', 'pids', 'cpuset', 'hugetlb']

const machine: DoctorFacts['machine'] = {
  isRoot: true,
  programs: Object.fromEntries(NEEDED.map((name) => [name, `/usr/bin/${name}`])),
  cniPlaces: ['/usr/lib/cni'],
  cniBinDir: '/usr/lib/cni',
  filesystems: new Set(['overlay']),
  namespaces: new Set(['mnt', 'net', 'pid', 'uts', 'ipc', 'user']),
  cgroups: { version: 2, mount: '/sys/fs/cgroup' },
  controllers: new Set(CONTROLLERS),
  countsSwap: true,
  capabilities: 2n ** 40n - 1n,
  apparmor: true,
  seccomp: true,
}
const trials: Trials = {
  'pod links': undefined,
  'pod rules': undefined,
  services: undefined,
  policies: undefined,
  overlay: undefined,
  'host ports': undefined,
  bandwidth: undefined,
}
const runtime: RuntimeFacts = {
  containerd: '2.3.7',
  runc: '1.4.4',
  userNamespaces: true,
  recursiveReadOnlyMounts: true,
  supplementalGroupsPolicy: true,
  told: true,
}
const whole: DoctorFacts = {
  machine,
  missing: [],
  canInstall: false,
  architecture: 'x64',
  trials,
  hasIPv6: true,
  wantsIPv6: false,
  hasSctp: true,
  filtersBridges: true,
  hasHurrySwitch: true,
  volumeFilesystem: 'xfs',
  hasLoopDevices: true,
  runtime,
  gateway: { isWanted: false, version: '2.6.12', speaksLua: true },
  shortages: [],
  room: { dir: '/', diskBytes: 2 ** 40, memoryBytes: 2 ** 34 },
  listeners: [],
  wantedPorts: [],
}
const without = (...names: readonly string[]): ReadonlySet<string> => new Set(CONTROLLERS.filter((name) => !names.includes(name)))
const HAPROXY = { program: 'haproxy', package: 'haproxy' }
const wanted = { protocol: 'tcp', address: '10.0.0.5', port: 10_250, what: 'the agent', isFlexible: false } as const

const LACKS: readonly (readonly [string, Partial<DoctorFacts>, readonly string[]])[] = [
  ['root', { machine: { ...machine, isRoot: false }, trials: undefined }, ['machine blocks', 'network unknown']],
  ['a program where nobody installs it', { machine: { ...machine, programs: {} } }, ['programs blocks']],
  ['a program', { canInstall: true, missing: [HAPROXY] }, ['programs installs']],
  ['the overlay file system', { machine: { ...machine, filesystems: new Set() } }, ['machine blocks']],
  [
    'namespaces',
    { machine: { ...machine, namespaces: new Set(['mnt', 'net', 'pid', 'uts']) } },
    ['machine blocks', 'user namespaces limits'],
  ],
  ['control groups', { machine: { ...machine, cgroups: undefined, controllers: new Set() } }, ['machine blocks']],
  ['a controller of version 2', { machine: { ...machine, controllers: without('pids') } }, ['machine blocks', 'control groups limits']],
  [
    'controllers of version 1',
    { machine: { ...machine, cgroups: { version: 1, controllers: {} }, controllers: without('pids', 'hugetlb') } },
    ['control groups limits', 'control groups limits'],
  ],
  ['a capability', { machine: { ...machine, capabilities: 0n } }, ['capabilities limits']],
  ['seccomp', { machine: { ...machine, seccomp: false } }, ['machine blocks', 'seccomp blocks']],
  ['AppArmor', { machine: { ...machine, apparmor: false } }, ['AppArmor limits']],
  ['what Services are made of', { trials: { ...trials, services: 'Error: no numgen' } }, ['services blocks']],
  ['VXLAN', { trials: { ...trials, overlay: 'Unknown device type' } }, ['overlay limits']],
  ['IPv6', { hasIPv6: false }, ['IPv6 limits']],
  ['IPv6, and the cluster speaks it', { hasIPv6: false, wantsIPv6: true }, ['IPv6 blocks']],
  ['SCTP', { hasSctp: false }, ['SCTP limits']],
  ['a filter for bridges', { filtersBridges: false }, ['bridges limits']],
  ['a quick kernel', { hasHurrySwitch: false }, ['quick grace periods limits']],
  [
    'a newer containerd',
    {
      runtime: { ...runtime, containerd: '1.6.20', userNamespaces: false, recursiveReadOnlyMounts: false, supplementalGroupsPolicy: false },
    },
    ['user namespaces limits', 'strict groups limits', 'recursive read-only mounts limits', 'devices by their CDI names limits'],
  ],
  ['HAProxy', { gateway: { isWanted: false, version: undefined, speaksLua: false } }, ['HAProxy limits']],
  ['HAProxy, and the cluster has a gateway', { gateway: { isWanted: true, version: '2.6', speaksLua: false } }, ['HAProxy blocks']],
  [
    'HAProxy where up installs it',
    { canInstall: true, gateway: { isWanted: true, version: undefined, speaksLua: false } },
    ['HAProxy installs'],
  ],
  ['XFS', { volumeFilesystem: 'ext4' }, ['volumes limits']],
  ['loop devices', { hasLoopDevices: false }, ['volumes limits']],
  ['memory', { room: { ...whole.room, memoryBytes: 2 ** 27 } }, ['memory limits']],
  ['disk', { shortages: [{ signal: 'nodefs.available', available: 2 ** 20, least: 2 ** 30 }] }, ['disk limits']],
  ['processes', { shortages: [{ signal: 'pid.available', available: 2, least: 3 }] }, ['processes limits']],
  ['a port', { wantedPorts: [wanted], listeners: [{ protocol: 'tcp', address: '*', port: 10_250 }] }, ['ports blocks']],
  [
    'a port that can be another one',
    { wantedPorts: [{ ...wanted, isFlexible: true }], listeners: [{ protocol: 'tcp', address: '10.0.0.5', port: 10_250 }] },
    ['ports limits'],
  ],
  ['a tried processor', { architecture: 'arm64' }, ['processor limits']],
]

const lacking = (findings: readonly Finding[]): readonly Finding[] => findings.filter(({ state }) => state !== 'ok')

describe('the doctor', () => {
  it('has nothing to say of a machine that has everything', () => {
    assert.deepEqual(lacking(diagnose(whole)), [])
  })
  for (const [what, change, expected] of LACKS)
    it(`says what does not work without ${what}`, () => {
      const found = lacking(diagnose({ ...whole, ...change }))
      assert.deepEqual(
        found.map((finding) => `${finding.what} ${finding.state}`),
        expected,
      )
      for (const { means = '' } of found) assert.notEqual(means, '')
    })
  it('has a page that tells of everything that it looks at, and of nothing else', () => {
    const rows = readFileSync(PAGE, 'utf8').matchAll(/^\| `([^`]+)` \|/gm)
    assert.deepEqual(new Set([...rows].map(([, name]) => name)), new Set(diagnose(whole).map(({ what }) => what)))
  })
})

describe('what the machine says of itself', () => {
  it('listeners, as the kernel writes them', () => {
    const head = '  sl  local_address rem_address   st\n'
    const tcp = `${head}   0: 0500000A:280A 00000000:0000 0A\n   1: 00000000:192B 00000000:0000 0A\n   2: 0500000A:1234 0600000A:0050 01\n`
    const tcp6 = `${head}   0: 00000000000000000000000000000000:0050 0:0000 0A\n   1: 0000000000000000FFFF00000500000A:01BB 0:0 0A\n   2: 000053FD000000000000000001000000:0035 0:0 0A\n`
    assert.deepEqual(listenersOf(tcp, 'tcp'), [
      { protocol: 'tcp', address: '10.0.0.5', port: 10_250 },
      { protocol: 'tcp', address: '*', port: 6443 },
    ])
    assert.deepEqual(
      listenersOf(tcp6, 'tcp').map(({ address, port }) => `${address} ${port}`),
      ['* 80', '10.0.0.5 443'],
    )
  })
  it('another address, protocol or port is nobody in the way', () => {
    const others = [
      { protocol: 'tcp', address: '127.0.0.1', port: 10_250 },
      { protocol: 'udp', address: '*', port: 10_250 },
      { protocol: 'tcp', address: '*', port: 10_251 },
    ] as const
    assert.deepEqual(takenPorts(others, [wanted]), [])
    assert.deepEqual(takenPorts(others, [{ ...wanted, address: '*' }]).length, 1)
  })
  it('versions and features, also of programs that know no such word', () => {
    assert.equal(containerdVersion('containerd github.com/containerd/containerd/v2 v2.3.7 abc'), '2.3.7')
    assert.equal(containerdVersion('containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1'), '1.6.20')
    assert.equal(containerdVersion('what?'), undefined)
    assert.deepEqual(featuresOf('{"mountOptions":["rro"],"linux":{"mountExtensions":{"idmap":{"enabled":true}}}}'), {
      idMappedMounts: true,
      recursiveReadOnlyMounts: true,
    })
    assert.deepEqual(featuresOf(''), { idMappedMounts: false, recursiveReadOnlyMounts: false })
  })
})
