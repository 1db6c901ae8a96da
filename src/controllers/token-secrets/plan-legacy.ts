import type { core } from '#api'
import { TOKEN_TYPE } from './token-secrets.ts'

export const LAST_USED = 'kubernetes.io/legacy-token-last-used'
export const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since'
const YEAR_MS = 365 * 86_400_000
const DAY_MS = 86_400_000

/** `2026-01-31`, in UTC. */
export const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const isDate = (text: string | undefined): text is string => /^\d{4}-\d{2}-\d{2}$/.test(text ?? '') && !Number.isNaN(Date.parse(text ?? ''))

/**
 * What becomes of a token Secret that was made for an account by Kubernetes of the past: one that nobody has used for a year, and no pod mounts, is
 * marked invalid; marked for another year, it is deleted. `trackedSince`: from when on uses have been written down.
 */
export function planLegacyToken(
  secret: core.Secret,
  seen: {
    readonly account: core.ServiceAccount | undefined
    readonly isMounted: boolean
    readonly trackedSince: string | undefined
    readonly nowMs: number
  },
): 'keep' | 'invalidate' | 'delete' {
  const { account, isMounted, trackedSince, nowMs } = seen
  const { metadata, type } = secret
  if (type !== TOKEN_TYPE || metadata?.deletionTimestamp !== undefined || !isDate(trackedSince)) return 'keep'
  if (nowMs < Date.parse(trackedSince) + DAY_MS + YEAR_MS) return 'keep'
  if (Date.parse(metadata?.creationTimestamp ?? '') >= nowMs - YEAR_MS) return 'keep'
  const since = dateOf(nowMs - YEAR_MS)
  const lastUsed = metadata?.labels?.[LAST_USED]
  if (lastUsed !== undefined && (!isDate(lastUsed) || lastUsed >= since)) return 'keep'
  const isMadeFor = account?.secrets?.some(({ name }) => name === metadata?.name) === true
  if (!isMadeFor || isMounted) return 'keep'
  const invalidSince = metadata?.labels?.[INVALID_SINCE]
  if (!isDate(invalidSince)) return 'invalidate'
  return invalidSince >= since ? 'keep' : 'delete'
}
