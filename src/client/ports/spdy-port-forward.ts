import type { Duplex } from 'node:stream'
import { SampanError, type Scope, type SpdySession } from '#base'
import { closeWith } from './remote-process.ts'

export const SPDY_PORT_FORWARD_PROTOCOL = 'portforward.k8s.io'

/** The other end says why a connection could not be made, or was broken. */
export class PortForwardFailed extends SampanError {
  readonly code = 'PORT_FORWARD'
}

export interface PortForwarder {
  /** A connection to a port of the pod. Emits `error` with `PortForwardFailed` when it cannot be made: nobody knows before. */
  open(port: number): Promise<Duplex>
  readonly closed: Promise<void>
  close(): void
}

/** Connections to a pod over a session that has been opened for it and is owned by it. */
export function spdyPortForwarder(scope: Scope, session: SpdySession): PortForwarder {
  closeWith(scope, () => session.destroy())
  let next = 0
  return {
    closed: session.closed,
    close: () => session.close(),
    async open(port) {
      const headers = { port: String(port), requestid: String(next++) }
      // The other side pairs the two by their id and begins with the second.
      const error = await session.open({ ...headers, streamtype: 'error' })
      error.end()
      const data = await session.open({ ...headers, streamtype: 'data' })
      // At once: what follows the text on the wire is the end of the data, which would look like a good one.
      error.on('data', (text: Buffer) => data.destroy(new PortForwardFailed(text.toString('utf8'))))
      return data
    },
  }
}
