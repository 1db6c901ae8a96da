import type { core } from '#api'
import { DEFAULT_SCHEDULER, type Profile } from '../config/profile.ts'
import type { SchedulerEvents } from '../events.ts'
import type { Decider, Plugins } from '../framework/decide.ts'
import type { VictimMemo } from '../preemption/victim-memo.ts'

/** What decides for the pods that name it in spec.schedulerName. */
export interface Scheduling {
  readonly profile: Profile
  readonly plugins: Plugins
  readonly decider: Decider
  readonly events: SchedulerEvents
  readonly victims: VictimMemo
}

export const schedulerNameOf = ({ spec }: core.Pod): string => spec?.schedulerName || DEFAULT_SCHEDULER
