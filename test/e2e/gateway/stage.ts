import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CancellableScope, type KeyPair, type Logger, createLogger, issueLeaf, rootScope } from '#base'
import { type core, type discovery, type networking, refs } from '#api'
import { type Client, createClient, inProcessTransport } from '#client'
import { type RunningGateway, releaseGateway, startGateway } from '#gateway'
import { type RunningCommand, type TestApiServer, commandOutput, startCommand, testApiServer } from '#testing'

const INSIDE = join(import.meta.dirname, '../inside')
export const GATEWAY_ADDRESS = '10.88.0.1'
export const POD_PORT = 8080
export const HTTP_PORT = 80
export const HTTPS_PORT = 443
const NAMESPACE = 'default'
const DAY_MS = 86_400_000

/** A certificate of the authority for servers of these names, with its key also in a file of the stage's. */
export async function serverLeaf(
  { scope, stateDir }: Stage,
  authority: KeyPair,
  commonName: string,
  names: readonly string[] = [commonName],
): Promise<KeyPair & { readonly file: string }> {
  const leaf = await issueLeaf(scope, authority, { subject: { commonName }, names, lifetimeMs: DAY_MS, usages: ['serverAuth'] })
  const file = join(stateDir, `${commonName}.pem`)
  writeFileSync(file, `${leaf.certificate}${leaf.key}`)
  return { ...leaf, file }
}

/** Why there can be no gateway here; undefined where there can. */
export function noGateway(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for a network namespace'
  for (const [tool, flag] of [
    ['haproxy', '-v'],
    ['ip', '-V'],
    ['nsenter', '--version'],
    ['curl', '--version'],
  ] as const) {
    try {
      execFileSync(tool, [flag], { stdio: 'ignore' })
    } catch {
      return `needs ${tool}`
    }
  }
  return undefined
}

export interface StageOptions {
  /** What the gateway says. */
  readonly log?: Logger
  /** Which addresses routes may name; absent: as the gateway has it. */
  readonly mayAsk?: (ip: string) => boolean
  /** For one Gateway each. */
  readonly ownAddresses?: readonly string[]
}

/** A gateway and four pods in a network namespace, and the real API server over a store in memory. */
export interface Stage {
  readonly client: Client
  readonly stateDir: string
  readonly scope: CancellableScope
  readonly gateway: RunningGateway
  /** Ends the gateway as `kill -9` would, as far as HAProxy sees it, and starts another one over the same state. */
  again(): Promise<void>
  /** HAProxy serves on, and nobody tells it anything until `again`. */
  pause(): Promise<void>
  service(name: string, pods: readonly number[]): Promise<void>
  /** From now on these pods are the endpoints of the Service. */
  endpoints(name: string, pods: readonly number[]): Promise<void>
  ingress(name: string, spec: networking.IngressSpec, metadata?: Partial<core.Secret['metadata']>): Promise<void>
  /** In the network of the gateway. */
  curl(...args: readonly string[]): Promise<{ readonly status: number; readonly body: string }>
  /** A pod more: a script of `inside` with these arguments, in the network of the gateway; it says when it listens. */
  pod(file: string, ...args: readonly string[]): Promise<void>
  load(url: string): RunningCommand
  /** A program of `inside`, in the network of the gateway. */
  inside(file: string, ...args: readonly string[]): RunningCommand
  /** In the network of the gateway: who answers requests for a host; see `tally.ts`. */
  tally(host: string, count: number, clients?: number): RunningCommand
  close(): Promise<void>
}

const serviceBackend = (name: string): networking.IngressBackend => ({ service: { name, port: { number: 80 } } })

/** Paths as `[path, pathType, Service]`. */
export const ingressRule = (
  host: string | undefined,
  ...paths: readonly (readonly [string, string, string])[]
): networking.IngressRule => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: paths.map(([path, pathType, name]) => ({ path, pathType, backend: serviceBackend(name) })) },
})

export const podAddress = (pod: number): string => `10.88.0.${pod + 1}`

export async function makeStage(options: StageOptions = {}): Promise<Stage> {
  const made = new AsyncDisposableStack()
  try {
    return await build(made, options)
  } catch (error) {
    await made.disposeAsync()
    throw error
  }
}

