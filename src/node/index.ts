export { type NodeAgent, startNodeAgent } from './node-agent.ts'
export { type NodeAgentOptions } from './node-agent-options.ts'
export { type EvictionOptions } from './eviction/evictor.ts'
export { DEFAULT_HARD, parseThresholds } from './eviction/thresholds.ts'
export type { PodNetwork } from './pods/services.ts'
export { type ShutdownGroup, shutdownGroups } from './shutdown/plan-shutdown.ts'
export { type AlignmentOptions } from './alignment/node-alignment.ts'
export { type AlignmentFlags, alignmentOptions } from './alignment/alignment-flags.ts'
export { type Reserved, parseReserved } from './node-object/node-resources.ts'
export { type Host, prepareHost } from './host/host.ts'
export { type HostLayout, type HostOptions, layoutOf } from './host/layout.ts'
export { type Machine } from './host/machine.ts'
export { releaseHost } from './host/release.ts'
export { runningContainerd, superviseContainerd } from './host/containerd-process.ts'
export { type ContainerRuntime } from './cri/runtime.ts'
export { containerdRuntime } from './cri/containerd/containerd-runtime.ts'
export { type NodeServer, type NodeServerOptions, type StreamProtocols, type StreamSession, startNodeServer } from './server/node-server.ts'
export {
  type ContainerAt,
  type PodAt,
  type StreamConnector,
  type Streams,
} from './server/streams.ts'
export { stopHost } from './host/stop.ts'
export { streamProtocols } from './server/protocols/stream-protocols.ts'
export { keepRenewed, orderCertificate, storedPair } from './certificates/kept-certificate.ts'
export { type CertificateOrder, CertificateRefused } from './certificates/request-certificate.ts'
export { NODE_REMOVED } from './node-object/registrar.ts'
export { containerdClient } from './host/machine.ts'
