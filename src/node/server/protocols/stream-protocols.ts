import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Scope, acceptWebSocket, messageDuplex } from '#base'
import { statusError } from '#api'
import { type CommandStreams, SPDY_PORT_FORWARD_PROTOCOL } from '#client'
import type { ContainerRuntime } from '../../cri/runtime.ts'
import type { PodManager } from '../../pods/pod-manager.ts'
import type { StreamProtocols, StreamSession } from '../node-server.ts'
import { type Streams, runtimeStreams } from '../streams.ts'
import { runCommand } from './run-command.ts'
import { runtimeConnector } from './runtime-connector.ts'
import { acceptSpdy, negotiated, spdyCaller } from './spdy-caller.ts'
import { serveSpdyForward } from './spdy-forward.ts'
import { webSocketCaller, webSocketProtocol } from './websocket-caller.ts'
import { FORWARD_PROTOCOLS, portsOf, serveChannelForward } from './websocket-forward.ts'

/** What `kubectl port-forward` speaks: SPDY inside of a WebSocket's messages. */
const TUNNEL_PROTOCOL = `SPDY/3.1+${SPDY_PORT_FORWARD_PROTOCOL}`

/** Exec, attach and port-forward for callers who speak SPDY or WebSocket, over what runs on this node. */
export function streamProtocols(agent: { readonly pods: Pick<PodManager, 'byName'>; readonly runtime: ContainerRuntime }): StreamProtocols {
  return protocolsOver(runtimeStreams(agent.pods, agent.runtime, runtimeConnector()))
}

export function protocolsOver(streams: Streams): StreamProtocols {
  return {
    streams,
    async serve(scope, session, request, socket, head) {
      const upgrade = upgradeOf(request)
      if (session.kind === 'port-forward') return serveForward(scope, streams, session, upgrade, request, socket, head)
      const wants = commandStreams(session.query)
      if (session.kind === 'exec' && session.command.length === 0) throw statusError.badRequest('you must specify at least 1 command')
      // Before the connection is taken over, so that a refusal is still an ordinary answer.
      const process =
        session.kind === 'exec'
          ? await streams.exec(scope, session.at, { ...wants, command: session.command })
          : await streams.attach(scope, session.at, wants)
      try {
        const caller =
          upgrade === 'spdy' ? await spdyCaller(scope, request, socket, head, wants) : await webSocketCaller(request, socket, head, wants)
        await runCommand(caller, process)
      } finally {
        process.close()
      }
    },
  }
}

async function serveForward(
  scope: Scope,
  streams: Streams,
  session: StreamSession & { readonly kind: 'port-forward' },
  upgrade: 'spdy' | 'websocket',
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
): Promise<void> {
  if (upgrade === 'spdy') {
    const protocol = negotiated(request, [SPDY_PORT_FORWARD_PROTOCOL], SPDY_PORT_FORWARD_PROTOCOL)
    const forwarder = await streams.portForward(scope, session.at)
    acceptSpdy(request, socket, protocol)
    return serveSpdyForward(scope, socket, head, forwarder)
  }
  const protocol = webSocketProtocol(request, [TUNNEL_PROTOCOL, ...Object.keys(FORWARD_PROTOCOLS)])
  const ports = protocol === TUNNEL_PROTOCOL ? [] : portsOf(session.query)
  const forwarder = await streams.portForward(scope, session.at)
  const messages = await acceptWebSocket(request, socket, head, protocol)
  if (protocol === TUNNEL_PROTOCOL) return serveSpdyForward(scope, messageDuplex(messages), new Uint8Array(), forwarder)
  return serveChannelForward(messages, ports, forwarder)
}

function upgradeOf(request: IncomingMessage): 'spdy' | 'websocket' {
  const asked = (request.headers.upgrade ?? '').toLowerCase()
  if (asked === 'websocket') return 'websocket'
  if (asked === 'spdy/3.1') return 'spdy'
  throw statusError.badRequest(`the protocol ${JSON.stringify(asked)} is not known here: ask for SPDY/3.1 or websocket`)
}

/** Which streams, by the names of the node's API. Throws `StatusError` 400. */
export function commandStreams(query: URLSearchParams): CommandStreams {
  const flag = (name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '')
  const tty = flag('tty')
  const wants = {
    stdin: flag('input') || flag('stdin'),
    stdout: flag('output') || flag('stdout'),
    stderr: (flag('error') || flag('stderr')) && !tty,
    tty,
  }
  if (!wants.stdin && !wants.stdout && !wants.stderr) throw statusError.badRequest('you must specify at least 1 of stdin, stdout, stderr')
  return wants
}
