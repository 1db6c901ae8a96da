import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type KubeObject, refs } from '#api'
import type { Client } from '#client'
import { proxyTable } from '#main'
import {
  type MachineCluster,
  type Marks,
  commandOutput,
  countTraces,
  machineCluster,
  networkMark,
  noMachineCluster,
  runCommand,
  tracesOf,
} from '#testing'
import { eventually } from '#testing/basics'
import { placeOrder, visitor } from './shop.ts'

const ASK = join(import.meta.dirname, 'inside/ask.ts')
const COMPOSE = join(import.meta.dirname, 'testdata/shop.compose.yaml')
const DNS = '10.96.0.10'

/** From nothing to a cluster that serves a page, and back to nothing. The tests build on each other, in this order. */
describe('a cluster on this machine', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  let shop: ReturnType<typeof visitor>
  before(async () => {
    cluster = await machineCluster('life')
  })
  after(() => cluster.remove())

  const ask = async <T>(...question: readonly string[]): Promise<T> =>
    JSON.parse(await commandOutput(...cluster.inside(ASK, ...question))) as T
  const clusterIp = async (): Promise<string> =>
    (await client.resource(refs.services).get(cluster.scope, { namespace: 'shop', name: 'storefront' })).spec?.clusterIP ?? ''

  it('comes up with the example application', async () => {
    assert.match(await cluster.must('up'), /The cluster is up/)
    client = await cluster.client()
    shop = visitor(cluster)
  })

  it('serves the storefront at the port of the node', async () => {
    const page = await shop.get('/')
    assert.equal(page.status, 200)
    assert.match(page.body, /Deck teapot/)
  })

  it('serves it at the address of the Service, from the node', async () => {
    assert.equal((await ask<{ status: number }>('http', `http://${await clusterIp()}/`)).status, 200)
  })

  it('answers its name with that address, and a name that is not there with none', async () => {
    assert.deepEqual(await ask('dns', DNS, 'storefront.shop.svc.cluster.local'), [await clusterIp()])
    const missing = await runCommand(...cluster.inside(ASK, 'dns', DNS, 'nobody.shop.svc.cluster.local'))
    assert.match(missing.stderr, /ENOTFOUND/)
  })

  it('has a status that finds nothing wrong', async () => {
    const { code, stdout } = await cluster.sampan('status')
    assert.match(stdout, /Nothing is wrong/)
    assert.equal(code, 0)
  })

  it('has a doctor that says of the machine what the node says of itself', async () => {
    const { fit, findings } = JSON.parse(await cluster.must('doctor', '--output', 'json')) as {
      readonly fit: boolean
      readonly findings: readonly { readonly what: string; readonly state: string; readonly found: string }[]
    }
    assert.equal(fit, true)
    const stateOf = (what: string): boolean => findings.find((finding) => finding.what === what)?.state === 'ok'
    const { status } = await client.resource(refs.nodes).get(cluster.scope, { name: cluster.instance.nodes[0].name })
    const { userNamespaces, recursiveReadOnlyMounts } = status?.runtimeHandlers?.find(({ name = '' }) => name === '')?.features ?? {}
    assert.equal(stateOf('user namespaces'), userNamespaces === true)
    assert.equal(stateOf('recursive read-only mounts'), recursiveReadOnlyMounts === true)
    assert.equal(stateOf('strict groups'), status?.features?.supplementalGroupsPolicy === true)
    assert.equal(`containerd://${versionIn(findings)}`, status?.nodeInfo?.containerRuntimeVersion.replace('://v', '://').replace(/~.*/, ''))
    assert.equal(stateOf('disk'), status?.conditions?.find(({ type }) => type === 'DiskPressure')?.status === 'False')
    assert.equal(findings.find(({ what }) => what === 'ports')?.found, 'those of the cluster that runs')
  })

  it('is left alone by a second up', async () => {
    const settled = await eventually('the cluster rests', async () => {
      const first = await fingerprint(cluster, client)
      await new Promise((resolve) => setTimeout(resolve, 500))
      return JSON.stringify(first) === JSON.stringify(await fingerprint(cluster, client)) && first
    })
    await cluster.must('up')
    assert.deepEqual(await fingerprint(cluster, client), settled)
  })

  it('keeps objects and orders over down and up', async () => {
    await placeOrder(shop, 'teapot')
    assert.match((await shop.get('/orders')).body, /Deck teapot/)
    const kept = await identities(cluster, client)
    await cluster.must('down')
    assert.deepEqual(cluster.pids(), { server: undefined, agent: undefined, containerd: undefined })
    await assert.rejects(shop.get('/'), 'the storefront must not answer while the cluster is down')
    assert.match(await cluster.must('down'), /did not run/)
    const stopped = await cluster.sampan('status')
    assert.equal(stopped.code, 1)
    assert.match(stopped.stdout, /server does not run: start it with sampan up/)

    await cluster.must('up')
    assert.deepEqual(await identities(cluster, client), kept)
    assert.equal((await shop.get('/')).status, 200)
    await eventually('the order is on the page again', async () => /Deck teapot/.test((await shop.get('/orders')).body))
  })

  it('runs a Compose project in the order of its dependencies, and takes it away', async () => {
    assert.match(await cluster.must('compose', '-f', COMPOSE, 'up', '--timeout', '120'), /start basket .*after redis/)
    const { items } = await client.resource(refs.pods).list(cluster.scope, { namespace: 'stall' })
    assert.equal(items.filter(({ metadata }) => metadata?.labels?.['app.kubernetes.io/name'] === 'storefront').length, 2)
    const published = await client.resource(refs.services).get(cluster.scope, { namespace: 'stall', name: 'storefront-published' })
    assert.equal((await ask<{ status: number }>('http', `http://${published.spec?.clusterIP ?? ''}:8088/`)).status, 200)
    assert.match(await cluster.must('compose', '-f', COMPOSE, 'ps'), /redis .* ready /)
    assert.match(await cluster.must('compose', '-f', COMPOSE, 'down'), /removed \d+ objects/)
    await eventually(
      'the pods are gone',
      async () => (await client.resource(refs.pods).list(cluster.scope, { namespace: 'stall' })).items.length === 0,
    )
  })

  it('leaves nothing on the machine after reset', async (context) => {
    const marks = await marksOf(cluster, client)
    const before = await tracesOf(marks)
    for (const [kind, count] of Object.entries(countTraces(before)))
      if (kind !== 'tables') assert.ok(count > 0, `no ${kind} were found while the cluster ran: ${JSON.stringify(before)}`)
    // The rules are those of the node's own network, which goes with its namespace.
    assert.match(
      await commandOutput('ip', ['netns', 'exec', cluster.instance.nodes[0].namespace ?? '', 'nft', 'list', 'tables']),
      new RegExp(proxyTable(cluster.instance)),
    )
    await cluster.must('reset')
    const left = await tracesOf(marks)
    assert.deepEqual(Object.fromEntries(Object.entries(left).filter(([, found]) => found.length > 0)), {})
    assert.ok(!existsSync(cluster.stateDir))
    context.diagnostic(`before reset: ${JSON.stringify(countTraces(before))}; after: nothing`)
  })

  it('has nothing more to remove the second time', async () => {
    const { code, stdout, stderr } = await cluster.sampan('reset')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /there is no cluster in .*: nothing to remove/)
  })
})

