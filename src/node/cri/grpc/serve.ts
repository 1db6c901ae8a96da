import { createServer, type ServerHttp2Session } from 'node:http2'
import { chmod, rm } from 'node:fs/promises'
import type { DescMethod } from '@bufbuild/protobuf'
import type { ConnectRouter } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import type { Scope } from '#base'

/** Answers of a unary method are promises, those of a streaming one are iterables. The signal aborts when the caller has gone. */
export type Method = (request: never, signal: AbortSignal) => Promise<object> | AsyncIterable<object>

const MOST_BYTES = 4 * 2 ** 20

/**
 * Serves gRPC on a unix socket for root alone, until the scope ends. What lay at the path is removed first. A method throws `ConnectError` to
 * answer with a code of its choice.
 */
export async function serveGrpc(
  scope: Scope,
  socketPath: string,
  methods: Iterable<readonly [method: DescMethod, implementation: Method]>,
): Promise<void> {
  const routes = (router: ConnectRouter): void => {
    for (const [method, implementation] of methods)
      router.rpc(method, ((request: never, context: { readonly signal: AbortSignal }) => implementation(request, context.signal)) as never)
  }
  const server = createServer(connectNodeAdapter({ routes, readMaxBytes: MOST_BYTES, connect: false, grpcWeb: false }))
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => session.destroy())
    session.once('close', () => sessions.delete(session))
  })
  await rm(socketPath, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
  await chmod(socketPath, 0o600)
  const close = (): void => {
    server.close()
    for (const session of sessions) session.destroy()
  }
  if (scope.signal.aborted) close()
  else scope.signal.addEventListener('abort', close, { once: true })
}
