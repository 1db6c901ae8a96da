/** One thing that a cluster wants of the machine, as it was found. */
export interface Finding {
  readonly what: string
  readonly state: FindingState
  readonly found: string
  /** Of all but `ok`: what does not work because of it. */
  readonly means?: string
  /** What would mend it, where anything would. */
  readonly remedy?: string
}

/**
 * `ok`: it is there. `limits`: a cluster comes up, and does without something. `installs`: `sampan up` brings it. `blocks`: no cluster comes up.
 * `unknown`: whoever asks may not look.
 */
export const FINDING_STATES = ['ok', 'limits', 'installs', 'blocks', 'unknown'] as const
export type FindingState = (typeof FINDING_STATES)[number]

export const fine = (what: string, found: string): Finding => ({ what, state: 'ok', found })

export const limit = (what: string, found: string, means: string, remedy?: string): Finding => ({
  what,
  state: 'limits',
  found,
  means,
  ...(remedy === undefined ? {} : { remedy }),
})

export const block = (what: string, found: string, remedy?: string): Finding => ({
  what,
  state: 'blocks',
  found,
  means: 'no cluster comes up',
  ...(remedy === undefined ? {} : { remedy }),
})
