import type { Token } from '#routing'
import type { readTokenRules } from '../../tokens/token-rules.ts'
import type { TokenCheck } from '../../tokens/tokens.ts'
import type { Finding } from '../wish.ts'

/** What could not be understood or done might be what keeps people out: then nobody passes. */
export const nobodyPasses = (problem: string): Finding => ({
  reason: 'AccessRefused',
  message: `requests are answered with 503, since nobody could be kept out: ${problem}`,
})

/** Where there is no token nobody passes; without a finding it is only that keys are still to come. */
export interface TokenGuard {
  readonly token?: Token
  readonly finding?: Finding
}

/** How requests with a token pass; undefined: none is asked for. */
export function tokenGuard(rules: ReturnType<typeof readTokenRules>, checkOf: () => TokenCheck | undefined): TokenGuard | undefined {
  if (rules === undefined) return undefined
  const check = 'problem' in rules ? rules : (checkOf() ?? 'waiting')
  if (check === 'waiting') return {}
  return 'id' in check ? { token: check } : { finding: nobodyPasses(check.problem) }
}
