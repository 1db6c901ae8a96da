import type { apiextensions } from '#api'
import type { ControllerDefinition } from '#reconcile'

/** One thing that the platform can do: kinds, and the controllers that act on them. */
export interface PlatformPart {
  readonly name: string
  readonly kinds: readonly apiextensions.CustomResourceDefinition[]
  readonly controllers: readonly ControllerDefinition[]
}
