import { SpdySession, UpgradeRefused, messageOf, requestUpgrade, type Scope } from '#base'
import { statusError } from '#api'
import { SPDY_COMMAND_PROTOCOL, SPDY_PORT_FORWARD_PROTOCOL, spdyCommand, spdyPortForwarder } from '#client'
import type { StreamConnector } from '../streams.ts'

/** Speaks SPDY to the runtime's streaming server: the one protocol in which it hears the end of an input. */
export function runtimeConnector(): StreamConnector {
  return {
    async process(scope, url, request) {
      return spdyCommand(scope, await connect(scope, url, SPDY_COMMAND_PROTOCOL), request)
    },
    async portForward(scope, url) {
      return spdyPortForwarder(scope, await connect(scope, url, SPDY_PORT_FORWARD_PROTOCOL))
    },
  }
}

async function connect(scope: Scope, url: string, protocol: string): Promise<SpdySession> {
  try {
    const { socket, head } = await requestUpgrade(scope, url, 'SPDY/3.1', { 'X-Stream-Protocol-Version': protocol })
    return new SpdySession(socket, { role: 'client', head })
  } catch (error) {
    if (scope.signal.aborted) throw error
    throw statusError.internal(
      error instanceof UpgradeRefused ? error.body : `the container runtime cannot be reached: ${messageOf(error)}`,
    )
  }
}
