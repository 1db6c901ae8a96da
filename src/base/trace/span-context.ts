/** Where a span stands, as other processes are told (W3C Trace Context). */
export interface SpanContext {
  /** 32 hexadecimal digits in lower case. */
  readonly traceId: string
  /** 16 of them. */
  readonly spanId: string
  /** Whether what it is a part of is being recorded. */
  readonly sampled: boolean
  /** What others have noted, handed on as it came. */
  readonly state: string
}

/** Headers that tell another process what a call to it is a part of. */
export type TraceHeaders = Readonly<Record<string, string>>

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)
/** A version that never will be. */
const NO_VERSION = 'ff'
const LONGEST_HEADER = 512
const LONGEST_STATE = 512
const PRINTABLE = /^[\x20-\x7e]*$/

/** Undefined for what is none: a trace that cannot be read is as good as none. */
export function readTraceparent(header: unknown, state: unknown): SpanContext | undefined {
  if (typeof header !== 'string' || header.length > LONGEST_HEADER) return undefined
  const [, version = '', traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(header) ?? []
  if (version === '' || version === NO_VERSION || traceId === NO_TRACE || spanId === NO_SPAN) return undefined
  if (version === '00' && more !== undefined) return undefined
  const isState = typeof state === 'string' && state.length <= LONGEST_STATE && PRINTABLE.test(state)
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1, state: isState ? state : '' }
}

export function writeTraceparent({ traceId, spanId, sampled }: SpanContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}