/** Whatever is made is taken away by the stack, in the opposite order. */
async function build(made: AsyncDisposableStack, options: StageOptions): Promise<Stage> {
  const name = `sampan-g${process.pid}`
  const netns = `/run/netns/${name}`
  const stateDir = mkdtempSync(join(tmpdir(), 'sampan-gateway-'))
  made.defer(() => rmSync(stateDir, { recursive: true }))
  const ip = (...args: readonly string[]): void => void execFileSync('ip', args)
  ip('netns', 'add', name)
  made.defer(() => ip('netns', 'delete', name))
  ip('-n', name, 'link', 'set', 'lo', 'up')
  for (const pod of [0, 1, 2, 3, 4]) ip('-n', name, 'addr', 'add', `${podAddress(pod)}/32`, 'dev', 'lo')
  for (const own of options.ownAddresses ?? []) ip('-n', name, 'addr', 'add', `${own}/32`, 'dev', 'lo')
  const inside = (program: string, ...args: readonly string[]): readonly [string, readonly string[]] => [
    'nsenter',
    [`--net=${netns}`, program, ...args],
  ]
  const node = (file: string, ...args: readonly string[]): RunningCommand =>
    startCommand(...inside(process.execPath, '--disable-warning=ExperimentalWarning', join(INSIDE, file), ...args))
  const pods = node('echo.ts', ...[1, 2, 3, 4].map((pod) => `${podAddress(pod)}:${POD_PORT}`))
  made.defer(async () => void (await pods.stop()))
  await pods.until(/listening/)
  const api: TestApiServer = await testApiServer()
  made.defer(() => api.close())
  const client = createClient({ transport: inProcessTransport(api.server.handler) })
  const log =
    options.log !== undefined
      ? { log: options.log }
      : process.env['SAMPAN_TEST_LOG'] === undefined
        ? {}
        : { log: createLogger({ component: 'test', level: 'debug' }) }
  const outer = rootScope(log)
  const start = (scope: CancellableScope): Promise<RunningGateway> =>
    startGateway(scope, {
      client,
      stateDir,
      address: '0.0.0.0',
      publishedAddress: GATEWAY_ADDRESS,
      httpPort: HTTP_PORT,
      httpsPort: HTTPS_PORT,
      netns,
      measure: { address: '127.0.0.1', port: 0 },
      ownAddresses: options.ownAddresses,
      ...(options.mayAsk === undefined ? {} : { mayAsk: options.mayAsk }),
    })
  await client.resource(refs.ingressclasses).create(outer, { metadata: { name: 'sampan' }, spec: { controller: 'sampan.io/gateway' } })
  made.defer(async () => {
    outer.cancel()
    await releaseGateway(rootScope(), stateDir)
  })
  let scope = outer.child()
  let gateway = await start(scope)
  const sliceOf = (service: string, of: readonly number[]): discovery.EndpointSlice => ({
    metadata: { name: service, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'web', port: POD_PORT, protocol: 'TCP' }],
    endpoints: of.map((pod) => ({ addresses: [podAddress(pod)], conditions: { ready: true } })),
  })
  return {
    client,
    stateDir,
    scope: outer,
    get gateway() {
      return gateway
    },
    async again() {
      scope.cancel()
      scope = outer.child()
      gateway = await start(scope)
    },
    async pause() {
      scope.cancel()
    },
    async service(service, of) {
      await client.resource(refs.services).create(outer, {
        metadata: { name: service, namespace: NAMESPACE },
        spec: { ports: [{ name: 'web', port: 80, protocol: 'TCP' }] },
      })
      await client.resource(refs.endpointslices).create(outer, sliceOf(service, of))
    },
    async endpoints(service, of) {
      await client
        .resource(refs.endpointslices)
        .patch(outer, { namespace: NAMESPACE, name: service }, { type: 'merge', body: { endpoints: sliceOf(service, of).endpoints } })
    },
    async ingress(ingress, spec, metadata = {}) {
      await client
        .resource(refs.ingresses)
        .create(outer, { metadata: { name: ingress, namespace: NAMESPACE, ...metadata }, spec: { ingressClassName: 'sampan', ...spec } })
    },
    async curl(...args) {
      const text = await commandOutput(
        ...inside('curl', '--silent', '--show-error', '--max-time', '30', '--write-out', '\n%{http_code}', ...args),
      )
      const end = text.lastIndexOf('\n')
      return { status: Number(text.slice(end + 1)), body: text.slice(0, end) }
    },
    async pod(file, ...args) {
      const running = node(file, ...args)
      made.defer(async () => void (await running.stop()))
      await running.until(/listening/)
    },
    inside: node,
    load: (url) => node('load.ts', url, '200', 'close'),
    tally: (host, count, clients = 0) => node('tally.ts', `${GATEWAY_ADDRESS}:${HTTP_PORT}`, host, String(count), String(clients)),
    close: () => made.disposeAsync(),
  }
}
