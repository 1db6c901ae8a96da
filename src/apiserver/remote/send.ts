import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Scope } from '#base'

/**
 * Sends a request that `start` begins, and reads its answer. A kept connection may have been closed by the other side just now: then it is
 * sent once more. Errors of the network come as they are; with the scope the request ends.
 */
export async function send<T>(
  scope: Scope,
  start: () => ClientRequest,
  body: Uint8Array | undefined,
  read: (answer: IncomingMessage) => Promise<T>,
  mayRepeat = true,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = start()
  sent.on('response', resolve)
  sent.on('error', reject)
  const stop = (): void => void sent.destroy()
  scope.signal.addEventListener('abort', stop, { once: true })
  if (scope.signal.aborted) stop()
  sent.end(body)
  try {
    return await read(await promise)
  } catch (error) {
    if (mayRepeat && sent.reusedSocket && isReset(error)) return send(scope, start, body, read, false)
    throw error
  } finally {
    scope.signal.removeEventListener('abort', stop)
  }
}

export const isReset = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
