import { type Affinity, affinityLines } from './affinity.ts'
import { type Retry, retryLines } from './retry.ts'

/** What stands in the configuration of a backend, and cannot be told while HAProxy runs: what is tried again, and who stays. Numbers and fixed words. */
export type Standing = string

const RETRY = 'retry.'
const KEEP = 'keep.'

export interface StandingParts {
  readonly retry?: Retry | undefined
  readonly affinity?: Affinity | undefined
}

export function standingOf({ retry, affinity }: StandingParts): Standing | undefined {
  const parts = [...(retry === undefined ? [] : [`${RETRY}${retry}`]), ...(affinity === undefined ? [] : [`${KEEP}${affinity}`])]
  return parts.length === 0 ? undefined : parts.join('/')
}

/** Whether clients stay with an endpoint: servers that are made while HAProxy runs have to be given their names then. */
export const keepsClients = (standing: Standing | undefined): boolean => standing?.split('/').some((part) => part.startsWith(KEEP)) ?? false

/** `key` hides where endpoints are. */
export const standingLines = (standing: Standing, key: string): readonly string[] =>
  standing
    .split('/')
    .flatMap((part) => (part.startsWith(KEEP) ? affinityLines(part.slice(KEEP.length), key) : retryLines(part.slice(RETRY.length))))
