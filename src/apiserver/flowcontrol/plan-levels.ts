import type { flowcontrol } from '#api'
import type { LevelLimits } from './seats.ts'

type PriorityLevel = flowcontrol.PriorityLevelConfiguration

/** The seats of each limited level: the server's seats by its share, and how many of them it lends and borrows. Exempt levels have none. */
export function planLevels(levels: readonly PriorityLevel[], concurrency: number): LevelLimits[] {
  const sharesOf = ({ spec }: PriorityLevel): number => (spec?.limited ?? spec?.exempt)?.nominalConcurrencyShares ?? 0
  const all = levels.reduce((sum, level) => sum + sharesOf(level), 0)
  return levels.flatMap((level) => {
    const limited = level.spec?.limited
    if (level.spec?.type !== 'Limited' || limited === undefined) return []
    const nominal = all === 0 ? 0 : Math.ceil((concurrency * sharesOf(level)) / all)
    const { borrowingLimitPercent, lendablePercent = 0, limitResponse } = limited
    const { queues = 0, handSize = 0, queueLengthLimit = 0 } = limitResponse?.queuing ?? {}
    return {
      name: level.metadata?.name ?? '',
      nominal,
      lendable: Math.round((nominal * lendablePercent) / 100),
      borrowable: borrowingLimitPercent === undefined ? Number.POSITIVE_INFINITY : Math.round((nominal * borrowingLimitPercent) / 100),
      ...(limitResponse?.type === 'Queue' ? { queuing: { queues, handSize, lengthLimit: queueLengthLimit } } : {}),
    }
  })
}