async function fingerprint(cluster: MachineCluster, client: Client): Promise<unknown> {
  const [deployments, pods, services] = await Promise.all([
    client.resource(refs.deployments).list(cluster.scope),
    client.resource(refs.pods).list(cluster.scope),
    client.resource(refs.services).list(cluster.scope),
  ])
  const version = ({ metadata }: KubeObject): string =>
    `${metadata?.namespace ?? ''}/${metadata?.name ?? ''} ${metadata?.uid ?? ''} ${metadata?.resourceVersion ?? ''}`
  return {
    objects: [...deployments.items, ...services.items, ...pods.items].map(version),
    containers: pods.items.flatMap(
      ({ status }) => status?.containerStatuses?.map(({ containerID, restartCount }) => `${containerID ?? ''} ${restartCount}`) ?? [],
    ),
    pids: cluster.pids(),
  }
}

async function identities(cluster: MachineCluster, client: Client): Promise<readonly string[]> {
  const lists = await Promise.all([
    client.resource(refs.deployments).list(cluster.scope),
    client.resource(refs.services).list(cluster.scope),
    client.resource(refs.configmaps).list(cluster.scope),
    client.resource(refs.secrets).list(cluster.scope),
    client.resource(refs.pods).list(cluster.scope),
  ])
  return lists.flatMap(({ kind, items }) =>
    items.map(({ metadata }) => `${kind ?? ''} ${metadata?.namespace ?? ''}/${metadata?.name ?? ''} ${metadata?.uid ?? ''}`),
  )
}

async function marksOf({ scope, name, stateDir, instance, layout, runtime }: MachineCluster, client: Client): Promise<Marks> {
  const { namespace = '' } = instance.nodes[0]
  const pods = await client.resource(refs.pods).list(scope)
  const [containers, sandboxes] = await Promise.all([runtime.listContainers(scope), runtime.listPodSandboxes(scope)])
  return [
    `sampan-${name}`,
    proxyTable(instance),
    stateDir,
    layout.runDir,
    instance.network ?? '',
    namespace,
    await networkMark(namespace),
    ...pods.items.map(({ metadata }) => metadata?.uid ?? ''),
    ...[...containers, ...sandboxes].map(({ id }) => id),
  ].filter((mark) => mark !== '')
}

const versionIn = (findings: readonly { readonly what: string; readonly found: string }[]): string =>
  /containerd ([^,]+)/.exec(findings.find(({ what }) => what === 'container runtime')?.found ?? '')?.[1] ?? ''
