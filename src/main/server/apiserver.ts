import { mkdirSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import {
  type HttpHandler,
  type KeyPair,
  type PlannedLeaf,
  type Scope,
  Secret,
  UserError,
  ensureCertificates,
  leadsOutward,
  messageOf,
  readFileIfThere,
  writePrivateFile,
} from '#base'
import { builtInResources, metricsResources } from '#api'
import {
  CERTIFICATE_FILES,
  type ApiServer,
  StartSteps,
  type UserInfo,
  accessControl,
  clusterCertificates,
  componentSubject,
  createAggregator,
  createApiServer,
  FRONT_PROXY,
  frontProxyCertificates,
  publishAuthentication,
  legacyTokenSigner,
  listen,
  metricsSpecials,
  openAuthentication,
  type AuthorizationSources,
  openAuthorization,
  openTracing,
  parseTokenFile,
  podSpecials,
  requestFairness,
  keepServicesRepaired,
  serviceAllocation,
  streamSpecials,
  policySteps,
  watchDangling,
  webhookSteps,
  writeKubeconfig,
} from '#apiserver'
import { openEtcdStore, openMemoryStore, openSqliteStore, startCompaction } from '#store'
import { openAudit } from './audit.ts'
import { hostInUrl } from '../instance/instance.ts'
import { type Failover, tolerationOf } from '../program/failover.ts'
import { type GuardedStore, withEncryption } from './encryption.ts'
import type { AuditFlags, AuthenticationFlags, EtcdFlags } from '../program/flags.ts'
import { lateServer } from './late-server.ts'
import { noteSecretUse } from './legacy-tokens.ts'
import { keepIdentity } from './identity-lease.ts'
import { AGGREGATION, IDENTITY, PUBLISHING, WITH_THE_SERVER, bootstrap } from './bootstrap.ts'
import { publishApi } from './publish-api.ts'
import { serviceRanges } from './service-range.ts'

export interface ApiServerFlags {
  readonly stateDir: string
  readonly securePort: number
  readonly bindAddress: string
  /** Where others reach this server; the first address of this machine that is not a loopback one when absent. */
  readonly advertiseAddress?: string
  readonly store: 'sqlite' | 'etcd' | 'memory'
  readonly etcd?: EtcdFlags
  readonly tokenAuthFile?: string
  readonly audit?: AuditFlags
  /** Who else is known, and whether everybody must be. */
  readonly authentication?: AuthenticationFlags
  /** Who decides what they may do. */
  readonly authorization?: AuthorizationSources
  /** Absent: Secrets are encrypted with a key that is made at the first start. */
  readonly encryptionProviderConfig?: string
  /** Whether that file is followed. */
  readonly encryptionProviderConfigAutomaticReload?: boolean | undefined
  /** Whether requests are recorded, and where the record goes (TracingConfiguration). */
  readonly tracingConfigFile?: string | undefined
  readonly serviceClusterIpRange: string
  /** Whether it serves `metrics.k8s.io` out of what the nodes say. */
  readonly metrics: boolean
  /** How soon pods leave dead nodes. */
  readonly failover?: Failover
  /** The options that it was started with, by name, for whoever may ask what they were. */
  readonly told?: Readonly<Record<string, string>>
  /** Nodes whose agents get a kubeconfig and a serving certificate written beside the admin's: `name` or `name=address`. */
  readonly nodes: readonly string[]
}

export interface RunningApiServer {
  readonly handler: HttpHandler
  readonly port: number
  /** PEM of the cluster's authority. */
  readonly authority: string
  /** What signs certificates and tokens for the controllers inside this process. */
  readonly signing: ControllerSigning
  /** Tokens for the parts that run inside this process, by the name of their user. */
  readonly tokenOf: (part: InternalPart) => string
  /** Takes no more requests, lets those under way finish, and closes the store. */
  stop(): Promise<void>
  readonly addMetrics: ApiServer['addMetrics']
}

export interface ControllerSigning {
  readonly authority: KeyPair
  readonly legacyToken: ReturnType<typeof legacyTokenSigner>
}

export type InternalPart = 'controllers' | 'scheduler'
const PARTS: Readonly<Record<InternalPart, string>> = { controllers: 'system:kube-controller-manager', scheduler: 'system:kube-scheduler' }
const DOMAIN = 'cluster.local'
const ISSUER = `https://kubernetes.default.svc.${DOMAIN}`
const STOP_GRACE_MS = 5000
const FIRST_NODE_PORT = 30_000
const LAST_NODE_PORT = 32_767
/** Reads and writes together, as many as kube-apiserver allows. */
const REQUESTS_AT_ONCE = 600
const LONGEST_WAIT_MS = 15_000
const COMPACT_EVERY_MS = 300_000

/** Starts an API server in groups: keys and store, server, listener, bootstrap objects. Resolves when it answers and is ready. */
export async function startApiServer(scope: Scope, flags: ApiServerFlags): Promise<RunningApiServer> {
  const ranges = serviceRanges(flags.serviceClusterIpRange)
  const advertised = flags.advertiseAddress ?? firstAddress()
  mkdirSync(flags.stateDir, { recursive: true, mode: 0o700 })
  const nodes = flags.nodes.map(parseNode)
  const names = nodes.map(({ name }) => name)
  const base = clusterCertificates({
    bindAddress: flags.bindAddress,
    serviceAddresses: ranges.map(({ first }) => first),
    domain: DOMAIN,
    names: [advertised],
    nodes: names,
  })
  const plan = { ...base, leaves: [...base.leaves, ...nodes.map(servingLeaf)] }
  const pki = join(flags.stateDir, 'pki')
  const [certificates, frontProxy, { engine, healthChecks, writeMetrics }] = await Promise.all([
    ensureCertificates(scope, pki, plan),
    ensureCertificates(scope, join(pki, FRONT_PROXY.folder), frontProxyCertificates()),
    openStore(scope, flags),
  ])
  const leaf = (file: string): { certificate: string; key: string } => {
    const found = certificates.leaves.get(file)
    if (found === undefined) throw new Error(`no certificate ${file}`)
    return found
  }
  const audit = flags.audit === undefined ? undefined : await openAudit(scope, flags.audit)
  const tracing = flags.tracingConfigFile === undefined ? undefined : await openTracing(scope, flags.tracingConfigFile)
  const tokens = internalTokens(scope)
  const late = lateServer()
  const steps = new StartSteps()
  const further = await openAuthentication(scope, { ...flags.authentication, ownIssuers: [ISSUER] })
  const signingKey = new Secret(certificates.signingKeys.get(CERTIFICATE_FILES.tokenKey) ?? '')
  const access = accessControl({
    reader: late.reader,
    clientAuthorities: certificates.authority.certificate,
    tokens: [...fileTokens(flags.tokenAuthFile), ...[...tokens].map(([part, token]) => [token, internalUser(part)] as const)],
    furtherTokens: further.tokens,
    authorization: await openAuthorization(scope, flags.authorization ?? {}),
    ...tolerationOf(flags.failover),
    serviceAccounts: {
      issuers: [ISSUER],
      audiences: [],
      signingKey,
      furtherKeys: [],
      noteSecretUse: (within, secret) => noteSecretUse(within, late.writer(), secret),
    },
  })
  const toNodes = { ...leaf(CERTIFICATE_FILES.toNodes), authority: certificates.authority.certificate }
  const aggregator = createAggregator(scope, {
    reader: late.reader,
    follow: late.follow,
    credentials: frontProxy.leaves.get(FRONT_PROXY.client) ?? { certificate: '', key: '' },
    isAllowed: leadsOutward,
  })
  const services = serviceAllocation(scope, {
    reader: late.reader,
    writer: late.writer,
    engine,
    addressRanges: ranges.map(({ cidr }) => cidr),
    firstNodePort: FIRST_NODE_PORT,
    lastNodePort: LAST_NODE_PORT,
  })
  const server = createApiServer(scope, {
    aggregator,
    fairness: requestFairness(scope, { reader: late.reader, follow: late.follow, concurrency: REQUESTS_AT_ONCE, waitMs: LONGEST_WAIT_MS }),
    engine,
    resources: [...builtInResources(), ...(flags.metrics ? metricsResources() : [])],
    authenticators: access.authenticators,
    mayBeAnonymous: further.mayBeAnonymous,
    authorizers: access.authorizers,
    impersonation: access.impersonation,
    admission: [
      ...access.admission,
      ...policySteps(scope, { ...late, authorizers: access.authorizers }),
      ...webhookSteps(scope, { ...late, authorizers: access.authorizers, isAllowed: leadsOutward }),
      ...access.finalAdmission,
    ],
    guard: access.guard,
    specials: {
      ...podSpecials(),
      ...streamSpecials({ credentials: toNodes }),
      ...(flags.metrics ? metricsSpecials({ credentials: toNodes, reader: late.reader }) : {}),
    },
    virtual: access.virtual,
    ...(audit === undefined ? {} : { audit }),
    tracer: tracing?.tracer,
    rawRoutes: access.rawRoutes,
    healthChecks,
    startSteps: steps,
    flags: flags.told ?? {},
    hooks: { ...access.hooks, services },
  })
  late.set(server)
  steps.done(WITH_THE_SERVER)
  server.addMetrics((text) => services.writeMetrics(text))
  server.addMetrics((text) => access.writeMetrics(text))
  server.addMetrics(writeMetrics)
  await server.ready
  await bootstrap(scope, server, steps)
  await steps.run(['poststarthook/start-cluster-authentication-info-controller'], () =>
    publishAuthentication(scope, server.reader, server.writer, {
      clientAuthority: certificates.authority.certificate,
      frontProxyAuthority: frontProxy.authority.certificate,
    }),
  )
  await steps.run(AGGREGATION, () => aggregator.start(server.writer))
  watchDangling(scope, server.reader, server.writer, server.follow)
  startCompaction(scope, engine, { keepMs: COMPACT_EVERY_MS, everyMs: COMPACT_EVERY_MS })
  const listener = await listen(scope, {
    handler: server.handler,
    port: flags.securePort,
    address: flags.bindAddress,
    onHandshakeError: () => server.handshakeFailed(),
    ...leaf(CERTIFICATE_FILES.server),
  }).catch((error: unknown) => {
    throw cannotListen(flags, error)
  })
  const authority = certificates.authority.certificate
  writeFiles(scope, flags, advertised, names, authority, listener.port, leaf)
  const place = { address: advertised, port: listener.port }
  const withdraw = await steps.run(PUBLISHING, () => publishApi(scope, server, engine, { ranges, ...place }))
  const presence = await steps.run(IDENTITY, () => keepIdentity(scope, server, place))
  await steps.run(['poststarthook/start-service-ip-repair-controllers'], () => {
    void keepServicesRepaired(scope, { reader: server.reader, writer: server.writer, engine })
  })
  return {
    handler: server.handler,
    port: listener.port,
    authority,
    signing: { authority: certificates.authority, legacyToken: legacyTokenSigner(signingKey) },
    tokenOf: (part) => tokens.get(part) ?? '',
    addMetrics: (source) => server.addMetrics(source),
    async stop() {
      server.retire()
      await presence.end()
      await withdraw().catch((error: unknown) => scope.log.warn('this server is still published', { error: messageOf(error) }))
      server.close()
      await listener.close(STOP_GRACE_MS)
      await engine.close()
      await audit?.sink.close()
      await tracing?.close()
    },
  }
}

async function openStore(scope: Scope, flags: ApiServerFlags): Promise<GuardedStore> {
  const { stateDir, encryptionProviderConfig: file, encryptionProviderConfigAutomaticReload: reloads = false } = flags
  if (flags.store !== 'etcd' && flags.etcd?.etcdServers !== undefined)
    throw new UserError(`--etcd-servers is given, and the store is ${flags.store}`, 'give --store etcd too')
  if (flags.store === 'etcd') {
    const { etcdServers: endpoints = [], etcdCafile: caFile, etcdCertfile: certFile, etcdKeyfile: keyFile } = flags.etcd ?? {}
    const { readingForeignValues } = await import('./etcd.ts')
    const engine = await openEtcdStore(scope, { endpoints, caFile, certFile, keyFile })
    const guarded = await withEncryption(scope, engine, { stateDir, file, reloads })
    return { ...guarded, engine: readingForeignValues(guarded.engine) }
  }
  const engine = flags.store === 'memory' ? openMemoryStore(scope) : await openSqliteStore(scope, { path: join(stateDir, 'store.db') })
  // What is only in memory is not at rest.
  return flags.store === 'memory' && file === undefined
    ? { engine, healthChecks: [], writeMetrics: () => undefined }
    : withEncryption(scope, engine, { stateDir, file, reloads })
}

function internalTokens(scope: Scope): ReadonlyMap<InternalPart, string> {
  const token = (): string => Buffer.from(scope.random.bytes(32)).toString('base64url')
  return new Map([
    ['controllers', token()],
    ['scheduler', token()],
  ])
}

/** The controllers share one identity, which has to be allowed what all of them do together; the scheduler has its own role. */
const internalUser = (part: InternalPart): UserInfo => ({
  name: PARTS[part],
  groups: part === 'controllers' ? ['system:masters', 'system:authenticated'] : ['system:authenticated'],
  extra: {},
})

function fileTokens(file: string | undefined): ReturnType<typeof parseTokenFile> {
  if (file === undefined) return []
  const text = readFileIfThere(file)
  if (text === undefined)
    throw new UserError(`the token file ${file} cannot be read`, 'give --token-auth-file a CSV file: token,user,uid,"group1,group2"')
  return parseTokenFile(text, file)
}

function writeFiles(
  scope: Scope,
  flags: ApiServerFlags,
  advertised: string,
  nodes: readonly string[],
  authority: string,
  port: number,
  leaf: (file: string) => { certificate: string; key: string },
): void {
  const anyAddress = flags.bindAddress === '0.0.0.0' || flags.bindAddress === '::'
  const server = `https://${anyAddress ? '127.0.0.1' : flags.bindAddress}:${port}`
  const kubeconfig = (file: string, user: string, certificate: string, url = server): void =>
    writeKubeconfig(scope, join(flags.stateDir, file), { cluster: 'sampan', user, server: url, authority, client: leaf(certificate) })
  // Nodes may stand behind another network.
  const outside = anyAddress ? `https://${hostInUrl(advertised)}:${port}` : server
  writePrivateFile(scope.random, join(flags.stateDir, 'ca.crt'), authority)
  kubeconfig('admin.kubeconfig', 'admin', CERTIFICATE_FILES.admin)
  kubeconfig('controllers.kubeconfig', 'controllers', 'controllers')
  kubeconfig('scheduler.kubeconfig', 'scheduler', 'scheduler')
  kubeconfig('proxy.kubeconfig', 'proxy', 'proxy', outside)
  kubeconfig('gateway.kubeconfig', 'gateway', 'gateway', outside)
  kubeconfig('delivery.kubeconfig', 'delivery', 'delivery')
  for (const node of nodes) kubeconfig(`node-${node}.kubeconfig`, `node-${node}`, `node-${node}`, outside)
}

interface NodeWish {
  readonly name: string
  readonly address: string | undefined
}

function parseNode(text: string): NodeWish {
  const [name = '', address] = text.split('=')
  return { name, address }
}

const LEAF_LIFE_MS = 365 * 86_400_000

/** For the node agent's own API; `servingCertificateFile` names the file. */
function servingLeaf({ name, address }: NodeWish): PlannedLeaf {
  return {
    file: `serving-${name}`,
    subject: componentSubject.node(name),
    usages: ['serverAuth'],
    names: [name, ...(address === undefined ? [] : [address])],
    lifetimeMs: LEAF_LIFE_MS,
  }
}

function firstAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}

function cannotListen(flags: ApiServerFlags, error: unknown): UserError {
  const inUse = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  return new UserError(
    `the API server cannot listen on ${flags.bindAddress}:${flags.securePort}: ${inUse ? 'the port is in use' : messageOf(error)}`,
    inUse ? 'stop the other program, or choose another port with --secure-port' : 'choose another address with --bind-address',
  )
}
