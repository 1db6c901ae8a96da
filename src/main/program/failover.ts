/** How soon a dead node's pods run elsewhere: as in Kubernetes, or within seconds, for a price in writes and in patience with slow nodes. */
export const FAILOVERS = ['usual', 'fast'] as const
export type Failover = (typeof FAILOVERS)[number]

/**
 * Fast: a node tells every second that it lives (a Lease that lasts four), is taken for dead after three seconds of silence, and pods that say nothing
 * of it leave one second later; nodes wait a second for one another, not ten. A server that starts again gives every node these three seconds anew.
 */
const FAST = { beatMs: 1000, leaseSeconds: 4, gracePeriodMs: 3000, tolerationSeconds: 1, evictionsPerSecond: 1 } as const

export const heartbeatOf = (failover: Failover | undefined): { readonly beatMs?: number; readonly leaseSeconds?: number } =>
  failover === 'fast' ? { beatMs: FAST.beatMs, leaseSeconds: FAST.leaseSeconds } : {}

export const graceOf = (
  failover: Failover | undefined,
): { readonly nodeMonitorGracePeriodMs?: number; readonly nodeEvictionsPerSecond?: number } =>
  failover === 'fast' ? { nodeMonitorGracePeriodMs: FAST.gracePeriodMs, nodeEvictionsPerSecond: FAST.evictionsPerSecond } : {}

/** How long pods that do not say so themselves stay on a node in trouble. */
export const tolerationOf = (failover: Failover | undefined): { readonly troubleTolerationSeconds?: number } =>
  failover === 'fast' ? { troubleTolerationSeconds: FAST.tolerationSeconds } : {}
