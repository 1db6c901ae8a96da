export { AccessReviews, type Caller, bearerToken } from './access-reviews.ts'
export type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectName,
  Patch,
  RawAnswer,
  RawRequest,
  ResourceClient,
  StreamAnswer,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts'
export { type DiscoveredResource, type Discovery, discover } from './discovery.ts'
export { Unreachable } from './errors.ts'
export { limitedTransport } from './limited-transport.ts'
export { type InProcessOptions, inProcessTransport } from './in-process.ts'
export { type KubeconfigContext, loadKubeconfig } from './kubeconfig.ts'
export { type ClientOptions, createClient } from './rest.ts'
export { ClientMetrics } from './metered-transport.ts'
export { type SocketOptions, socketTransport } from './socket.ts'
export type { Transport, TransportAnswer, TransportRequest } from './transport.ts'
export { parseLeanFrame } from './watch/frames.ts'
export { SharedSpecs } from './watch/shared-specs.ts'
export { CHANNEL, COMMAND_PROTOCOLS, type ChannelProtocol, decodeChannel, encodeChannel } from './ports/channels.ts'
export { type CommandResult, statusOf, textOf } from './ports/command-result.ts'
export type { CommandStreams, RemoteProcess } from './ports/remote-process.ts'
export { SPDY_COMMAND_PROTOCOL, spdyCommand } from './ports/spdy-command.ts'
export { type PortForwarder, SPDY_PORT_FORWARD_PROTOCOL, spdyPortForwarder } from './ports/spdy-port-forward.ts'
export { websocketCommand } from './ports/websocket-command.ts'
