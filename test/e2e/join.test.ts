import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { issueLeaf, pairFileText, parsePairFile } from '#base'
import { type apps, type core, refs } from '#api'
import type { Client } from '#client'
import {
  type CommandResult,
  type MachineCluster,
  commandOutput,
  machineCluster,
  networkMark,
  noMachineCluster,
  runCommand,
  tracesOf,
} from '#testing'
import { eventually } from '#testing/basics'
import { hostOptions, readInstance, running } from '#main'
import { layoutOf } from '#node'
import { importToolbox, toolbox } from './toolbox.ts'

const SAMPAN = join(import.meta.dirname, '../../sampan')
const SHORT_LIFE_MS = 25_000

const WEB: apps.Deployment = {
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 100, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } } },
            ],
          },
        },
        containers: [{ name: 'main', image: toolbox(1), readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 } }],
      },
    },
  },
}

/** A second machine: a network namespace on the cluster's switch, with a state folder and a containerd of its own. The tests build on each other, in this order. */
describe('a machine that joins a cluster', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  let machine: string
  let command: readonly string[]
  const stateDir = (): string => join(dirname(cluster.stateDir), 'second')
  const name = (): string => `${cluster.name}x`

  const env = { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter), NO_COLOR: '1' }
  const onSecond = (...args: readonly string[]): Promise<CommandResult> =>
    runCommand('nsenter', [`--net=/run/netns/${machine}`, SAMPAN, ...args, '--name', name(), '--state-dir', stateDir()], { env })
  const onFirst = (...args: readonly string[]): Promise<CommandResult> =>
    runCommand(SAMPAN, [...args, '--name', cluster.name, '--state-dir', cluster.stateDir], { env })
  const mustOnFirst = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await onFirst(...args)
    assert.equal(code, 0, stdout + stderr)
    return stdout
  }
  const mustOnSecond = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await onSecond(...args)
    assert.equal(code, 0, stdout + stderr)
    return stdout
  }
  const webPods = async (): Promise<readonly core.Pod[]> =>
    (await client.resource(refs.pods).list(cluster.scope, { namespace: 'default', labelSelector: 'app=web' })).items.filter(
      ({ metadata }) => metadata?.deletionTimestamp === undefined,
    )
  const placedOn = async (): Promise<readonly string[]> => (await webPods()).map(({ spec }) => spec?.nodeName ?? '').sort()
  const ready = async (count: number): Promise<boolean> =>
    (await client.resource(refs.deployments).get(cluster.scope, { namespace: 'default', name: 'web' })).status?.availableReplicas === count

  before(async () => {
    cluster = await machineCluster('join')
    await cluster.must('up', '--no-example', '--network', 'overlay')
    client = await cluster.client()
    await importToolbox(cluster)
    const { network = '', machineAddress } = cluster.instance
    machine = `${network}-second`
    const address = machineAddress.replace(/\d+$/, '77')
    await commandOutput('ip', ['netns', 'add', machine])
    for (const line of [
      `-n ${machine} link add eth0 type veth peer name to-second netns ${network}`,
      `-n ${network} link set to-second master switch`,
      `-n ${network} link set to-second up`,
      `-n ${machine} link set lo up`,
      `-n ${machine} address add ${address}/24 dev eth0`,
      `-n ${machine} link set eth0 up`,
      `-n ${machine} route add default via ${machineAddress}`,
    ])
      await commandOutput('ip', line.split(' '))
    // The name of a namespace is not the machine's.
    command = [...(await mustOnFirst('token', 'create', '--print-join-command')).trim().split(' ').slice(1), '--node-name', 'second']
  })
  after(async () => {
    await onSecond('reset').catch(() => undefined)
    await runCommand('ip', ['netns', 'delete', machine])
    await cluster.remove()
  })

  it('does not join one that it cannot trust, and leaves nothing behind then', async () => {
    const refused = async (change: (word: string) => string, message: RegExp): Promise<void> => {
      const { code, stderr } = await onSecond(...command.map(change))
      assert.equal(code, 2)
      assert.match(stderr, message)
    }
    await refused(
      (word) => word.replace(/^sha256:./, (start) => (start.endsWith('0') ? 'sha256:1' : 'sha256:0')),
      /is not the one that was named/,
    )
    await refused(
      (word) => word.replace(/^([a-z0-9]{6})\.[a-z0-9]{16}$/, '$1.0123456789abcdef'),
      /is not signed with the secret of the token/,
    )
    await refused((word) => word.replace(/:\d+$/, ':1'), /cannot be reached/)
    assert.match((await onSecond('status')).stderr, /there is no cluster in/)
  })

  it('is a node once it has: pods run there, reach others, and are reached through the API', async () => {
    await mustOnSecond(...command)
    await importToolboxOnSecond()
    await client.resource(refs.deployments).create(cluster.scope, WEB)
    await eventually('both are ready', () => ready(2), 60_000)
    assert.deepEqual(await placedOn(), ['second', cluster.instance.nodes[0].name].sort())
    const pod = (await webPods()).find(({ spec }) => spec?.nodeName === 'second')
    const other = (await webPods()).find(({ spec }) => spec?.nodeName !== 'second')
    const script = `fetch('http://${other?.status?.podIP}:8080/').then((a) => a.text()).then(console.log)`
    const said = await cluster.mustKubectl(['exec', pod?.metadata?.name ?? '', '--', '/usr/local/bin/node', '-e', script])
    assert.match(said, /version 1/)
    await cluster.mustKubectl(['get', '--raw', '/api/v1/nodes/second/proxy/healthz'])
    assert.match(await mustOnSecond('status'), /second +ready[^]*Nothing is wrong/)
  })

  it('may join again, and not as another', async () => {
    assert.match(await mustOnSecond(...command), /certificate .*is there already[^]*runs already/)
    const other = command.map((word) => (word === 'second' ? 'third' : word))
    assert.match((await onSecond(...other)).stderr, /this machine has joined as second/)
    assert.equal((await client.resource(refs.nodes).list(cluster.scope)).items.length, 2)
  })

  it('has its certificates renewed while a stream goes on, and speaks with the new ones when the old ones have ended', async () => {
    // As if their time were nearly up: its own ones, but short.
    const pki = join(cluster.stateDir, 'pki')
    const authority = { certificate: readFileSync(join(pki, 'ca.crt'), 'utf8'), key: readFileSync(join(pki, 'ca.key'), 'utf8') }
    const fileOf = (certificate: string): string => join(stateDir(), 'pki', certificate)
    const names = ['second', nodeAddress()]
    const subject = { commonName: 'system:node:second', organizations: ['system:nodes'] }
    const short = { subject, lifetimeMs: SHORT_LIFE_MS }
    writeFileSync(fileOf('node-client.pem'), pairFileText(await issueLeaf(cluster.scope, authority, { ...short, usages: ['clientAuth'] })))
    writeFileSync(
      fileOf('node-serving.pem'),
      pairFileText(await issueLeaf(cluster.scope, authority, { ...short, usages: ['serverAuth'], names })),
    )
    const endMs = Date.now() + SHORT_LIFE_MS
    const shortOnes = ['node-client.pem', 'node-serving.pem'].map((file) => parsePairFile(readFileSync(fileOf(file), 'utf8'))?.certificate)
    // Its supervisor starts it again, with these.
    process.kill(running(stateDir(), 'agent')?.pid ?? 0, 'SIGKILL')
    const pod = (await webPods()).find(({ spec }) => spec?.nodeName === 'second')?.metadata?.name ?? ''
    await eventually('its API answers again', async () => (await cluster.kubectl(['logs', pod])).code === 0, 20_000)
    const stream = cluster.startKubectl(['logs', '-f', '--tail=1', pod])
    await stream.until(/tick/)
    const renewed = (): boolean =>
      ['node-client.pem', 'node-serving.pem'].every(
        (file, i) => parsePairFile(readFileSync(fileOf(file), 'utf8'))?.certificate !== shortOnes[i],
      )
    await eventually('both are renewed', renewed, SHORT_LIFE_MS)
    await eventually('the old ones have ended', () => Date.now() > endMs + 2000, SHORT_LIFE_MS)
    const soFar = stream.stdout.length
    await eventually('the stream goes on', () => stream.stdout.length > soFar, 5000)
    await stream.stop()
    assert.equal(await shownSerial(nodeAddress()), serialOf(readFileSync(fileOf('node-serving.pem'), 'utf8')))
    // A beat and a pod need the node's own.
    await client.resource(refs.pods).delete(cluster.scope, { namespace: 'default', name: pod })
    await eventually(
      'a new pod runs there',
      async () =>
        (await ready(2)) && (await placedOn()).includes('second') && !(await webPods()).some(({ metadata }) => metadata?.name === pod),
      60_000,
    )
    const lease = await client.resource(refs.leases).get(cluster.scope, { namespace: 'kube-node-lease', name: 'second' })
    await eventually(
      'it beats',
      async () => {
        const now = await client.resource(refs.leases).get(cluster.scope, { namespace: 'kube-node-lease', name: 'second' })
        return now.spec?.renewTime !== lease.spec?.renewTime
      },
      20_000,
    )
  })

  it('starts again as it was', async () => {
    await mustOnSecond('down')
    assert.match(await mustOnSecond('up'), /The node second is up/)
    await eventually('both are ready', () => ready(2), 60_000)
  })

  it('is shown what a drain would do, and is removed without coming back', async () => {
    const preview = await mustOnFirst('drain', 'second', '--preview')
    assert.match(preview, new RegExp(`default/web-\\S+ +moves +ReplicaSet web-\\S+ makes another +${cluster.instance.nodes[0].name}`))
    await client.resource(refs.poddisruptionbudgets).create(cluster.scope, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
    })
    await eventually('it is in the way', async () => /disruption budget/.test(await mustOnFirst('drain', 'second', '--preview')), 20_000)
    await client.resource(refs.poddisruptionbudgets).delete(cluster.scope, { namespace: 'default', name: 'web' })
    assert.match((await onFirst('node', 'remove', cluster.instance.nodes[0].name)).stderr, /is a node of this machine/)
    await mustOnFirst('node', 'remove', 'second')
    await eventually('both run on the node that is left', async () => (await ready(2)) && !(await placedOn()).includes('second'), 60_000)
    await eventually('its agent has ended', () => running(stateDir(), 'agent') === undefined, 20_000)
    const nodes = (await client.resource(refs.nodes).list(cluster.scope)).items.map(({ metadata }) => metadata?.name)
    assert.deepEqual(nodes, [cluster.instance.nodes[0].name])
  })

  it('leaves nothing on its machine after reset', async () => {
    const marks = [`sampan-${name()}`, stateDir(), await networkMark(machine)]
    assert.match(await mustOnSecond('reset'), /sampan node remove second/)
    const { namespaces: _, ...found } = await tracesOf(marks)
    // The machine itself is this test's.
    const rest = { ...found, mounts: found.mounts.filter((mount) => !mount.includes(`/run/netns/${machine} `)) }
    assert.deepEqual(
      Object.entries(rest).filter(([, found]) => found.length > 0),
      [],
    )
  })

  const nodeAddress = (): string => cluster.instance.machineAddress.replace(/\d+$/, '77')

  async function importToolboxOnSecond(): Promise<void> {
    const instance = readInstance(stateDir())
    assert.ok(instance)
    await importToolbox({ scope: cluster.scope, layout: layoutOf(hostOptions(stateDir(), instance)) })
  }
})

const serialOf = (pem: string): string => {
  const [certificate = ''] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem) ?? []
  return new X509Certificate(certificate).serialNumber
}

/** Of the certificate that the node's own API shows to whoever connects now. */
function shownSerial(address: string): Promise<string> {
  return new Promise((found, failed) => {
    const socket = connect({ host: address, port: 10_250, rejectUnauthorized: false }, () => {
      found(socket.getPeerX509Certificate()?.serialNumber ?? '')
      socket.destroy()
    })
    socket.on('error', failed)
  })
}
