import assert from 'node:assert/strict'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { runCommand } from './host/command.ts'
import { cgroupDirs } from './host/cgroup-tree.ts'
import { runningContainerd, superviseContainerd } from './host/containerd-process.ts'
import { type Host, prepareHost } from './host/host.ts'
import type { HostOptions } from './host/layout.ts'
import { findProgram } from './host/machine/programs.ts'
import { releaseHost } from './host/release.ts'
import { type NodeHarness, deleted, nodeHarness, testPod } from './testing/node-harness.fixture.ts'
import { BUSYBOX_IMAGE, PAUSE_IMAGE, hasStaticBusybox, importTestImages } from './testing/tiny-image.fixture.ts'

/** Runs of this test beside each other share the machine's network. */
const POD_NETWORK = `10.253.${process.pid % 254}`

/** Why this machine cannot run it, or false. */
function missing(): string | false {
  if (process.geteuid?.() !== 0) return 'containers need root'
  for (const program of ['containerd', 'runc', 'nft', 'ctr', 'conntrack'])
    if (findProgram(program) === undefined) return `${program} is not installed`
  return hasStaticBusybox() ? false : 'busybox-static is not installed'
}

/** What this node has in all places of the machine where it could leave something. Other nodes on the machine come and go meanwhile. */
async function remains(scope: CancellableScope, { instance, rootDir, runDir = '' }: HostOptions): Promise<Record<string, unknown>> {
  const named = (dir: string, isOurs: (name: string) => boolean): string[] => (existsSync(dir) ? readdirSync(dir).filter(isOurs) : [])
  const lines = (text: string, ...words: string[]): string[] => text.split('\n').filter((line) => words.some((word) => line.includes(word)))
  return {
    mounts: lines(readFileSync('/proc/self/mountinfo', 'utf8'), rootDir, runDir),
    routes: lines(await runCommand(scope, 'ip', ['route']), `${POD_NETWORK}.`),
    cni: named('/var/lib/cni/results', (name) => name.includes(`sampan-${instance}-`)),
    tables: lines(await runCommand(scope, 'nft', ['list', 'tables']), `sampan_${instance}_`),
    runc: named('/run/containerd/runc/k8s.io', (id) => readWhenThere(`/run/containerd/runc/k8s.io/${id}/state.json`).includes(runDir)),
    shims: named('/proc', (pid) => readWhenThere(`/proc/${pid}/cmdline`).includes(`${runDir}/containerd.sock`)).length,
  }
}
function readWhenThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

