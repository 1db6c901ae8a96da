import { UserError } from '#base'
import { parseOptions, truth } from '../alignment/policy-options.ts'

/** How processors are given to containers of their own. */
export interface CpuOptions {
  /** Only whole cores: a container never shares one with another. */
  readonly fullCores: boolean
  /** Nobody but the node's own programs gets the reserved processors, shared or not. */
  readonly strictReservation: boolean
  /** Those that share a cache, as far as can be. */
  readonly byCache: boolean
  /** Evenly from several memory nodes where one is not enough. */
  readonly distribute: boolean
}

const NAMES = {
  fullCores: 'full-pcpus-only',
  strictReservation: 'strict-cpu-reservation',
  byCache: 'prefer-align-cpus-by-uncorecache',
  distribute: 'distribute-cpus-across-numa',
} as const

/** Options as the kubelet has them, those that are on by default in 1.36: `full-pcpus-only=true`. Throws `UserError`. */
export function cpuOptions(text: string): CpuOptions {
  const given = parseOptions('static CPU manager policy', text, Object.values(NAMES))
  const options = {
    fullCores: truth(given, NAMES.fullCores),
    strictReservation: truth(given, NAMES.strictReservation),
    byCache: truth(given, NAMES.byCache),
    distribute: truth(given, NAMES.distribute),
  }
  if (options.byCache && options.distribute)
    throw new UserError(`${NAMES.byCache} and ${NAMES.distribute} cannot be used at the same time`, 'choose one of them')
  return options
}
