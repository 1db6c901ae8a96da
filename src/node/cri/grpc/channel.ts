import { type NetConnectOpts, connect as connectSocket } from 'node:net'
import { type DescMethod, type DescMethodStreaming, type DescMethodUnary } from '@bufbuild/protobuf'
import { Code, ConnectError, type Transport } from '@connectrpc/connect'
import { Http2SessionManager, createGrpcTransport } from '@connectrpc/connect-node'
import type { Scope } from '#base'
import { RuntimeError, type RuntimeFailure } from '../runtime.ts'

/** gRPC without TLS, over a unix socket or TCP. One connection, opened when needed and again after it broke. */
export interface Channel {
  unary(scope: Scope, method: DescMethod, request: object, options?: CallOptions): Promise<unknown>
  /** Ends with the scope, or throws when the connection breaks. */
  stream(scope: Scope, method: DescMethod, request: object, options?: CallOptions): AsyncIterable<unknown>
  /** Closes the connection. Calls after it open a new one. */
  close(): void
}
export interface CallOptions {
  readonly timeoutMs?: number
  readonly headers?: Readonly<Record<string, string>>
}

const GO_NAMES: Readonly<Partial<Record<Code, string>>> = {
  [Code.Canceled]: 'Canceled',
  [Code.InvalidArgument]: 'InvalidArgument',
  [Code.DeadlineExceeded]: 'DeadlineExceeded',
  [Code.NotFound]: 'NotFound',
  [Code.AlreadyExists]: 'AlreadyExists',
  [Code.PermissionDenied]: 'PermissionDenied',
  [Code.ResourceExhausted]: 'ResourceExhausted',
  [Code.FailedPrecondition]: 'FailedPrecondition',
  [Code.Aborted]: 'Aborted',
  [Code.OutOfRange]: 'OutOfRange',
  [Code.Unimplemented]: 'Unimplemented',
  [Code.Internal]: 'Internal',
  [Code.Unavailable]: 'Unavailable',
  [Code.DataLoss]: 'DataLoss',
  [Code.Unauthenticated]: 'Unauthenticated',
}
const FAILURES: Readonly<Partial<Record<Code, RuntimeFailure>>> = {
  [Code.NotFound]: 'not-found',
  [Code.Unavailable]: 'unavailable',
  [Code.DeadlineExceeded]: 'deadline',
  [Code.Unimplemented]: 'unimplemented',
  [Code.InvalidArgument]: 'invalid',
}

/** Cancellation stays cancellation; everything else becomes a `RuntimeError`. */
function refusal(scope: Scope, error: unknown): unknown {
  if (scope.signal.aborted) return scope.signal.reason
  const refused = ConnectError.from(error)
  // A connection that broke under a call is reported as internal or aborted, with the socket's error as the cause.
  const broken = refused.cause instanceof Error && 'syscall' in refused.cause
  const code = broken ? Code.Unavailable : refused.code
  const text = `rpc error: code = ${GO_NAMES[code] ?? 'Unknown'} desc = ${refused.rawMessage}`
  return new RuntimeError(FAILURES[code] ?? 'failed', text, { cause: error })
}

/** `readMaxBytes`: of one answer; for those that are not trusted to keep to what is usual. */
export function openChannel(target: NetConnectOpts, limits: { readonly readMaxBytes?: number } = {}): Channel {
  const baseUrl = 'http://localhost'
  const sessions = new Http2SessionManager(
    baseUrl,
    { idleConnectionTimeoutMs: 2 ** 31 - 1 },
    { createConnection: () => connectSocket(target) },
  )
  const transport: Transport = createGrpcTransport({ baseUrl, sessionManager: sessions, acceptCompression: [], ...limits })
  return {
    async unary(scope, method, request, options = {}) {
      scope.check()
      try {
        const answer = await transport.unary(method as DescMethodUnary, scope.signal, options.timeoutMs, options.headers, request as never)
        return answer.message
      } catch (error) {
        throw refusal(scope, error)
      }
    },
    async *stream(scope, method, request, options = {}) {
      async function* input(): AsyncIterable<never> {
        yield request as never
      }
      try {
        const answer = await transport.stream(method as DescMethodStreaming, scope.signal, options.timeoutMs, options.headers, input())
        yield* answer.message
      } catch (error) {
        throw refusal(scope, error)
      }
    },
    close: () => sessions.abort(),
  }
}
