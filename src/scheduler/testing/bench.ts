import { parseArgs } from 'node:util'
import { seededRandom } from '#base'
import { type Cluster } from '../cluster/cluster.ts'
import { Decider } from '../framework/decide.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { noStorage, testCluster, testNode, testPod } from './build.ts'
import type { PodInfo } from '../pod/pod-info.ts'

/** Decisions a second of CPU time, without an API: `node src/scheduler/testing/bench.ts [--nodes 5000] [--pods 5000]`. */
const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '5000' }, pods: { type: 'string', default: '5000' }, only: { type: 'string', default: '' } },
})
const HOST = 'kubernetes.io/hostname'
const term = { topologyKey: HOST, labelSelector: { matchLabels: { app: 'a' } } }
const CLASSES: Readonly<Record<string, (i: number) => PodInfo>> = {
  basic: (i) => testPod(`p${i}`, { cpu: '100m', memory: '100Mi' }),
  'node affinity': (i) => testPod(`p${i}`, { cpu: '100m', spec: { nodeSelector: { zone: 'z1' } } }),
  'anti-affinity': (i) =>
    testPod(`p${i}`, {
      labels: { app: 'a' },
      cpu: '100m',
      spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
    }),
  affinity: (i) =>
    testPod(`p${i}`, {
      labels: { app: 'a' },
      spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, topologyKey: 'zone' }] } } },
    }),
  spreading: (i) =>
    testPod(`p${i}`, {
      labels: { app: 'a' },
      cpu: '100m',
      spec: {
        topologySpreadConstraints: [
          { maxSkew: 5, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: term.labelSelector },
        ],
      },
    }),
}

function freshCluster(): Cluster {
  return testCluster(
    Array.from({ length: Number(values.nodes) }, (_, i) => testNode(`n${i}`, { cpu: '32', memory: '64Gi', labels: { zone: `z${i % 3}` } })),
  )
}

for (const [name, make] of Object.entries(CLASSES)) {
  if (!name.includes(values.only)) continue
  const cluster = freshCluster()
  const decider = new Decider(
    defaultPlugins(noStorage, () => undefined),
    seededRandom(1),
  )
  const count = Math.min(Number(values.pods), name === 'anti-affinity' ? Number(values.nodes) : Infinity)
  let placed = 0
  const start = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const pod = make(i)
    const decision = decider.decide(cluster, pod, () => undefined)
    if (decision.kind !== 'placed') continue
    cluster.place(pod, decision.node.name)
    placed++
  }
  const { user, system } = process.cpuUsage(start)
  const ms = (user + system) / 1000
  process.stdout.write(
    `${name.padEnd(15)} ${values.nodes} nodes  ${placed} placed  ${Math.round((placed * 1000) / ms)} pods/s  ${((ms * 1000) / count).toFixed(1)} µs each\n`,
  )
}
