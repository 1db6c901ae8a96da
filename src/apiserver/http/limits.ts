/** What one connection and one request may cost before anyone is known. */
export interface HttpLimits {
  /** All header names and values of a request together. */
  readonly headerBytes: number
  /** Time from the first byte of a request to its last, bodies included. */
  readonly requestTimeoutMs: number
  /** Time from the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number
  /** How long a connection without a request stays open. */
  readonly idleTimeoutMs: number
  /** HTTP/2 streams that one connection may have open at once. */
  readonly streamsPerConnection: number
  /** HTTP/2 stream resets that one connection may send at once, and per second after that. */
  readonly streamResetBurst: number
  readonly streamResetRate: number
  /** Bytes that one HTTP/2 connection may keep in memory here. */
  readonly sessionMegabytes: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headerBytes: 1 << 20,
  requestTimeoutMs: 60_000,
  headersTimeoutMs: 15_000,
  idleTimeoutMs: 90_000,
  streamsPerConnection: 250,
  streamResetBurst: 250,
  streamResetRate: 50,
  sessionMegabytes: 64,
}
