import { type Amounts, compareQuantities, type core, onlyNamed, sameAmounts } from '#api'

export interface UsagePlan {
  /** What is to be written; undefined when the quota says so already. */
  readonly status: core.ResourceQuotaStatus | undefined
  /** Names whose use would become less, or known for the first time: only a view that is not older than the quota may say so. */
  readonly claims: readonly string[]
}

/** What the quota's status should be, given what has been measured. Names that nothing measures keep what they have. */
export function planUsage({ spec, status }: core.ResourceQuota, measured: Amounts): UsagePlan {
  const hard = spec?.hard ?? {}
  const before = status?.used ?? {}
  const used = onlyNamed({ ...before, ...measured }, Object.keys(hard))
  const claims = Object.keys(used).filter((name) => before[name] === undefined || compareQuantities(used[name] ?? '0', before[name]) < 0)
  const isKnown = status?.hard !== undefined && status.used !== undefined && sameAmounts(hard, status.hard) && sameAmounts(used, before)
  return { status: isKnown ? undefined : { hard: { ...hard }, used: { ...used } }, claims }
}
