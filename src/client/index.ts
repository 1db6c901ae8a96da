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
export { BadAnswer, KubeconfigError, Unreachable } from './errors.ts'
export { type InProcessOptions, inProcessTransport } from './in-process.ts'
export { type KubeconfigContext, loadKubeconfig } from './kubeconfig.ts'
export { type ClientOptions, createClient } from './rest.ts'
export { type SocketOptions, socketTransport } from './socket.ts'
export type { Transport, TransportAnswer, TransportRequest } from './transport.ts'
