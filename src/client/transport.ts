import type { Scope } from '#base'

/**
 * One request to one server. The promise resolves with the head of the answer, whatever its status; it rejects with `Unreachable`
 * or the scope's reason. A body that is not read to its end must be given up with `discard`.
 */
export interface Transport {
  /** For messages: the server's address, or `in process`. */
  readonly server: string
  send(scope: Scope, request: TransportRequest): Promise<TransportAnswer>
  /** Lets go of idle connections. */
  close(): void
}

export interface TransportRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string | undefined
}

export interface TransportAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The whole body. Rejects with `Unreachable` when it breaks off. */
  bytes(): Promise<Uint8Array>
  /** The body as it arrives, at most once. Ends when the server ends it; throws `Unreachable` when it breaks off. */
  chunks(): AsyncIterable<Uint8Array>
  discard(): void
}
