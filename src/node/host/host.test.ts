import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { containerdConfig } from './containerd-config.ts'
import { type HostOptions, layoutOf } from './layout.ts'
import { cgroupLayoutOf } from './machine/cgroup-layout.ts'
import { cniConfig, nodeRules } from './network/pod-network.ts'
import { mountsBelow } from './release.ts'

const options: HostOptions = {
  instance: 'a-b',
  rootDir: '/var/lib/x',
  clusterCidrs: ['10.244.0.0/16', '10.96.0.0/16'],
  sandboxImage: 'pause:1',
}
const layout = layoutOf(options)

describe('what a node is made of', () => {
  test('two instances share no name and no path', () => {
    const other = layoutOf({ ...options, instance: 'c', rootDir: '/var/lib/y' })
    const names = (value: object): string[] =>
      Object.values(value).flatMap((one: unknown) => (typeof one === 'object' && one !== null ? names(one) : [String(one)]))
    assert.deepEqual(
      names(layout).filter((name) => names(other).includes(name)),
      [],
    )
  })
  test('containerd is told what the machine forbids', () => {
    const config = (mayLowerOomScore: boolean): string => containerdConfig(options, layout, { cniBinDir: '/cni', mayLowerOomScore })
    assert.match(config(false), /^restrict_oom_score_adj = true$/m)
    assert.match(config(true), /^restrict_oom_score_adj = false$/m)
    assert.match(config(true), /^netns_mounts_under_state_dir = true$/m)
    assert.match(config(true), /^use_local_image_pull = true$/m)
  })
  test('only pods with host ports or limits pay for the plugins of these', () => {
    const types = (...further: Parameters<typeof cniConfig>[3]): string[] =>
      (JSON.parse(cniConfig(options, layout, ['10.244.0.0/24'], further)) as { plugins: { type: string }[] }).plugins.map(
        ({ type }) => type,
      )
    assert.deepEqual(
      [types(), types('portmap'), types('portmap', 'bandwidth')],
      [['ptp'], ['ptp', 'portmap'], ['ptp', 'portmap', 'bandwidth']],
    )
  })
  test('addresses of the cluster are not masqueraded', () => {
    assert.match(
      nodeRules(options, layout, ['10.244.0.0/24'], true),
      /ip saddr 10\.244\.0\.0\/24 ip daddr != { 10\.244\.0\.0\/16, 10\.96\.0\.0\/16 } .*masquerade/,
    )
  })
})

describe('reading the machine', () => {
  const v1 =
    '30 1 0:20 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n31 1 0:21 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n32 1 0:22 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n'
  const v2 = '33 1 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
  test('cgroup v1, alone or beside an empty v2', () => {
    const expected = {
      version: 1,
      controllers: {
        memory: '/sys/fs/cgroup/memory',
        cpu: '/sys/fs/cgroup/cpu,cpuacct',
        cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
        'name=systemd': '/sys/fs/cgroup/systemd',
      },
    }
    assert.deepEqual(cgroupLayoutOf(v1), expected)
    assert.deepEqual(cgroupLayoutOf(v2 + v1), expected)
  })
  test('cgroup v2', () => assert.deepEqual(cgroupLayoutOf(v2), { version: 2, mount: '/sys/fs/cgroup' }))
  test('none', () => assert.equal(cgroupLayoutOf('1 1 0:1 / / rw - ext4 /dev/vda rw\n'), undefined))
  test('mounts below a directory, innermost first, and no others', () => {
    const mountinfo = ['1 1 0:1 / /a rw - x', '2 1 0:1 / /a/b rw - x', '3 1 0:1 / /ab rw - x', '4 1 0:1 / /a/b/c\\040d rw - x'].join('\n')
    assert.deepEqual(mountsBelow(mountinfo, ['/a']), ['/a/b/c d', '/a/b', '/a'])
    assert.deepEqual(mountsBelow(mountinfo, ['/a/b/c d']), ['/a/b/c d'])
  })
})
