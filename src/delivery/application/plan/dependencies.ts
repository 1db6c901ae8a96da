import type { KubeObject } from '#api'

/** `Deployment/db, Job/migrate?`: parts that have to be ready before this one is applied. With `?` it goes on when that one has failed. */
export const DEPENDS_ON = 'sampan.io/depends-on'

export interface Dependency {
  /** As `partId` gives it. */
  readonly id: string
  readonly isRequired: boolean
}

export function dependenciesOf({ metadata }: KubeObject): readonly Dependency[] {
  return (metadata?.annotations?.[DEPENDS_ON] ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => (text.endsWith('?') ? { id: text.slice(0, -1), isRequired: false } : { id: text, isRequired: true }))
}
