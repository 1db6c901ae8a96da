import { hostname } from 'node:os'
import type { Scope } from '#base'
import type { Client } from '#client'
import { type LeaseOptions, runWithLease } from '#reconcile'

/** Leases of one's work; Kubernetes' own programs stand for the first two as well. */
export type PartLease = 'kube-controller-manager' | 'kube-scheduler' | 'sampan-delivery'

/** Work that ends with its scope. */
export interface Started {
  /** Resolves when what was under way at the end is done. */
  readonly stopped: Promise<unknown>
}

/**
 * Starts the work whenever this process is elected, until the scope ends; the scope that `start` gets ends with the term. Resolves at once;
 * `stopped` when the lease has been given back.
 */
export async function whenElected(
  scope: Scope,
  client: Client,
  name: PartLease,
  start: (term: Scope) => Promise<Started>,
  lease: Partial<LeaseOptions> = {},
): Promise<Started> {
  const identity = `${hostname()}_${scope.random.uuid()}`
  const standing = runWithLease(scope, client, { namespace: 'kube-system', name, ...lease, identity }, async (term) => {
    const { stopped } = await start(term)
    await ended(term)
    await stopped
  })
  const stopped = standing.catch((error: unknown) => {
    if (!scope.signal.aborted) scope.log.error('stopped', { error })
  })
  return { stopped }
}

const ended = (scope: Scope): Promise<void> =>
  new Promise((resolve) => {
    if (scope.signal.aborted) resolve()
    else scope.signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Starts the work without an election; as `whenElected` where nobody else does the same work. */
export async function startNow(
  scope: Scope,
  _client: Client,
  _name: PartLease,
  start: (term: Scope) => Promise<Started>,
): Promise<Started> {
  return start(scope)
}