describe('on a real containerd', { skip: missing(), timeout: 300_000 }, () => {
  const rootDir = mkdtempSync(join(tmpdir(), 'sampan-node-'))
  const options: HostOptions = {
    instance: `t${process.pid}`,
    rootDir,
    // Apart from instances that a person has: they would keep what belongs to the whole machine.
    runDir: `/run/sampan-test-${process.pid}/node`,
    podCidrs: [`${POD_NETWORK}.0/24`],
    clusterCidrs: ['10.253.0.0/16'],
    sandboxImage: PAUSE_IMAGE,
  }
  let scope = rootScope()
  let found: Record<string, unknown>
  let host: Host
  let node: NodeHarness

  before(async () => {
    found = await remains(scope, options)
    host = await prepareHost(scope, options)
    await importTestImages(scope, host.layout.containerd.socket, rootDir)
    node = nodeHarness(scope, host.runtime, rootDir, host)
    await node.manager.start([])
  })
  after(async () => {
    scope.cancel()
    await releaseHost(rootScope(), options)
    rmSync(rootDir, { recursive: true, force: true })
    rmSync(`/run/sampan-test-${process.pid}`, { recursive: true, force: true })
  })

  const killContainerd = (): void => {
    const pid = runningContainerd(host.layout)
    assert.ok(pid)
    process.kill(pid, 'SIGKILL')
  }
  const shell = (script: string): string[] => ['/bin/sh', '-c', script]
  const obedient = 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'
  const logOf = (name: string, container = 'main', run = 0): string =>
    readWhenThere(join(node.settings.logsDir, `default_${name}_uid-${name}`, container, `${run}.log`))
  const lines = (log: string): string[] =>
    log
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/^\S+ std(?:out|err) [FP] /, ''))
  const terminated = (name: string, at = 0) => node.status(name)?.containerStatuses?.[at]?.state?.terminated
  const remove = async (pod: ReturnType<typeof testPod>): Promise<void> => {
    node.manager.set(deleted(pod, 5))
    await node.until(`${pod.metadata?.name} gone`, () => node.manager.byUid(pod.metadata?.uid ?? '') === undefined)
  }

  test('an init container, volumes, environment and identity reach the process', async () => {
    node.configMaps.set('settings', { level: 'high' })
    node.secrets.set('keys', { key: 's3cret' })
    const pod = testPod('full', {
      restartPolicy: 'Never',
      hostname: 'harbour',
      securityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000, runAsNonRoot: true },
      volumes: [
        { name: 'shared', emptyDir: {} },
        { name: 'ram', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        { name: 'config', configMap: { name: 'settings' } },
        { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400 } },
      ],
      initContainers: [
        {
          name: 'first',
          image: BUSYBOX_IMAGE,
          command: shell('echo prepared > /shared/file'),
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
        },
      ],
      containers: [
        {
          name: 'main',
          image: BUSYBOX_IMAGE,
          env: [
            { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'BOTH', value: '$(POD_IP)/$(LEVEL)/$$(LEVEL)' },
            { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'settings', key: 'level' } } },
          ],
          command: shell(
            'id -u; id -g; id -G; cat /shared/file /config/level /keys/key; echo; echo $BOTH; hostname; stat -c %a /keys/..data/key; dd if=/dev/zero of=/ram/big bs=1M count=2 2>/dev/null || echo full; touch /config/x 2>/dev/null || echo read-only; cat /sub/x; echo bye > /dev/termination-log; exit 4',
          ),
          volumeMounts: [
            { name: 'shared', mountPath: '/shared' },
            { name: 'ram', mountPath: '/ram' },
            { name: 'config', mountPath: '/config' },
            { name: 'keys', mountPath: '/keys' },
            { name: 'shared', mountPath: '/sub/x', subPath: 'file' },
          ],
        },
      ],
    })
    node.manager.set(pod)
    await node.until('ended', () => node.status('full')?.phase === 'Failed')
    const ip = node.status('full')?.podIP ?? ''
    assert.ok(ip.startsWith(`${POD_NETWORK}.`), ip)
    assert.deepEqual(lines(logOf('full')), [
      '1000',
      '1000',
      '1000 2000',
      'prepared',
      'highs3cret',
      `${ip}/$(LEVEL)/$(LEVEL)`,
      'harbour',
      '440',
      'full',
      'read-only',
      'prepared',
    ])
    assert.equal(terminated('full')?.exitCode, 4)
    assert.equal(terminated('full')?.message, 'bye\n')
    assert.equal(node.status('full')?.initContainerStatuses?.[0]?.ready, true)
    await remove(pod)
  })

  test('a crash is seen, counted and explained by its log', async () => {
    const pod = testPod('crash', {
      containers: [
        { name: 'main', image: BUSYBOX_IMAGE, command: shell('echo broken; exit 7'), terminationMessagePolicy: 'FallbackToLogsOnError' },
      ],
    })
    node.manager.set(pod)
    await node.until('back-off', () => node.status('crash')?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff')
    const [found] = node.status('crash')?.containerStatuses ?? []
    assert.deepEqual(
      [found?.restartCount, found?.lastState?.terminated?.exitCode, found?.lastState?.terminated?.message],
      [1, 7, 'broken\n'],
    )
    await remove(pod)
  })

  test('too much memory is called so', async () => {
    const pod = testPod('greedy', {
      restartPolicy: 'Never',
      containers: [
        { name: 'main', image: BUSYBOX_IMAGE, command: shell('x=a; while :; do x=$x$x; done'), resources: { limits: { memory: '16Mi' } } },
      ],
    })
    node.manager.set(pod)
    await node.until('killed', () => terminated('greedy') !== undefined)
    assert.deepEqual([terminated('greedy')?.reason, terminated('greedy')?.exitCode], ['OOMKilled', 137])
    await remove(pod)
  })

  test('what must not start does not', async () => {
    const pod = testPod('root', { containers: [{ name: 'main', image: BUSYBOX_IMAGE, securityContext: { runAsNonRoot: true } }] })
    node.manager.set(pod)
    await node.until('refused', () => node.status('root')?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError')
    assert.equal(
      node.status('root')?.containerStatuses?.[0]?.state?.waiting?.message,
      'container has runAsNonRoot and image will run as root (pod: "root_default(uid-root)", container: main)',
    )
    await remove(pod)
  })

  test('limits change while a container runs', async () => {
    const asking = (cpu: string, memory: string) =>
      testPod('resized', {
        containers: [
          {
            name: 'main',
            image: BUSYBOX_IMAGE,
            command: shell(obedient),
            resources: { requests: { cpu, memory }, limits: { cpu, memory } },
          },
        ],
      })
    const limits = (...below: string[]): string[] => {
      const files = ['cpu.cfs_quota_us', 'cpu.max', 'memory.limit_in_bytes', 'memory.max']
      const dirs = cgroupDirs(host.machine.cgroups, join(host.layout.cgroupRoot, 'kubepods', 'poduid-resized', ...below))
      return dirs
        .flatMap((dir) => files.flatMap((file) => readWhenThere(join(dir, file)).split(' ')[0]?.trim() || []))
        .filter((_, at, all) => all.indexOf(all[at] ?? '') === at)
    }
    node.manager.set(asking('100m', '64Mi'))
    await node.until('running', () => node.status('resized')?.phase === 'Running')
    const id = node.status('resized')?.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? ''
    assert.deepEqual(limits(id).toSorted(), ['10000', String(64 * 2 ** 20)])
    node.manager.set(asking('300m', '128Mi'))
    await node.until('resized', () => node.status('resized')?.containerStatuses?.[0]?.resources?.limits?.['memory'] === '128Mi')
    for (const where of [[], [id]]) assert.deepEqual(limits(...where).toSorted(), [String(128 * 2 ** 20), '30000'])
    node.manager.set(asking('50m', '32Mi'))
    await node.until('resized', () => node.status('resized')?.containerStatuses?.[0]?.resources?.limits?.['memory'] === '32Mi')
    for (const where of [[], [id]]) assert.deepEqual(limits(...where).toSorted(), [String(32 * 2 ** 20), '5000'])
    assert.equal(node.status('resized')?.containerStatuses?.[0]?.restartCount, 0)
    await remove(asking('50m', '32Mi'))
  })

  test('the files of an image are a volume that is neither written nor executed', async () => {
    const pod = testPod('imaged', {
      restartPolicy: 'Never',
      volumes: [{ name: 'tools', image: { reference: BUSYBOX_IMAGE, pullPolicy: 'IfNotPresent' } }],
      containers: [
        {
          name: 'main',
          image: BUSYBOX_IMAGE,
          command: shell(
            'cat /tools/etc/group; cat /only/passwd | head -n 1; touch /tools/x 2>/dev/null || echo read-only; /tools/bin/busybox true 2>/dev/null || echo not executable',
          ),
          volumeMounts: [
            { name: 'tools', mountPath: '/tools' },
            { name: 'tools', mountPath: '/only', subPath: 'etc' },
          ],
        },
      ],
    })
    node.manager.set(pod)
    await node.until('ended', () => node.status('imaged')?.phase === 'Succeeded')
    assert.deepEqual(lines(logOf('imaged')), ['root:x:0:', 'nobody:x:65534:', 'root:x:0:0:root:/:/bin/sh', 'read-only', 'not executable'])
    await remove(pod)
    const views = await runCommand(scope, 'ctr', ['-a', host.layout.containerd.socket, '-n', 'k8s.io', 'snapshots', 'ls'])
    assert.equal(views.includes('sampan-volume-'), false)
  })

  test('a block volume is a device of the container', async (context) => {
    const file = join(rootDir, 'disk')
    await runCommand(scope, 'truncate', ['--size=1M', file])
    const device = await runCommand(scope, 'losetup', ['--find', '--show', file]).catch(() => undefined)
    if (device === undefined) return context.skip('the kernel has no loop devices')
    const path = device.trim()
    try {
      node.claims.set('disk', { metadata: { name: 'disk', uid: 'c' }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' } })
      node.volumes.set('pv', {
        metadata: { name: 'pv' },
        spec: { volumeMode: 'Block', local: { path }, claimRef: { name: 'disk', uid: 'c' }, capacity: {}, accessModes: ['ReadWriteOnce'] },
      })
      const pod = testPod('blocky', {
        restartPolicy: 'Never',
        volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'disk' } }],
        containers: [
          {
            name: 'main',
            image: BUSYBOX_IMAGE,
            command: shell('echo written | dd of=/dev/xda conv=fsync 2>/dev/null; stat -c %F /dev/xda'),
            volumeDevices: [{ name: 'disk', devicePath: '/dev/xda' }],
          },
        ],
      })
      node.manager.set(pod)
      await node.until('ended', () => node.status('blocky')?.phase === 'Succeeded')
      assert.deepEqual(lines(logOf('blocky')), ['block special file'])
      assert.equal(await runCommand(scope, 'head', ['--bytes=8', path]), 'written\n')
      await remove(pod)
      const mounting = testPod('mounting', {
        volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'disk' } }],
        containers: [{ name: 'main', image: BUSYBOX_IMAGE, volumeMounts: [{ name: 'disk', mountPath: '/disk' }] }],
      })
      node.manager.set(mounting)
      const waiting = () => node.status('mounting')?.containerStatuses?.[0]?.state?.waiting
      await node.until('refused', () => waiting()?.reason === 'CreateContainerConfigError')
      assert.equal(waiting()?.message, 'volume disk has volumeMode Block, but is specified in volumeMounts')
      await remove(mounting)
    } finally {
      await runCommand(scope, 'losetup', ['--detach', path])
    }
  })

  test('hooks and probes reach the container', async () => {
    const pod = testPod('hooked', {
      containers: [
        {
          name: 'main',
          image: BUSYBOX_IMAGE,
          command: shell(`httpd -p 8080 -h /tmp; ${obedient}`),
          lifecycle: {
            postStart: { exec: { command: shell('echo ok > /tmp/index.html') } },
            preStop: { exec: { command: shell('echo stopping > /proc/1/fd/1') } },
          },
          readinessProbe: { httpGet: { port: 8080, path: '/index.html' }, periodSeconds: 1 },
          livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
          startupProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
        },
      ],
    })
    node.manager.set(pod)
    await node.until('ready', () => node.status('hooked')?.containerStatuses?.[0]?.ready === true)
    // The log goes with the pod; who has it open reads on.
    const log = openSync(join(node.settings.logsDir, 'default_hooked_uid-hooked/main/0.log'), 'r')
    try {
      await remove(pod)
      assert.deepEqual(lines(readFileSync(log, 'utf8')), ['stopping'])
    } finally {
      closeSync(log)
    }
  })

  test('a host port leads to the pod', async () => {
    const pod = testPod('port', {
      containers: [
        {
          name: 'main',
          image: BUSYBOX_IMAGE,
          command: shell(`echo hello > /tmp/index.html; httpd -p 8080 -h /tmp; ${obedient}`),
          ports: [{ containerPort: 8080, hostPort: 38_117 }],
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        },
      ],
    })
    node.manager.set(pod)
    await node.until('ready', () => node.status('port')?.containerStatuses?.[0]?.ready === true)
    const answer = await fetch('http://127.0.0.1:38117/index.html')
    assert.equal(await answer.text(), 'hello\n')
    await remove(pod)
  })

  test('containers outlive containerd and the agent, and are adopted', async () => {
    const pod = testPod('lasting', {
      containers: [
        {
          name: 'main',
          image: BUSYBOX_IMAGE,
          command: shell('i=0; trap "exit 0" TERM; while :; do echo $i; i=$((i+1)); sleep 0.05; done'),
        },
      ],
    })
    node.manager.set(pod)
    await node.until('running', () => node.status('lasting')?.phase === 'Running')
    const id = node.status('lasting')?.containerStatuses?.[0]?.containerID
    scope.cancel()
    scope = rootScope()
    killContainerd()
    const again = await prepareHost(scope, options)
    assert.notEqual(again.containerdPid, host.containerdPid)
    host = again
    void superviseContainerd(scope, host.layout, host.machine, undefined, host.runtime)
    node = nodeHarness(scope, host.runtime, rootDir, host)
    await node.manager.start([pod])
    await node.until('adopted', () => node.status('lasting')?.phase === 'Running')
    assert.equal(node.status('lasting')?.containerStatuses?.[0]?.containerID, id)
    assert.equal(node.status('lasting')?.containerStatuses?.[0]?.restartCount, 0)
    const count = lines(logOf('lasting')).length
    await node.until('it still writes', () => lines(logOf('lasting')).length > count + 5)
    assert.deepEqual(
      lines(logOf('lasting')).slice(0, count),
      Array.from({ length: count }, (_, at) => String(at)),
    )

    // Once more while the agent lives: the supervisor starts it again by itself.
    killContainerd()
    const other = testPod('later', { restartPolicy: 'Never', containers: [{ name: 'main', image: BUSYBOX_IMAGE, command: ['true'] }] })
    node.manager.set(other)
    await node.until('works again', () => node.status('later')?.phase === 'Succeeded')
    await remove(other)
    await remove(pod)
  })

  test('pods leave nothing behind', async () => {
    await node.until('no workers', () => node.manager.workers.length === 0)
    assert.deepEqual(await host.runtime.listPodSandboxes(scope), [])
    assert.deepEqual(readdirSync(node.settings.podsDir), [])
    assert.deepEqual(readdirSync(join(rootDir, 'memory')), [])
    const leases = readdirSync(join(host.layout.cni.dataDir, host.layout.cni.networkName)).filter((name) => /^\d/.test(name))
    assert.deepEqual(leases, [])
    for (const dir of cgroupDirs(host.machine.cgroups, `${host.layout.cgroupRoot}/kubepods`)) {
      const pods = readdirSync(dir, { recursive: true }).filter(
        (name) => String(name).includes('/pod') && statSync(join(dir, String(name))).isDirectory(),
      )
      assert.deepEqual(pods, [])
    }
  })

  test('a node that is released leaves the machine as it was, whatever still ran', async () => {
    node.manager.set(
      testPod('left', {
        volumes: [{ name: 'ram', emptyDir: { medium: 'Memory' } }],
        containers: [{ name: 'main', image: BUSYBOX_IMAGE, command: shell(obedient), volumeMounts: [{ name: 'ram', mountPath: '/ram' }] }],
      }),
    )
    await node.until('running', () => node.status('left')?.phase === 'Running')
    scope.cancel()
    scope = rootScope()
    killContainerd()
    await releaseHost(scope, options)
    assert.deepEqual(await remains(scope, options), found)
    assert.deepEqual(cgroupDirs(host.machine.cgroups, host.layout.cgroupRoot), [])
    assert.equal(existsSync(host.layout.runDir), false)
  })
})
