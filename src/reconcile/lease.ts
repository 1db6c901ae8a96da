import { type Scope, isCancelled, messageOf, rfc3339Micro } from '#base'
import { type KubeObject, type ResourceRef, isNotFound } from '#api'
import type { Client } from '#client'

interface LeaseObject extends KubeObject {
  spec?: {
    holderIdentity?: string | undefined
    leaseDurationSeconds?: number | undefined
    acquireTime?: string | undefined
    renewTime?: string | undefined
    leaseTransitions?: number | undefined
  }
}
const LEASES: ResourceRef<LeaseObject> = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true }

export interface LeaseOptions {
  readonly namespace: string
  readonly name: string
  /** Unique among those who stand for election. */
  readonly identity: string
  readonly leaseDurationMs?: number
  /** A leader that could not renew for this long stops its work; shorter than the lease. */
  readonly renewDeadlineMs?: number
  readonly retryMs?: number
}

/**
 * Runs `work` while this process holds the Lease. The work's scope is cancelled when leadership is lost (before anyone else may take it
 * over), and the election begins again; so it does when the work fails, which ends the term. Ends with the scope; the Lease is then given back, so that the next leader need not wait.
 * Time is judged by how long ago a change was seen here, never by the clock of another machine.
 */
export async function runWithLease(
  scope: Scope,
  client: Client,
  options: LeaseOptions,
  work: (scope: Scope) => Promise<void>,
): Promise<void> {
  const { identity, leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2_000 } = options
  const leases = client.resource(LEASES)
  const at = { namespace: options.namespace, name: options.name }
  let seen: { version: string; sinceMs: number } | undefined

  const specOf = (before: LeaseObject['spec'], nowMs: number): LeaseObject['spec'] => ({
    holderIdentity: identity,
    leaseDurationSeconds: Math.round(leaseDurationMs / 1000),
    acquireTime: before?.holderIdentity === identity ? before.acquireTime : rfc3339Micro(nowMs),
    renewTime: rfc3339Micro(nowMs),
    leaseTransitions: (before?.leaseTransitions ?? 0) + (before === undefined || before.holderIdentity === identity ? 0 : 1),
  })

  /** True when the Lease is ours afterwards. */
  async function acquire(attempt: Scope): Promise<boolean> {
    let lease: LeaseObject
    try {
      lease = await leases.get(attempt, at)
    } catch (error) {
      if (!isNotFound(error)) throw error
      await leases.create(attempt, { metadata: { ...at }, spec: specOf(undefined, scope.clock.now()) ?? {} })
      return true
    }
    const holder = lease.spec?.holderIdentity ?? ''
    const version = lease.metadata?.resourceVersion ?? ''
    const nowMs = scope.clock.monotonic()
    if (seen?.version !== version) seen = { version, sinceMs: nowMs }
    const itsDurationMs = (lease.spec?.leaseDurationSeconds ?? 0) * 1000
    if (holder !== '' && holder !== identity && nowMs - seen.sinceMs < itsDurationMs) return false
    await leases.update(attempt, { ...lease, spec: specOf(lease.spec, scope.clock.now()) ?? {} })
    return true
  }

  async function tryAcquire(timeoutMs: number): Promise<boolean> {
    using attempt = scope.child({ timeoutMs })
    try {
      return await acquire(attempt)
    } catch (error) {
      scope.check()
      if (!isCancelled(error)) scope.log.debug('the lease was not taken', { lease: options.name, error: messageOf(error) })
      return false
    }
  }

  async function lead(): Promise<void> {
    using term = scope.child()
    const working = work(term)
    let renewedMs = scope.clock.monotonic()
    const renewing = (async () => {
      while (!term.signal.aborted) {
        await term.sleep(retryMs)
        const leftMs = renewDeadlineMs - (scope.clock.monotonic() - renewedMs)
        if (leftMs > 0 && (await tryAcquire(leftMs))) renewedMs = scope.clock.monotonic()
        else if (scope.clock.monotonic() - renewedMs >= renewDeadlineMs) {
          scope.log.warn('leadership is lost', { lease: options.name })
          term.cancel()
        }
      }
    })().catch(() => undefined)
    try {
      await working
    } catch (error) {
      if (!term.signal.aborted) throw error
    } finally {
      term.cancel()
      await renewing
    }
  }

  async function giveBack(): Promise<void> {
    using last = scope.detached().child({ timeoutMs: 5_000 })
    const lease = await leases.get(last, at)
    if (lease.spec?.holderIdentity !== identity) return
    await leases.update(last, { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } })
  }

  while (!scope.signal.aborted) {
    if (await tryAcquire(renewDeadlineMs).catch(() => false)) {
      try {
        await lead()
        if (!scope.signal.aborted) scope.log.info('the leader stepped down', { lease: options.name })
      } catch (error) {
        if (scope.signal.aborted) throw error
        scope.log.error('the work of the leader failed', { lease: options.name, error: messageOf(error) })
      } finally {
        await giveBack().catch((error: unknown) => scope.log.debug('the lease was not given back', { error: messageOf(error) }))
      }
    }
    await scope.sleep(retryMs * (1 + 0.2 * scope.random.float())).catch(() => undefined)
  }
}
