import type { Answered } from './counts.ts'

/**
 * One line for each request, written by HAProxy into a ring in its memory: numbers, names of backends and servers of our own configuration, and letters of
 * HAProxy. What a client has written is in it as hexadecimal digits, and only where a route wants that: so it needs no quoting.
 */
export const LINE_FORMAT = '%b %s %ST %[date(0,us),sub(txn.began)] %ts %[var(txn.policy)] %[var(txn.route)]'
export const BEGAN = '  http-request set-var(txn.began) date(0,us)'

export interface RequestLine extends Answered {
  /** Number of the backend in the pool; undefined for `none`, or a frontend that has answered by itself. */
  readonly backend: number | undefined
  /** Number of the server in its backend; undefined when none was chosen. */
  readonly server: number | undefined
  /** Number of the policy that it was under; undefined when it was under none. */
  readonly policy: number | undefined
  /** Of the permit that it had from a breaker that is half open. */
  readonly round: number | undefined
  /** Number of the route, where it wants to be told of its requests one by one. */
  readonly route: number | undefined
  /** Words of what was asked, as hexadecimal digits with dots between them, where the route wants that too. */
  readonly text: string | undefined
}

const SPACE = 32
const COLON = 58
const NEWLINE = 10
const LETTER_B = 98
const LETTER_S = 115
const [UPPER_C, LOWER_C, UPPER_S, LOWER_S, UPPER_Q] = [67, 99, 83, 115, 81]
/** Behind the number of a policy: shed by a breaker, shed by a limit, let through with a permit of this round. */
const [SHED_BY_BREAKER, SHED_BY_LIMIT, PERMIT] = [98, 108, 112]

/**
 * Reads whole lines out of `bytes` and gives each to `take`, the same object each time: it is not to be kept. Returns how many bytes were read; the rest is
 * the beginning of a line. Lines that are none are passed over. It is called for every request: no text is made.
 */
export function readLines(bytes: Uint8Array, take: (line: RequestLine) => void): number {
  const line = {
    backend: undefined as number | undefined,
    server: undefined as number | undefined,
    status: 0,
    us: 0,
    failed: false,
    aborted: false,
    isShed: false,
    policy: undefined as number | undefined,
    round: undefined as number | undefined,
    route: undefined as number | undefined,
    text: undefined as string | undefined,
  }
  let start = 0
  for (let end = bytes.indexOf(NEWLINE, start); end !== -1; start = end + 1, end = bytes.indexOf(NEWLINE, start))
    if (readLine(bytes, start, end, line)) take(line)
  return start
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function readLine(bytes: Uint8Array, start: number, end: number, line: Mutable<RequestLine>): boolean {
  const first = bytes.indexOf(SPACE, start)
  const second = bytes.indexOf(SPACE, first + 1)
  const third = bytes.indexOf(SPACE, second + 1)
  const fourth = bytes.indexOf(SPACE, third + 1)
  const fifth = bytes.indexOf(SPACE, fourth + 1)
  if (first === -1 || second === -1 || third === -1 || fourth === -1 || fifth - fourth !== 3 || fifth > end) return false
  const us = numberIn(bytes, third + 1, fourth)
  if (us === undefined) return false
  line.backend = bytes[start] === LETTER_B ? numberIn(bytes, start + 1, first) : undefined
  line.server = bytes[first + 1] === LETTER_S ? numberIn(bytes, first + 2, second) : undefined
  line.status = numberIn(bytes, second + 1, third) ?? 0
  line.us = us
  // First the side that has ended the session: `C` the client, `P` the gateway, `S` the server, upper or lower case by how; `-` nobody.
  const who = bytes[fourth + 1]
  line.aborted = who === UPPER_C || who === LOWER_C
  const isQueueFull = !line.aborted && bytes[fourth + 2] === UPPER_Q
  const sixth = bytes.indexOf(SPACE, fifth + 1)
  const isLast = sixth === -1 || sixth > end
  readPolicy(bytes, fifth + 1, isLast ? end : sixth, line)
  readRoute(bytes, isLast ? end : sixth + 1, end, line)
  line.isShed ||= isQueueFull
  line.failed = line.server === undefined || who === UPPER_S || who === LOWER_S
  return true
}

/** `-`, or a number with perhaps a letter behind it, and perhaps a number behind that. */
function readPolicy(bytes: Uint8Array, start: number, end: number, line: Mutable<RequestLine>): void {
  let digits = start
  while (digits < end && isDigit(bytes[digits] ?? 0)) digits++
  const letter = bytes[digits]
  line.policy = numberIn(bytes, start, digits)
  line.isShed = letter === SHED_BY_BREAKER || letter === SHED_BY_LIMIT
  line.round = letter === PERMIT ? numberIn(bytes, digits + 1, end) : undefined
}

/** `-`, or a number, perhaps with a colon and what was asked behind it. */
function readRoute(bytes: Uint8Array, start: number, end: number, line: Mutable<RequestLine>): void {
  let digits = start
  while (digits < end && isDigit(bytes[digits] ?? 0)) digits++
  line.route = numberIn(bytes, start, digits)
  line.text =
    line.route === undefined || bytes[digits] !== COLON ? undefined : Buffer.from(bytes.subarray(digits + 1, end)).toString('latin1')
}

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57

/** Undefined for anything but digits. */
function numberIn(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (start >= end) return undefined
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return value
}
