/** `unknown`: the probe itself could not be carried out; it counts neither way. */
export interface ProbeOutcome {
  readonly result: 'success' | 'failure' | 'unknown'
  readonly output: string
  /** Of a success that deserves to be told. */
  readonly isWarning?: boolean
}
