import type { Breaker } from '../breaker/breaker.ts'
import type { RateLimit, TrafficPolicy } from './policy.ts'

/** What servers of a Service are, beside what all servers are, and what the data plane knows it by. */
export interface Treatment {
  /** Key of the Service in the map of policies, less its letter. */
  readonly number: number
  /** Words of a server; empty, or with a space in front. */
  readonly serverWords: string
  /** How long a request waits for a server that has room; undefined: as all others. */
  readonly queueMs: number | undefined
}

/**
 * Texts for the data plane are words with commas between them: numbers, letters of ours, and what users write as hexadecimal digits. `script/govern.lua` reads them.
 * Where all requests of a Service pass and are only counted, its number alone is a key, with the number of the policy. Else, at `s` and its number, a Service is `number of a policy, how many paths, the paths` again and again; without a path the policy is for all of them.
 */
export const encodeService = (policies: readonly { readonly number: number; readonly policy: TrafficPolicy }[]): string =>
  policies
    .flatMap(({ number, policy: { spec } }) => [
      number,
      (spec.paths ?? []).length,
      ...(spec.paths ?? []).map((path) => hex(path === '/' ? '' : path)),
    ])
    .join(',')

const WINDOWS: Readonly<Record<RateLimit['per'], number>> = { Second: 1, Minute: 60, Hour: 3600 }
const LETTERS: Readonly<Record<RateLimit['by'], string>> = { Service: 'n', Address: 's', Header: 'h' }

/** A policy is the state of its breaker (`c`, `o`, `h`), round and permits, what is answered while it is open, and its limits. */
export function encodePolicy({ spec }: TrafficPolicy, breaker: Breaker | undefined): string {
  const { status = 503, contentType = 'text/plain', body = '' } = spec.breaker?.fallback ?? {}
  const state =
    breaker?.state === 'Open' ? ['o', 0, 0] : breaker?.state === 'HalfOpen' ? ['h', breaker.round, breaker.permits] : ['c', 0, 0]
  const limits = (spec.rateLimits ?? []).flatMap(({ requests, per, by, header = '' }) => [WINDOWS[per], requests, LETTERS[by], hex(header)])
  return [...state, status, hex(contentType), hex(body), (spec.rateLimits ?? []).length, ...limits].join(',')
}

/** `0` is the empty text. */
const hex = (text: string): string => (text === '' ? '0' : Buffer.from(text, 'utf8').toString('hex'))

export function treatmentOf(number: number, whole: TrafficPolicy | undefined): Treatment {
  const { concurrency, warmUpSeconds } = whole?.spec ?? {}
  return {
    number,
    serverWords: `${concurrency === undefined ? '' : ` maxconn ${concurrency.perEndpoint}`}${warmUpSeconds === undefined ? '' : ` slowstart ${warmUpSeconds}s`}`,
    queueMs: concurrency?.queueMilliseconds,
  }
}
