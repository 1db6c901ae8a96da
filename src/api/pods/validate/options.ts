import type * as core from '../../types/core-v1.gen.ts'

/** Where a pod's rules are applied: a pod itself is checked more closely than the template of one. */
export interface PodValidationOptions {
  readonly isPod?: boolean
  /** What it was before an update: what is refused to new ones may be kept. */
  readonly before?: core.PodSpec | undefined
}
