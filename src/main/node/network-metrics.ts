import type { MetricFamily } from '#base'
import type { DnsServer } from '#dns'
import type { RunningPolicies } from '#network'
import type { ProxyStats } from '#proxy'

type Counts = ReturnType<DnsServer['stats']>

/** What the parts of a node's network have counted, for the agent's /metrics. */
export function networkMetrics(proxy: ProxyStats, policies: RunningPolicies['stats'], dns: Counts | undefined): readonly MetricFamily[] {
  const plain = (value: number): MetricFamily['samples'] => [{ labels: {}, value }]
  return [
    { name: 'sampan_proxy_services', help: 'Services in the kernel', type: 'gauge', samples: plain(proxy.services) },
    {
      name: 'sampan_proxy_transactions_total',
      help: 'Transactions of the service proxy that the kernel took',
      type: 'counter',
      samples: plain(proxy.transactions),
    },
    {
      name: 'sampan_proxy_failures_total',
      help: 'Transactions of the service proxy that the kernel refused',
      type: 'counter',
      samples: plain(proxy.failures),
    },
    {
      name: 'sampan_proxy_last_transaction_seconds',
      help: 'Duration of the last transaction of the service proxy',
      type: 'gauge',
      samples: plain(proxy.lastMs / 1000),
    },
    {
      name: 'sampan_policy_transactions_total',
      help: 'Transactions of the network policies that the kernel took',
      type: 'counter',
      samples: plain(policies.transactions),
    },
    {
      name: 'sampan_policy_failures_total',
      help: 'Transactions of the network policies that the kernel refused',
      type: 'counter',
      samples: plain(policies.failures),
    },
    {
      name: 'sampan_policy_pod_groups',
      help: 'Sets of policies that select pods of this node, by direction',
      type: 'gauge',
      samples: plain(policies.groups),
    },
    ...(dns === undefined ? [] : dnsMetrics(dns)),
  ]
}

function dnsMetrics(dns: Counts): readonly MetricFamily[] {
  return [
    {
      name: 'sampan_dns_queries_total',
      help: 'Queries to the name server of the node, by what became of them',
      type: 'counter',
      samples: [
        { labels: { result: 'answered' }, value: dns.queries - dns.refused - dns.failed },
        { labels: { result: 'refused' }, value: dns.refused },
        { labels: { result: 'failed' }, value: dns.failed },
      ],
    },
    {
      name: 'sampan_dns_outside_total',
      help: 'Queries for names outside the cluster, by who answered',
      type: 'counter',
      samples: [
        { labels: { by: 'server' }, value: dns.forwarded - dns.unanswered },
        { labels: { by: 'cache' }, value: dns.fromCache },
        { labels: { by: 'nobody' }, value: dns.unanswered },
      ],
    },
  ]
}
