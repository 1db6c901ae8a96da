import type { Labels, MetricDefinition, MetricText } from '#base'
import type { Pool } from './pool.ts'

type Counted = Pick<Pool<never>, 'size' | 'taken' | 'given'>

const ALLOCATED_IPS: MetricDefinition = {
  name: 'kube_apiserver_clusterip_allocator_allocated_ips',
  help: 'Addresses that Services have, by the range.',
  type: 'gauge',
}
const AVAILABLE_IPS: MetricDefinition = {
  name: 'kube_apiserver_clusterip_allocator_available_ips',
  help: 'Addresses that are free.',
  type: 'gauge',
}
const IPS_TOTAL: MetricDefinition = {
  name: 'kube_apiserver_clusterip_allocator_allocation_total',
  help: 'Addresses that were given: those that were asked for (static), and others.',
  type: 'counter',
}
const ALLOCATED_PORTS: MetricDefinition = {
  name: 'kube_apiserver_nodeport_allocator_allocated_ports',
  help: 'Node ports that Services have.',
  type: 'gauge',
}
const AVAILABLE_PORTS: MetricDefinition = {
  name: 'kube_apiserver_nodeport_allocator_available_ports',
  help: 'Node ports that are free.',
  type: 'gauge',
}
const PORTS_TOTAL: MetricDefinition = {
  name: 'kube_apiserver_nodeport_allocator_allocation_total',
  help: 'Node ports that were given: those that were asked for (static), and others.',
  type: 'counter',
}

/** What Services have of each range of addresses, and of the node ports. */
export function writeAllocations(text: MetricText, ranges: ReadonlyMap<string, Counted>, ports: Counted): void {
  const pools = [...ranges].map(([cidr, pool]) => [{ cidr }, pool] as const)
  write(text, pools, ALLOCATED_IPS, AVAILABLE_IPS, IPS_TOTAL)
  write(text, [[{}, ports]], ALLOCATED_PORTS, AVAILABLE_PORTS, PORTS_TOTAL)
}

function write(
  text: MetricText,
  pools: readonly (readonly [Labels, Counted])[],
  allocated: MetricDefinition,
  available: MetricDefinition,
  total: MetricDefinition,
): void {
  const counted = pools.map(([labels, pool]) => ({ labels, pool, taken: pool.taken }))
  text.family(allocated)
  for (const { labels, taken } of counted) text.sample(allocated.name, labels, taken)
  text.family(available)
  for (const { labels, pool, taken } of counted) text.sample(available.name, labels, pool.size - taken)
  text.family(total)
  for (const { labels, pool } of counted)
    for (const scope of ['static', 'dynamic'] as const) text.sample(total.name, { ...labels, scope }, pool.given[scope])
}
