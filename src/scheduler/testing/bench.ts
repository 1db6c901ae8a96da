import { parseArgs } from 'node:util'
import { seededRandom } from '#base'
import type { core } from '#api'
import type { Cluster } from '../cluster/cluster.ts'
import { Decider } from '../framework/decide.ts'
import { refusalMessage } from '../framework/message.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { planPreemption } from '../preemption/plan.ts'
import { VictimMemo } from '../preemption/victim-memo.ts'
import { type PodWords, noStorage, testCluster, testNode, testPod } from './build.ts'

/**
 * Pods a second of CPU time, from the Pod object to its place in the snapshot, without an API: `node src/scheduler/testing/bench.ts
 * [--nodes 5000] [--pods 5000] [--only CLASS]`.
 */
const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '5000' }, pods: { type: 'string', default: '5000' }, only: { type: 'string', default: '' } },
})
const NODES = Number(values.nodes)
const PODS = Number(values.pods)
const HOST = 'kubernetes.io/hostname'
const labelSelector = { matchLabels: { app: 'a' } }
const onHost = { topologyKey: HOST, labelSelector }
const inZone = { topologyKey: 'zone', labelSelector }
const spread = (whenUnsatisfiable: string): Partial<core.PodSpec> => ({
  topologySpreadConstraints: [{ maxSkew: 5, topologyKey: 'zone', whenUnsatisfiable, labelSelector }],
})

interface BenchClass {
  readonly words: PodWords
  /** No more pods than this. */
  readonly most?: number
  readonly prepare?: (cluster: Cluster) => void
  /** What is done with a pod that no node will do for. */
  readonly otherwise?: 'report' | 'preempt'
  /** A placed pod goes for every one that comes. */
  readonly churn?: boolean
}

const app = { labels: { app: 'a' }, cpu: '100m', memory: '100Mi' }
const affine = (affinity: core.Affinity, most?: number): BenchClass => ({
  words: { ...app, spec: { affinity } },
  ...(most === undefined ? {} : { most }),
})
const CLASSES: Readonly<Record<string, BenchClass>> = {
  basic: { words: app },
  'node affinity': { words: { ...app, spec: { nodeSelector: { zone: 'z1' } } } },
  'pod affinity': affine({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [inZone] } }),
  'pod anti-affinity': affine({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [onHost] } }, NODES),
  'preferred affinity': affine({
    podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: inZone }] },
  }),
  'preferred anti-affinity': affine({
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: onHost }] },
  }),
  spreading: { words: { ...app, spec: spread('DoNotSchedule') } },
  'preferred spreading': { words: { ...app, spec: spread('ScheduleAnyway') } },
  unschedulable: { words: { cpu: '100' }, most: 1000, otherwise: 'report' },
  churn: { words: app, churn: true },
  preemption: {
    words: { cpu: '20', priority: 10 },
    most: Math.min(500, NODES),
    otherwise: 'preempt',
    prepare: (cluster) => {
      for (const [at, { name }] of cluster.nodes().entries())
        for (let i = 0; i < 4; i++) cluster.place(testPod(`low-${at}-${i}`, { cpu: '7', priority: i }), name)
    },
  },
}

const plugins = defaultPlugins(noStorage, () => undefined)
const node = (i: number): core.Node => testNode(`n${i}`, { cpu: '32', memory: '64Gi', labels: { zone: `z${i % 3}` } })

for (const [name, bench] of Object.entries(CLASSES)) {
  if (!name.includes(values.only)) continue
  const cluster = testCluster(Array.from({ length: NODES }, (_, i) => node(i)))
  bench.prepare?.(cluster)
  const decider = new Decider(plugins, seededRandom(1))
  const random = seededRandom(2)
  const memo = new VictimMemo()
  const count = Math.min(PODS, bench.most ?? PODS)
  const placed: PodInfo[] = []
  const start = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const pod = testPod(`p${i}`, bench.words)
    const decision = decider.decide(cluster, pod)
    if (decision.kind === 'placed') {
      cluster.place(pod, decision.node.name)
      if (bench.churn && placed.length > 100) cluster.take(placed.shift()?.uid ?? '')
      placed.push(pod)
    } else if (bench.otherwise === 'report') refusalMessage(decision.diagnosis, '')
    else if (bench.otherwise === 'preempt') {
      const plan = planPreemption(cluster, pod, decision.diagnosis, plugins.filters, { budgets: [], random, memo })
      if (plan.kind === 'none') throw new Error(`nothing to preempt: ${plan.message}`)
      for (const victim of plan.victims) cluster.take(victim.uid)
      cluster.place(pod, plan.node.name)
    } else throw new Error(`${name}: ${refusalMessage(decision.diagnosis, '')}`)
  }
  const { user, system } = process.cpuUsage(start)
  const perPodUs = (user + system) / count
  process.stdout.write(
    `${name.padEnd(24)} ${NODES} nodes  ${count} pods  ${Math.round(1e6 / perPodUs)} pods/s  ${perPodUs.toFixed(1)} µs each\n`,
  )
}
