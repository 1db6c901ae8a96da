export { type Clock, type Timer, afterThisTurn, rfc3339, rfc3339Micro, systemClock } from './clock.ts'
export { Cancelled, SampanError, UserError, isCancelled, messageOf } from './errors.ts'
export {
  type Body,
  type BodySink,
  BodyTooLarge,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  type Peer,
  type Upgrade,
} from './http.ts'
export { type LogFields, type LogLevel, type Logger, Secret, createLogger } from './log.ts'
export { PartMemo } from './part-memo.ts'
export { type ProgramResult, runProgram } from './program.ts'
export { RepeatedProgram } from './repeated-program.ts'
export { type Random, nameSuffix, seededRandom } from './random.ts'
export { type Attributes, type EndedSpan, type SpanKind, type SpanOptions, type SpanSink, Span } from './trace/span.ts'
export { type SpanContext, type TraceHeaders, readTraceparent, writeTraceparent } from './trace/span-context.ts'
export type { Traced } from './trace/traced.ts'
export { type CancellableScope, type ChildOptions, type RootOptions, type Scope, rootScope } from './scope.ts'
export { readFileIfThere, writePrivateFile } from './tls/files.ts'
export { type Identity, ReplaceableIdentity, pairFileText, parsePairFile, publicKeyPin, validityOf } from './tls/identity.ts'
export {
  type KeyPair,
  type LeafRequest,
  type SigningRequest,
  type Subject,
  type Usage,
  createAuthority,
  createPrivateKeyPem,
  createSigningRequest,
  issueLeaf,
  readSigningRequest,
  type CertificateWish,
  type KeyUsage,
  signAsAsked,
} from './tls/issue.ts'
export { type CertificatePlan, type Certificates, type PlannedLeaf, ensureCertificates } from './tls/store.ts'
export {
  type CertificateVerifier,
  UntrustedCertificate,
  type VerifiedCertificate,
  certificateVerifier,
  certificatesOf,
} from './tls/verify.ts'
export {
  DEFAULT_JSON_LIMITS,
  type JsonDocument,
  type JsonLimits,
  JsonSyntaxError,
  JsonTooLarge,
  type NumberLiterals,
  readJson,
} from './codec/json.ts'
export type { FieldPlace } from './codec/json-places.ts'
export { unreadableKey } from './codec/unreadable-key.ts'
export { YamlSyntaxError, readYaml, readYamlDocuments, writeYaml } from './codec/yaml.ts'
export { type Cell, Counters, Histograms } from './metrics/families.ts'
export { METRICS_TYPE, type MetricFamily, type MetricSample, metricsText } from './metrics/family-text.ts'
export { Histogram, type Labels, type MetricDefinition, MetricText } from './metrics/metric-text.ts'
export { TimedHistogram } from './metrics/timed-histogram.ts'
export { ProtobufReader, ProtobufWriter, WIRE, type WireType } from './codec/protobuf.ts'
export {
  type Message,
  MessageSocket,
  type WebSocketTarget,
  acceptWebSocket,
  connectWebSocket,
  messageDuplex,
} from './net/message-socket.ts'
export { type ListenAddress, listenWithin } from './net/listen-within.ts'
export { http, https } from './net/node-http.ts'
export { leadsOutward, leadsSomewhere } from './net/outward.ts'

export type { SpdyHeaders } from './net/spdy/headers.ts'
export { type SpdyOptions, SpdySession } from './net/spdy/session.ts'
export { type SpdyStream } from './net/spdy/stream.ts'
export { UpgradeRefused, type UpgradedConnection, acceptUpgrade, listHeader, requestUpgrade } from './net/upgrade.ts'
