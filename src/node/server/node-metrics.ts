import type { MetricFamily, Scope } from '#base'
import type { NodeAgent } from '../node-agent.ts'
import { type NodeStats, nodeMemory } from './stats.ts'

type Labels = Readonly<Record<string, string>>

/** /metrics/resource: what metrics-server reads. */
export async function resourceMetrics(scope: Scope, agent: NodeAgent, stats: NodeStats): Promise<MetricFamily[]> {
  const all = await stats.containers(scope)
  const named = all.flatMap((one) => {
    const pod = agent.pods.byUid(one.podUid)?.pod.metadata
    return pod === undefined ? [] : [{ one, labels: { container: one.name, namespace: pod.namespace ?? '', pod: pod.name ?? '' } }]
  })
  const pods = new Map<string, { labels: Labels; cpu: number; memory: number }>()
  for (const { one, labels } of named) {
    const sum = pods.get(one.podUid) ?? { labels: { namespace: labels.namespace, pod: labels.pod }, cpu: 0, memory: 0 }
    pods.set(one.podUid, { ...sum, cpu: sum.cpu + one.cpuUsageNanoseconds / 1e9, memory: sum.memory + one.workingSetBytes })
  }
  return [
    {
      name: 'container_cpu_usage_seconds_total',
      help: 'Cumulative CPU time of a container in core-seconds',
      type: 'counter',
      samples: named.map(({ one, labels }) => ({ labels, value: one.cpuUsageNanoseconds / 1e9, atMs: one.atMs })),
    },
    {
      name: 'container_memory_working_set_bytes',
      help: 'Working set of a container in bytes',
      type: 'gauge',
      samples: named.map(({ one, labels }) => ({ labels, value: one.workingSetBytes, atMs: one.atMs })),
    },
    {
      name: 'node_cpu_usage_seconds_total',
      help: 'Cumulative CPU time of the node in core-seconds',
      type: 'counter',
      samples: [{ labels: {}, value: stats.nodeCpuSeconds() }],
    },
    {
      name: 'node_memory_working_set_bytes',
      help: 'Working set of the node in bytes',
      type: 'gauge',
      samples: [{ labels: {}, value: nodeMemory().workingSetBytes }],
    },
    {
      name: 'pod_cpu_usage_seconds_total',
      help: 'Cumulative CPU time of a pod in core-seconds',
      type: 'counter',
      samples: [...pods.values()].map(({ labels, cpu }) => ({ labels, value: cpu })),
    },
    {
      name: 'pod_memory_working_set_bytes',
      help: 'Working set of a pod in bytes',
      type: 'gauge',
      samples: [...pods.values()].map(({ labels, memory }) => ({ labels, value: memory })),
    },
    {
      name: 'resource_scrape_error',
      help: '1 if there was an error while getting container metrics, 0 otherwise',
      type: 'gauge',
      samples: [{ labels: {}, value: 0 }],
    },
  ]
}

/** /metrics/cadvisor: the main names that dashboards use. */
export async function cadvisorMetrics(scope: Scope, agent: NodeAgent, stats: NodeStats): Promise<MetricFamily[]> {
  const all = await stats.containers(scope)
  const family = (name: string, help: string, type: MetricFamily['type'], of: (one: (typeof all)[number]) => number): MetricFamily => ({
    name,
    help,
    type,
    samples: all.flatMap((one) => {
      const worker = agent.pods.byUid(one.podUid)
      const image = worker?.state.containers.find(({ id }) => id === one.id)?.image ?? ''
      const { namespace = '', name: pod = '' } = worker?.pod.metadata ?? {}
      return worker === undefined
        ? []
        : [{ labels: { container: one.name, id: one.id, image, name: one.id, namespace, pod }, value: of(one), atMs: one.atMs }]
    }),
  })
  return [
    family(
      'container_cpu_usage_seconds_total',
      'Cumulative cpu time consumed in seconds.',
      'counter',
      (one) => one.cpuUsageNanoseconds / 1e9,
    ),
    family('container_memory_usage_bytes', 'Current memory usage in bytes, including all memory.', 'gauge', (one) => one.usageBytes),
    family('container_memory_working_set_bytes', 'Current working set in bytes.', 'gauge', (one) => one.workingSetBytes),
    family('container_memory_rss', 'Size of RSS in bytes.', 'gauge', (one) => one.rssBytes),
    family(
      'container_fs_usage_bytes',
      'Number of bytes that are consumed by the container on this filesystem.',
      'gauge',
      (one) => one.writableLayer?.usedBytes ?? 0,
    ),
  ]
}

/** /metrics: the agent's own. */
export function agentMetrics(agent: NodeAgent): readonly MetricFamily[] {
  const workers = agent.pods.workers
  const states = ['created', 'running', 'exited', 'unknown'] as const
  return [
    {
      name: 'kubelet_node_name',
      help: "The node's name. The count is always 1.",
      type: 'gauge',
      samples: [{ labels: { node: agent.settings.nodeName }, value: 1 }],
    },
    {
      name: 'kubelet_running_pods',
      help: 'Number of pods that have a running pod sandbox',
      type: 'gauge',
      samples: [{ labels: {}, value: workers.filter(({ state }) => state.sandboxes.some(({ ready }) => ready)).length }],
    },
    {
      name: 'kubelet_running_containers',
      help: 'Number of containers currently known, by state',
      type: 'gauge',
      samples: states.map((state) => ({
        labels: { container_state: state },
        value: workers.reduce((sum, worker) => sum + worker.state.containers.filter((one) => one.state === state).length, 0),
      })),
    },
    ...agent.starts.metrics(),
    {
      name: 'process_resident_memory_bytes',
      help: 'Resident memory size in bytes.',
      type: 'gauge',
      samples: [{ labels: {}, value: process.memoryUsage.rss() }],
    },
  ]
}
