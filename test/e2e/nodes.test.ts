import assert from 'node:assert/strict'
import { get } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { text } from 'node:stream/consumers'
import { type apps, type core, refs } from '#api'
import type { Client } from '#client'
import { type MachineCluster, commandOutput, machineCluster, networkMark, noMachineCluster, startCommand, tracesOf } from '#testing'
import { eventually } from '#testing/basics'

const PORT = 30_080
/** The node itself hears that there is no such host; of IPv6, who asks through it hears of no way there. */
const UNREACHABLE = /^E(?:HOST|NET)UNREACH$/
const LOAD = join(import.meta.dirname, 'inside/load.ts')

/** No handler for the signal, no preStop hook: what goes right is the cluster's doing. It closes no connection that a client is about to use again. */
const PROGRAM =
  "require('http').createServer({ keepAliveTimeout: 60000 }, (_, answer) => answer.end('ok')).listen(8080); process.on('SIGTERM', () => process.exit(0))"
const BRIEF: apps.Deployment = {
  metadata: { name: 'brief', namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'brief' } },
    template: {
      metadata: { labels: { app: 'brief' } },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'sampan.local/shop-storefront:1',
            command: ['/usr/local/bin/node', '-e', PROGRAM],
            readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
}

/** Two nodes, then three, with packets packed between them: the mode in which most can go wrong. The tests build on each other, in this order. */
describe('a cluster of several nodes on this machine', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  before(async () => {
    cluster = await machineCluster('nodes')
  })
  after(() => cluster.remove())

  const shopPods = async (app: string): Promise<readonly core.Pod[]> =>
    (await client.resource(refs.pods).list(cluster.scope, { namespace: 'shop', labelSelector: `app.kubernetes.io/name=${app}` })).items
  const status = (address: string, port = PORT): Promise<number | string> =>
    new Promise((answer) => {
      const request = get(`http://${address}:${port}/`, { agent: false, timeout: 5000 }, (response) => {
        void text(response).then(() => answer(response.statusCode ?? 0))
      })
      request.on('timeout', () => request.destroy(new Error('timeout'))).on('error', (error) => answer(error.message))
    })

  it('comes up, and its nodes have ranges of their own', async () => {
    await cluster.must('up', '--nodes', '2', '--network', 'overlay', '--ip-families', 'IPv4,IPv6')
    client = await cluster.client()
    const nodes = (await client.resource(refs.nodes).list(cluster.scope)).items
    assert.equal(nodes.length, 2)
    assert.equal(new Set(nodes.map(({ spec }) => spec?.podCIDR)).size, 2)
    for (const { spec } of nodes) assert.match(spec?.podCIDRs?.join() ?? '', /^10\.\d+\.\d+\.0\/24,fd53:616d:[0-9a-f:]+\/64$/)
  })

  it('serves the shop at every node, wherever its pods are', async () => {
    const pods = (await client.resource(refs.pods).list(cluster.scope, { namespace: 'shop' })).items
    assert.equal(new Set(pods.map(({ spec }) => spec?.nodeName)).size, 2, 'pods are on both nodes')
    for (const { address } of cluster.instance.nodes) assert.equal(await status(address), 200)
  })

  it('speaks IPv6: pods of all nodes, Services and node ports have addresses of both families', async () => {
    for (const { status: found } of await shopPods('storefront')) {
      const [four, six] = (found?.podIPs ?? []).map(({ ip }) => ip)
      assert.deepEqual([four?.includes(':'), six?.includes(':'), found?.hostIPs?.length], [false, true, 2])
      assert.equal(await status(`[${six ?? ''}]`, 8080), 200)
    }
    const body = { spec: { ipFamilyPolicy: 'PreferDualStack' } }
    const storefront = { namespace: 'shop', name: 'storefront' }
    const { spec } = await client.resource(refs.services).patch(cluster.scope, storefront, { type: 'merge', body })
    assert.deepEqual([spec?.ipFamilies, spec?.clusterIPs?.length], [['IPv4', 'IPv6'], 2])
    for (const { address6 = '' } of cluster.instance.nodes)
      await eventually('the node port answers', async () => (await status(`[${address6}]`)) === 200)
  })

  it('reaches pods and Services of all nodes through the API', async () => {
    for (const { metadata } of await shopPods('storefront'))
      await cluster.mustKubectl(['get', '--raw', `/api/v1/namespaces/shop/pods/${metadata?.name}:8080/proxy/`])
    await cluster.mustKubectl(['get', '--raw', '/api/v1/namespaces/shop/services/storefront:80/proxy/'])
    for (const { metadata } of (await client.resource(refs.nodes).list(cluster.scope)).items)
      await cluster.mustKubectl(['get', '--raw', `/api/v1/nodes/${metadata?.name}/proxy/healthz`])
  })

  it('keeps a pod from pods of all nodes where a policy says so', async () => {
    const policies = client.resource(refs.networkpolicies)
    const closed = {
      metadata: { name: 'closed', namespace: 'shop' },
      spec: { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'storefront' } } },
    }
    await policies.create(cluster.scope, closed)
    const answers = async (): Promise<readonly (number | string)[]> =>
      Promise.all(cluster.instance.nodes.map(async ({ address }) => status(address)))
    await eventually('nobody gets in', async () => (await answers()).every((answer) => answer === 'timeout'), 20_000)
    await policies.delete(cluster.scope, { namespace: 'shop', name: 'closed' })
    await eventually('everybody gets in again', async () => (await answers()).every((answer) => answer === 200), 20_000)
  })

  it('refuses at once what is sent to a pod that is gone, or never was: nobody beyond the nodes is asked', async () => {
    const [gone, other] = await shopPods('storefront')
    const nowhere = cluster.instance.clusterCidr.replace(/(\d+)\.0\/20$/, (_, third: string) => `${Number(third) + 15}.200`)
    const dead = [...(gone?.status?.podIPs ?? []).map(({ ip = '' }) => ip), nowhere]
    assert.equal(dead.length, 3)
    await cluster.mustKubectl(['-n', 'shop', 'delete', 'pod', gone?.metadata?.name ?? ''])
    const askers = [other, ...(await shopPods('basket'))]
    const ask = async (address: string): Promise<readonly string[]> => {
      const script = `require('node:net').connect({ host: '${address}', port: 8080 }).on('error', ({ code }) => console.log(code))`
      const program = ['/usr/local/bin/node', '-e', script]
      const said = await Promise.all([
        ...askers.map((pod) => cluster.mustKubectl(['-n', 'shop', 'exec', pod?.metadata?.name ?? '', '--', ...program])),
        ...cluster.instance.nodes.map(({ namespace = '' }) =>
          commandOutput('ip', ['netns', 'exec', namespace, process.execPath, '-e', script]),
        ),
        commandOutput(process.execPath, ['-e', script]),
      ])
      return said.map((answer) => answer.trim())
    }
    // The object is gone when the processes are: the network is, a moment later.
    for (const address of dead)
      await eventually(`nobody is at ${address}`, async () => {
        const answers = await ask(address)
        return answers.every((answer) => UNREACHABLE.test(answer))
      })
    await eventually('the shop is whole again', async () => {
      const pods = await shopPods('storefront')
      return (
        pods.length === 2 &&
        pods.every(({ status: found }) => found?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'))
      )
    })
  })

  it('announces the address of a load balancer where its endpoints are', async () => {
    const { scope } = cluster
    const metadata = { name: 'balanced', namespace: 'shop' }
    const selector = { 'app.kubernetes.io/name': 'storefront' }
    const ports = [{ port: 80, targetPort: 8080 }]
    const services = client.resource(refs.services)
    await services.create(scope, { metadata, spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector, ports } })
    const address = await eventually(
      'it has an address',
      async () => (await services.get(scope, metadata)).status?.loadBalancer?.ingress?.[0]?.ip,
    )
    await eventually('it answers', async () => (await status(address, 80)) === 200)
    const hosts = async (): Promise<readonly string[]> =>
      (await shopPods('storefront')).filter((pod) => pod.metadata?.deletionTimestamp === undefined).map(({ spec }) => spec?.nodeName ?? '')
    // Wherever the one is that stays, what this machine knew of its neighbours is wrong after one of the two.
    for (const [i, host] of [...new Set(await hosts())].entries()) {
      await cluster.mustKubectl(['cordon', host])
      await cluster.mustKubectl([
        '-n',
        'shop',
        'delete',
        'pod',
        '-l',
        'app.kubernetes.io/name=storefront',
        `--field-selector=spec.nodeName=${host}`,
      ])
      await eventually('its pods are elsewhere', async () => (await hosts()).length === 2 && !(await hosts()).includes(host))
      await eventually(`it answers from there (${i})`, async () => (await status(address, 80)) === 200, 20_000)
      await cluster.mustKubectl(['uncordon', host])
    }
    await services.delete(scope, metadata)
  })

  it('takes a third node while it runs', async () => {
    await cluster.must('up', '--nodes', '3')
    const nodes = (await client.resource(refs.nodes).list(cluster.scope)).items
    assert.equal(new Set(nodes.map(({ spec }) => spec?.podCIDR)).size, 3)
    const third = cluster.instance.nodes[2]
    assert.equal(await status(third?.address ?? ''), 200)
    assert.match((await cluster.sampan('status')).stdout, /Nothing is wrong/)
  })

  it('ends pods only when no node sends them anything: a program that dies at once loses no request', async (context) => {
    const { scope } = cluster
    await client.resource(refs.deployments).create(scope, BRIEF)
    const metadata = { name: 'brief', namespace: 'default' }
    const service = { metadata, spec: { selector: { app: 'brief' }, ports: [{ port: 80, targetPort: 8080 }] } }
    const { spec } = await client.resource(refs.services).create(scope, service)
    await cluster.mustKubectl(['rollout', 'status', 'deployment/brief', '--timeout=90s'])
    const load = startCommand(...cluster.inside(LOAD, `http://${spec?.clusterIP}/`, '50', 'close'))
    try {
      await load.until(/asking/)
      for (let round = 0; round < 3; round++) {
        await cluster.mustKubectl(['rollout', 'restart', 'deployment/brief'])
        await cluster.mustKubectl(['rollout', 'status', 'deployment/brief', '--timeout=90s'])
      }
    } finally {
      await load.stop()
    }
    const result = JSON.parse(load.stdout.trim().split('\n').at(-1) ?? '') as { readonly sent: number; readonly failures: unknown }
    context.diagnostic(`${result.sent} requests`)
    assert.deepEqual(result.failures, {})
  })

  it('changes how nodes reach each other while it runs, and loses no request of either family', async (context) => {
    const { scope } = cluster
    const brief = { namespace: 'default', name: 'brief' }
    const body = { spec: { ipFamilyPolicy: 'PreferDualStack' } }
    const { spec } = await client.resource(refs.services).patch(scope, brief, { type: 'merge', body })
    const [four = '', six = ''] = spec?.clusterIPs ?? []
    await eventually('its endpoints have addresses of IPv6', async () => {
      const { items } = await client.resource(refs.endpointslices).list(scope, { namespace: 'default' })
      const slices = items.filter(
        ({ metadata, addressType }) => metadata?.labels?.['kubernetes.io/service-name'] === 'brief' && addressType === 'IPv6',
      )
      return slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions?.ready === true).length === 3
    })
    const loads = [four, `[${six}]`].map((host) => startCommand(...cluster.inside(LOAD, `http://${host}/`, '25', 'close')))
    const ways = async (): Promise<readonly string[]> =>
      Promise.all(
        cluster.instance.nodes.flatMap(({ namespace = '' }) =>
          ['-4', '-6'].map(async (family) =>
            (await commandOutput('ip', ['-n', namespace, family, 'route', 'show', 'proto', '201'])).trim(),
          ),
        ),
      )
    try {
      for (const load of loads) await load.until(/asking/)
      for (const mode of ['route', 'overlay'] as const) {
        await cluster.must('up', '--network', mode)
        for (const routes of await ways()) {
          const lines = routes.split('\n')
          const ways = lines.filter((line) => !line.startsWith('unreachable '))
          assert.deepEqual([lines.length, ways.length], [3, 2])
          for (const line of ways) assert.equal(line.includes('dev sampan-vxlan'), mode === 'overlay', line)
        }
      }
    } finally {
      for (const load of loads) await load.stop()
    }
    const results = loads.map(
      ({ stdout }) => JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { readonly sent: number; readonly failures: unknown },
    )
    context.diagnostic(`${results.map(({ sent }) => sent).join(' + ')} requests`)
    for (const { sent, failures } of results) {
      assert.ok(sent > 25)
      assert.deepEqual(failures, {})
    }
  })

  it('leaves nothing on the machine after reset', async () => {
    const { name, stateDir, instance } = cluster
    const namespaces = [instance.network ?? '', ...instance.nodes.map(({ namespace }) => namespace ?? '')]
    const marks = [`sampan-${name}`, stateDir, ...namespaces, ...(await Promise.all(namespaces.map(networkMark)))]
    assert.equal((await tracesOf(marks)).namespaces.length, 4)
    await cluster.must('reset')
    assert.deepEqual(
      Object.entries(await tracesOf(marks)).filter(([, found]) => found.length > 0),
      [],
    )
    const routes = await commandOutput('ip', ['route', 'show'])
    for (const own of [`dev ${instance.network} `, instance.clusterCidr]) assert.ok(!routes.includes(own), routes)
  })
})
