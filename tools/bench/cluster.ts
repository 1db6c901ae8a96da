import { parseArgs } from 'node:util'
import { rootScope } from '#base'
import { type apps, refs } from '#api'
import { boundMs, probePods, requestDurations } from './objectives.ts'
import { cpuMs, pssMb, simulatedCluster } from './simulated-cluster.ts'

/**
 * A large cluster on one server: `node tools/bench/cluster.ts [--nodes 5000] [--pods 150000] [--minutes 10]`. Deployments of 500 pods each are
 * created until there are as many as asked for or the time is over; meanwhile a pod of its own every three seconds says how long a start takes. Then it
 * says what the server holds and how fast it has answered, beside what Kubernetes promises of such a cluster.
 */
const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5000' },
    pods: { type: 'string', default: '150000' },
    minutes: { type: 'string', default: '10' },
  },
})
const EACH = 500
const NAMESPACE = 'scale'
const SAMPLE_MS = 15_000
const PROBES = 200

const deployment = (name: string): apps.Deployment => ({
  metadata: { namespace: NAMESPACE, name },
  spec: {
    replicas: EACH,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
        containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '10m', memory: '32Mi' } } }],
      },
    },
  },
})

const scope = rootScope()
const startedMs = performance.now()
const elapsedS = (): number => Math.round((performance.now() - startedMs) / 1000)
const { client, server, simulation, close } = await simulatedCluster(scope, { nodes: values.nodes, namespace: NAMESPACE })
try {
  const deployments = client.resource(refs.deployments)
  const ready = async (): Promise<number> =>
    (await deployments.list(scope, { namespace: NAMESPACE })).items.reduce((sum, { status }) => sum + (status?.availableReplicas ?? 0), 0)
  const report = (what: string): void =>
    console.log(
      `${String(elapsedS()).padStart(5)} s  ${what.padEnd(28)} server ${pssMb(server)} MB, ${Math.round(cpuMs(server) / 1000)} s CPU; simulation ${pssMb(simulation)} MB`,
    )
  report(`${values.nodes} nodes are ready`)
  const probing = scope.child({})
  const probes = await probePods(probing, client, NAMESPACE)
  const endMs = performance.now() + Number(values.minutes) * 60_000
  let [made, available, sampledMs] = [0, 0, 0]
  while (available < Number(values.pods) && performance.now() < endMs) {
    // Two Deployments' worth at a time are under way, at most.
    if (made < Number(values.pods) && made - available <= EACH) {
      await deployments.create(scope, deployment(`d${made / EACH}`))
      made += EACH
    }
    await scope.sleep(250)
    available = await ready()
    if (performance.now() - sampledMs < SAMPLE_MS) continue
    sampledMs = performance.now()
    report(`${available} pods available`)
  }
  probing.cancel()
  report(`${available} pods available`)
  const quantiles = (tookMs: readonly number[]): string => {
    const sorted = tookMs.toSorted((a, b) => a - b)
    const at = (part: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1)
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`
  }
  console.log(
    `${'pod start (goal: p99 5 s)'.padEnd(36)} ${quantiles(probes.startedMs)} of ${probes.startedMs.length}; ${probes.pending} pending`,
  )
  for (const [what, durations] of await requestDurations(scope, client))
    console.log(
      `${`${what} (goal: p99 ${what === 'lists' ? 30 : 1} s)`.padEnd(36)} of ${durations.count}: half within ${boundMs(durations, 0.5)} ms, 99 % within ${boundMs(durations, 0.99)} ms`,
    )
  const timed = async (what: string, count: number, ask: (i: number) => Promise<unknown>): Promise<void> => {
    const tookMs: number[] = []
    for (let i = 0; i < count; i++) {
      const from = performance.now()
      await ask(i)
      tookMs.push(performance.now() - from)
    }
    console.log(`${what.padEnd(36)} ${quantiles(tookMs)}`)
  }
  await timed('GET of a Deployment', PROBES, () => deployments.get(scope, { namespace: NAMESPACE, name: 'd0' }))
  await timed('LIST of one Node and a patch of it', PROBES, (i) =>
    client
      .resource(refs.nodes)
      .list(scope, { limit: 1 })
      .then(({ items: [node] }) =>
        client
          .resource(refs.nodes)
          .patch(scope, { name: node?.metadata?.name ?? '' }, { type: 'merge', body: { metadata: { annotations: { probe: String(i) } } } }),
      ),
  )
  await timed('LIST of the pods of one Deployment', 5, () =>
    client.resource(refs.pods).list(scope, { namespace: NAMESPACE, labelSelector: 'app=d0' }),
  )
  await scope.sleep(15_000)
  report('at rest for 15 s')
} finally {
  await close()
  scope.cancel()
}
