import { parseArgs } from 'node:util'
import { type core, refs } from '#api'
import { podSpecials } from '#apiserver'
import { type Client, createClient, inProcessTransport } from '#client'
import { createInformers } from '#reconcile'
import { Scheduler } from '#scheduler'
import { testApiServer } from '#testing'

/**
 * Pods a second from their creation to their binding, through the API server and the scheduler in one process, in memory:
 * `node test/scale/schedule.ts [--nodes 1000] [--pods 3000] [--writers 32]`. Prints wall and CPU time; the decisions alone are
 * measured by `src/scheduler/testing/bench.ts`.
 */
const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '3000' },
    writers: { type: 'string', default: '32' },
  },
})
const NODES = Number(values.nodes)
const PODS = Number(values.pods)
const NAMESPACE = 'default'

const node = (i: number): core.Node => ({
  metadata: { name: `n${i}`, labels: { 'kubernetes.io/hostname': `n${i}`, 'topology.kubernetes.io/zone': `z${i % 3}` } },
  status: {
    capacity: { cpu: '32', memory: '64Gi', pods: '110' },
    allocatable: { cpu: '32', memory: '64Gi', pods: '110' },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
})
const pod = (i: number): core.Pod => ({
  metadata: { name: `p${i}`, namespace: NAMESPACE, labels: { app: 'a' } },
  spec: { containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '100m', memory: '100Mi' } } }] },
})

async function writeAll(count: number, write: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const writer = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await write(i)
  }
  await Promise.all(Array.from({ length: Number(values.writers) }, writer))
}

async function measure(what: string, count: number, work: () => Promise<void>): Promise<void> {
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  const [wall, busy] = [(performance.now() - startMs) / 1000, (user + system) / 1e6]
  console.log(
    `${what.padEnd(28)} ${count} in ${wall.toFixed(2)} s: ${Math.round(count / wall)}/s; ${Math.round(count / busy)} per CPU second`,
  )
}

const api = await testApiServer({ specials: podSpecials() })
const clientOf = (): Client => createClient({ transport: inProcessTransport(api.server.handler, { token: 'none' }) })
const client = clientOf()
await measure('nodes created', NODES, () => writeAll(NODES, (i) => client.resource(refs.nodes).create(api.scope, node(i))))

const informers = createInformers(clientOf())
const pods = informers.informer(refs.pods)
const scheduler = new Scheduler(api.scope, { client: clientOf(), informers, isServed: () => true })
await informers.start(api.scope)
let bound = 0
const { promise, resolve } = Promise.withResolvers<void>()
pods.onChange(({ old, now }) => {
  if ((now?.spec?.nodeName ?? '') !== '' && (old?.spec?.nodeName ?? '') === '' && ++bound === PODS) resolve()
})
await measure('pods created', PODS, () => writeAll(PODS, (i) => client.resource(refs.pods).create(api.scope, pod(i))))
await measure('pods placed and bound', PODS, () => {
  scheduler.start()
  return promise
})
await api.close()
