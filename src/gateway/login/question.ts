import type { SaidHeaders } from '../tokens/check-token.ts'

/** A request, as far as a login looks at it. */
export interface LoginQuestion {
  readonly id: string
  readonly at: 'page' | 'return' | 'logout'
  readonly method: 'GET' | 'POST' | undefined
  /** A person looks at what comes back, and can be sent elsewhere. */
  readonly isNavigation: boolean
  /** A page of another site has made it. */
  readonly isFromElsewhere: boolean
  /** In lower case, perhaps with a port. */
  readonly host: string
  readonly target: string
  readonly session: string | undefined
  readonly browser: string | undefined
}

export type LoginAnswer =
  | { readonly kind: 'pass'; readonly untilSeconds: number; readonly headers: SaidHeaders; readonly cookie?: string }
  /** `why` is a sentence of ours; without one there is a `location`. */
  | {
      readonly kind: 'answer'
      readonly status: 200 | 303 | 400 | 401 | 403 | 405 | 503
      readonly location?: string
      readonly why?: string
      readonly cookies?: readonly string[]
    }

export const LONGEST_LOGIN_LINE = 22_000

const QUESTION =
  /^l ([0-9a-f]{32}) ([prl]) (-|[gsnx]{1,4}) ((?:[0-9a-f]{2}){1,300}) ((?:[0-9a-f]{2}){1,6000}) (-|[A-Za-z0-9_-]{1,4096}) (-|[A-Za-z0-9_-]{1,64})\n$/
const HOST = /^[a-z0-9](?:[a-z0-9._-]{0,252})(?::\d{1,5})?$/
const PLACES = { p: 'page', r: 'return', l: 'logout' } as const

/** What `script/login.lua` asks; undefined: it is no question. */
export function readQuestion(line: string): LoginQuestion | undefined {
  const [, id = '', at = '', flags = '', host = '', target = '', session, browser] = QUESTION.exec(line) ?? []
  const name = textOf(host)
  if (id === '' || !HOST.test(name) || (at !== 'p' && at !== 'r' && at !== 'l')) return undefined
  return {
    id,
    at: PLACES[at],
    method: flags.includes('g') ? 'GET' : flags.includes('s') ? 'POST' : undefined,
    isNavigation: flags.includes('n'),
    isFromElsewhere: flags.includes('x'),
    host: name,
    target: textOf(target),
    session: session === '-' ? undefined : session,
    browser: browser === '-' ? undefined : browser,
  }
}

/** `w`: it cannot be said now. What is not a number or a name is hexadecimal; `-`: none, `0`: empty. */
export function lineOfAnswer(answer: LoginAnswer | undefined): string {
  switch (answer?.kind) {
    case undefined:
      return 'w\n'
    case 'pass':
      return `${['p', answer.untilSeconds, hex(answer.cookie), ...answer.headers.flatMap(({ header, value }) => [header, hex(value)])].join(' ')}\n`
    case 'answer':
      return `${['a', answer.status, hex(answer.location), hex(answer.why), ...(answer.cookies ?? []).map(hex)].join(' ')}\n`
  }
}

const textOf = (text: string): string => Buffer.from(text, 'hex').toString('latin1')

export const hex = (value: string | undefined): string =>
  value === undefined ? '-' : value === '' ? '0' : Buffer.from(value, 'utf8').toString('hex')
