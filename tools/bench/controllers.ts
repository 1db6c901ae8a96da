/**
 * `npm run bench:controllers`: how fast Deployments are carried out on simulated nodes, over a server and a simulation in processes of their
 * own. Wall time, and the processor time of both; `--requests` says what was asked of the server. See docs/reference/performance.md.
 */
import type { ChildProcess } from 'node:child_process'
import { parseArgs } from 'node:util'
import { rootScope } from '#base'
import { type apps, refs } from '#api'
import type { Client } from '#client'
import { createInformers } from '#reconcile'
import { cpuMs, simulatedCluster, until as untilIn } from './simulated-cluster.ts'

const NAMESPACE = 'bench'
const { values: flags } = parseArgs({
  options: {
    nodes: { type: 'string', default: '100' },
    pods: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', default: '.' },
    'cpu-prof': { type: 'string' },
    requests: { type: 'boolean', default: false },
  },
})
const pods = Number(flags.pods)
const scope = rootScope()
const until = (what: string, isSo: () => Promise<boolean> | boolean): Promise<void> => untilIn(scope, what, isSo)

const deployment = (name: string, replicas: number, image = 'app:1'): apps.Deployment => ({
  metadata: { namespace: NAMESPACE, name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
        containers: [{ name: 'main', image, resources: { requests: { cpu: '10m' } } }],
      },
    },
  },
})

async function measure(client: Client, name: string, parts: readonly ChildProcess[], run: () => Promise<void>): Promise<void> {
  if (!new RegExp(flags.only).test(name)) return
  const revision = async (): Promise<number> =>
    Number((await client.resource(refs.namespaces).list(scope, { limit: 1 })).metadata?.resourceVersion ?? 0)
  const firstRevision = await revision()
  const requestsBefore = flags.requests ? await requestsOf(client) : undefined
  const before = parts.map(cpuMs)
  const startedMs = performance.now()
  await run()
  const wallMs = Math.round(performance.now() - startedMs)
  const [server, simulation] = parts.map((part, i) => cpuMs(part) - (before[i] ?? 0))
  console.log(
    `${name.padEnd(34)} ${String(wallMs).padStart(6)} ms   server ${server} ms CPU, simulation ${simulation} ms CPU, ${(await revision()) - firstRevision} writes`,
  )
  if (requestsBefore === undefined) return
  for (const [what, count] of [...(await requestsOf(client))].sort((a, b) => b[1] - a[1])) {
    const more = count - (requestsBefore.get(what) ?? 0)
    if (more > pods / 20) console.log(`  ${String(more).padStart(6)} ${what}`)
  }
}

/** How often each thing was asked of the server so far: `POST pods/binding`. */
async function requestsOf(client: Client): Promise<ReadonlyMap<string, number>> {
  const { body } = await client.raw(scope, { method: 'GET', path: '/metrics' })
  const counts = new Map<string, number>()
  for (const line of Buffer.from(body).toString('utf8').split('\n')) {
    if (!line.startsWith('apiserver_request_total{')) continue
    const label = (name: string): string => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? ''
    const refused = Number(label('code')) >= 400 ? `, refused with ${label('code')}` : ''
    const what = `${label('verb')} ${label('resource')}${label('subresource') === '' ? '' : '/'}${label('subresource')}${refused}`
    counts.set(what, (counts.get(what) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)))
  }
  return counts
}

async function bench(client: Client, parts: readonly ChildProcess[]): Promise<void> {
  const deployments = client.resource(refs.deployments)
  // What happens is watched: asking again and again would cost the server more than the work.
  const informers = createInformers(client)
  const seen = informers.informer(refs.deployments, { namespace: NAMESPACE })
  await informers.start(scope)
  const isAvailable = (found: apps.Deployment | undefined, count: number): boolean =>
    found?.status?.observedGeneration === found?.metadata?.generation &&
    (found?.status?.availableReplicas ?? 0) === count &&
    (found?.status?.updatedReplicas ?? 0) === count &&
    (found?.status?.replicas ?? 0) === count
  const available = async (name: string, count: number, generation: number): Promise<boolean> => {
    const found = seen.get(`${NAMESPACE}/${name}`)
    return (found?.metadata?.generation ?? 0) >= generation && isAvailable(found, count)
  }
  const wanted = { generation: 1 }
  await deployments.create(scope, deployment('big', 0))
  await until('it is seen', () => available('big', 0, 1))
  const patch = (body: unknown): Promise<unknown> =>
    deployments.patch(scope, { namespace: NAMESPACE, name: 'big' }, { type: 'merge', body })
  await measure(client, `scale 0 to ${pods}`, parts, async () => {
    await patch({ spec: { replicas: pods } })
    await until('all are available', () => available('big', pods, wanted.generation))
  })
  await measure(client, `rollout of ${pods}`, parts, async () => {
    await patch({ spec: { template: { spec: { containers: [{ name: 'main', image: 'app:2' }] } } } })
    await until('all are new', () => available('big', pods, wanted.generation))
  })
  await measure(client, `scale ${pods} to 0`, parts, async () => {
    await patch({ spec: { replicas: 0 } })
    await until('none is left', () => available('big', 0, wanted.generation))
    await until(
      'the pods are gone',
      async () => (await client.resource(refs.pods).list(scope, { namespace: NAMESPACE, limit: 1 })).items.length === 0,
    )
  })
  const names = Array.from({ length: pods }, (_, i) => `small-${i}`)
  await measure(client, `${pods} Deployments of one pod`, parts, async () => {
    let next = 0
    const lane = async (): Promise<void> => {
      for (let name = names[next++]; name !== undefined; name = names[next++]) await deployments.create(scope, deployment(name, 1))
    }
    await Promise.all(Array.from({ length: 32 }, lane))
    await until('all are available', () => seen.list().filter((one) => isAvailable(one, 1)).length === pods)
  })
}

const { client, server, simulation, close } = await simulatedCluster(scope, {
  nodes: flags.nodes,
  namespace: NAMESPACE,
  profileDir: flags['cpu-prof'],
})
try {
  for (let round = 0; round < Number(flags.rounds); round++) {
    await bench(client, [server, simulation])
    if (round + 1 < Number(flags.rounds)) {
      await client.resource(refs.deployments).deleteCollection(scope, { namespace: NAMESPACE })
      await until(
        'all is gone',
        async () => (await client.resource(refs.pods).list(scope, { namespace: NAMESPACE, limit: 1 })).items.length === 0,
      )
    }
  }
} finally {
  await close()
  scope.cancel()
}
