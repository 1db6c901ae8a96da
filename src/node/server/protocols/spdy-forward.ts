import type { Duplex } from 'node:stream'
import { SpdySession, type Scope, type SpdyStream } from '#base'
import type { PortForwarder } from '#client'
import { forward, portOf } from './forward.ts'

const PAIRED_WITHIN_MS = 30_000
/** Two streams a connection. */
const MOST_STREAMS = 2000

/** Serves a caller's port-forward session until one of the two ends. */
export async function serveSpdyForward(scope: Scope, connection: Duplex, head: Uint8Array, forwarder: PortForwarder): Promise<void> {
  const waiting = new Map<string, { readonly type: string; readonly stream: SpdyStream }>()
  const session = new SpdySession(connection, {
    role: 'server',
    head,
    mostStreams: MOST_STREAMS,
    onStream(stream) {
      const type = stream.headers['streamtype'] ?? ''
      const port = portOf(stream.headers['port'])
      if ((type !== 'error' && type !== 'data') || port === undefined) return void stream.destroy()
      const id = stream.headers['requestid'] ?? String(type === 'error' ? stream.id : stream.id - 2)
      const other = waiting.get(id)
      if (other === undefined) {
        waiting.set(id, { type, stream })
        stream.once('close', () => void (waiting.get(id)?.stream === stream && waiting.delete(id)))
        const timer = scope.clock.after(PAIRED_WITHIN_MS, () => void (waiting.get(id)?.stream === stream && stream.destroy()), {
          background: true,
        })
        stream.once('close', () => timer.cancel())
        return
      }
      if (other.type === type) return void stream.destroy()
      waiting.delete(id)
      const [error, data] = type === 'error' ? [stream, other.stream] : [other.stream, stream]
      // The caller says nothing there.
      error.resume()
      void forward(forwarder, { port, input: data, output: data, error })
    },
  })
  await Promise.race([session.closed, forwarder.closed])
  forwarder.close()
  session.close()
}
