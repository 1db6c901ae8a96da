import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Scope, SpdySession, type SpdyStream, acceptUpgrade, listHeader } from '#base'
import { StatusError } from '#api'
import { type CommandStreams, statusOf, textOf } from '#client'
import { type CallerStreams, sizeOf } from './caller-streams.ts'

const PROTOCOL_HEADER = 'x-stream-protocol-version'
/** Version 3 added resizing, version 4 a Status on the error stream. Version 1 is what clients speak that name none. */
const COMMAND_VERSIONS: readonly string[] = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']
const STREAMS_WITHIN_MS = 30_000

/** The best of the protocols that the client offers. Throws `StatusError` 403 when none is known. */
export function negotiated(request: IncomingMessage, known: readonly string[], unnamed: string): string {
  const offered = listHeader(request.headers[PROTOCOL_HEADER])
  if (offered.length === 0) return unnamed
  const found = offered.find((one) => known.includes(one))
  if (found !== undefined) return found
  throw new StatusError({
    code: 403,
    reason: 'Forbidden',
    message: `unable to negotiate protocol: client supports [${offered.join(' ')}], server supports [${known.join(' ')}]`,
  })
}

export function acceptSpdy(request: IncomingMessage, socket: Duplex, protocol: string): void {
  acceptUpgrade(socket, 'SPDY/3.1', request.headers[PROTOCOL_HEADER] === undefined ? {} : { 'X-Stream-Protocol-Version': protocol })
}

/** Agrees to SPDY and waits for the streams that the caller opens. Ends the connection when they do not come. */
export async function spdyCaller(
  scope: Scope,
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  wants: CommandStreams,
): Promise<CallerStreams> {
  const protocol = negotiated(request, COMMAND_VERSIONS, 'channel.k8s.io')
  const hasStatus = protocol === 'v4.channel.k8s.io'
  const hasResize = wants.tty && (hasStatus || protocol === 'v3.channel.k8s.io')
  const expected = [
    'error',
    ...(wants.stdin ? ['stdin'] : []),
    ...(wants.stdout ? ['stdout'] : []),
    ...(wants.stderr && !wants.tty ? ['stderr'] : []),
    ...(hasResize ? ['resize'] : []),
  ]
  const streams = new Map<string, SpdyStream>()
  const complete = Promise.withResolvers<void>()
  acceptSpdy(request, socket, protocol)
  const session = new SpdySession(socket, {
    role: 'server',
    head,
    mostStreams: 8,
    onStream(stream) {
      const type = stream.headers['streamtype'] ?? ''
      if (!expected.includes(type) || streams.has(type)) return void stream.destroy()
      streams.set(type, stream)
      if (streams.size === expected.length) complete.resolve()
    },
  })
  const timer = scope.clock.after(STREAMS_WITHIN_MS, () => session.destroy())
  await Promise.race([complete.promise, session.closed]).finally(() => timer.cancel())
  const resize = streams.get('resize')
  return {
    stdin: streams.get('stdin'),
    stdout: discardingInput(streams.get('stdout')),
    stderr: discardingInput(streams.get('stderr')),
    onResize: (listen) => void (resize === undefined ? undefined : eachSize(resize, listen)),
    closed: session.closed,
    async finish(result) {
      const error = streams.get('error')
      error?.end(hasStatus ? JSON.stringify(statusOf(result)) : textOf(result))
      session.close()
      await session.closed
    },
  }
}

/** A direction that the protocol does not use is read all the same: what waits there would hold up the connection. */
function discardingInput(stream: SpdyStream | undefined): SpdyStream | undefined {
  return stream?.resume()
}

/** Sizes come one after another without anything between them. */
async function eachSize(stream: SpdyStream, listen: (columns: number, rows: number) => void): Promise<void> {
  let text = ''
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8')
      for (let end = text.indexOf('}'); end !== -1; end = text.indexOf('}')) {
        const size = sizeOf(text.slice(0, end + 1))
        text = text.slice(end + 1)
        if (size !== undefined) listen(size.columns, size.rows)
      }
      if (text.length > 1024) return void stream.destroy()
    }
  } catch {
    // The connection is gone, and with it the terminal.
  }
}
