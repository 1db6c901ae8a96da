/** Where a pod's rules are applied: a pod itself is checked more closely than the template of one. */
export interface PodValidationOptions {
  readonly isPod?: boolean
}
