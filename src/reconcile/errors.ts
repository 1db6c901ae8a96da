import { SampanError } from '#base'

/** Trying again does not help until something changes: logged once, then left alone. */
export class Terminal extends SampanError {
  readonly code = 'RECONCILE_TERMINAL'
}
