import { shown } from './grammar.ts'

/** Statuses of answers that the data plane can ask again for. */
const CODES: ReadonlySet<number> = new Set([401, 403, 404, 408, 425, 500, 501, 502, 503, 504])
const MOST_ATTEMPTS = 10

/** What counts as a try that has failed, in words of the data plane. */
export type Failure = 'conn-failure' | 'empty-response' | 'junk-response' | 'response-timeout'

export interface RetryWords {
  readonly attempts: number
  readonly on: readonly Failure[]
  readonly codes: readonly number[]
}

/** How often a request is tried again after which failures: a number and fixed words, with points between them. */
export type Retry = string

export function retryOf({ attempts, on, codes }: RetryWords): { readonly retry: Retry } | { readonly problem: string } {
  if (!Number.isInteger(attempts) || attempts < 0 || attempts > MOST_ATTEMPTS)
    return { problem: `${attempts} is no number of attempts: there are 0 to ${MOST_ATTEMPTS}` }
  const bad = codes.find((code) => !CODES.has(code))
  if (bad !== undefined)
    return { problem: `requests are not tried again after ${shown(String(bad))}: they are after ${[...CODES].join(', ')}` }
  const words = attempts === 0 ? [] : [...new Set([...on, ...codes.toSorted((a, b) => a - b)])]
  return { retry: [attempts, ...words].join('.') }
}

/** What the configuration of a backend says of it. */
export function retryLines(retry: Retry): readonly string[] {
  const [attempts = '0', ...on] = retry.split('.')
  return [`  retries ${attempts}`, ...(on.length === 0 ? [] : [`  retry-on ${on.join(' ')}`])]
}
