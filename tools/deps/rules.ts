/**
 * Who may know whom, as data. The checker reads it over every form of import; ARCHITECTURE.md shows the same table, and a test compares
 * the two. To change a row is to change the architecture: do it in the open, in its own change, with the reason in docs/decisions.
 */
export interface Row {
  /** A folder of src, or a folder beside it. `controllers/*` stands for each folder of src/controllers. */
  readonly name: string
  /** A row may only import from lower layers. `undefined` for what stands beside the product. */
  readonly layer: number | undefined
  /** Doors of package.json `imports` without the `#`, or everything. */
  readonly may: readonly string[] | 'everything'
  /** What a reader might expect to be allowed, and is not on purpose. */
  readonly not: string
  /** npm packages, or all that package.json names. */
  readonly npm: readonly string[] | 'everything'
  /** `node:` modules without the prefix, or all. */
  readonly node: readonly string[] | 'everything'
}

const plain = ['assert', 'assert/strict', 'async_hooks', 'buffer', 'crypto', 'events', 'path', 'string_decoder', 'url', 'util', 'zlib']
const streams = ['stream', 'stream/consumers', 'stream/promises', 'stream/web']
const files = ['fs', 'fs/promises', 'os']
const network = ['http', 'https', 'http2', 'net', 'tls']
const processes = ['child_process', 'process', 'readline', 'worker_threads']
const connect = ['@bufbuild/protobuf', '@connectrpc/connect', '@connectrpc/connect-node']
/** What a worker over the API may use: no file, no socket, no process. It reaches the world through `#client`. */
const aboveTheApi = ['base', 'api', 'client', 'reconcile']

export const ROWS: readonly Row[] = [
  {
    name: 'base',
    layer: 0,
    may: [],
    not: 'any Kubernetes word',
    npm: ['@peculiar/x509', 'pino', 'reflect-metadata', 'ws', 'yaml'],
    node: [...plain, ...streams, ...files, ...network, ...processes, 'dgram', 'dns', 'dns/promises', 'perf_hooks', 'v8'],
  },
  { name: 'api', layer: 1, may: ['base/pure'], not: 'I/O, store, client, any `node:` module', npm: ['re2js'], node: [] },
  { name: 'compose', layer: 1, may: ['base/pure'], not: 'any Kubernetes word, files: it gets their texts', npm: ['yaml'], node: [] },
  { name: 'routing', layer: 1, may: ['base/pure'], not: 'any Kubernetes word, any data plane', npm: ['re2js'], node: [] },
  {
    name: 'store',
    layer: 2,
    may: ['base', 'base/grpc'],
    not: 'api: it keeps bytes under keys with revisions',
    npm: [...connect, '@noble/ciphers'],
    node: [...plain, ...streams, ...files, ...network, 'sqlite', 'worker_threads'],
  },
  {
    name: 'client',
    layer: 2,
    may: ['base', 'api'],
    not: 'apiserver, store',
    npm: [],
    node: [...plain, ...streams, ...files, ...network, 'child_process'],
  },
  {
    name: 'images',
    layer: 3,
    may: ['base'],
    not: 'api: it makes image layouts out of files',
    npm: ['modern-tar'],
    node: [...plain, ...streams, ...files, 'child_process'],
  },
  { name: 'reconcile', layer: 3, may: ['base', 'api', 'client'], not: 'any concrete controller', npm: [], node: plain },
  {
    name: 'apiserver',
    layer: 3,
    may: ['base', 'base/grpc', 'base/pure', 'api', 'store'],
    not: '**client**, reconcile, controllers',
    npm: ['jose'],
    node: [...plain, ...streams, ...files, ...network, 'dns', 'dns/promises', 'worker_threads'],
  },
  {
    name: 'controllers/*',
    layer: 4,
    may: aboveTheApi,
    not: 'apiserver, store, node, **each other**',
    npm: [],
    node: plain,
  },
  { name: 'controllers', layer: 4, may: aboveTheApi, not: 'anything but the list of its folders', npm: [], node: [] },
  { name: 'scheduler', layer: 4, may: aboveTheApi, not: 'controllers, node', npm: [], node: plain },
  {
    name: 'node',
    layer: 4,
    may: aboveTheApi,
    not: 'apiserver, store, controllers',
    npm: connect,
    node: [...plain, ...streams, ...files, ...network, ...processes],
  },
  {
    name: 'proxy',
    layer: 4,
    may: aboveTheApi,
    not: 'node, dns, gateway',
    npm: [],
    node: [...plain, ...streams, ...files, ...network, 'child_process'],
  },
  {
    name: 'network',
    layer: 4,
    may: aboveTheApi,
    not: 'node, proxy, dns',
    npm: [],
    node: [...plain, ...files, 'net'],
  },
  { name: 'dns', layer: 4, may: aboveTheApi, not: 'node, proxy, gateway', npm: ['dns-packet'], node: [...plain, ...files, 'dgram', 'net'] },
  {
    name: 'gateway',
    layer: 4,
    may: [...aboveTheApi, 'routing'],
    not: 'node, proxy, dns',
    npm: [],
    node: [...plain, ...streams, ...files, ...network, 'child_process', 'dns/promises'],
  },
  { name: 'simulate', layer: 4, may: aboveTheApi, not: 'node: an ordinary user of the API', npm: [], node: plain },
  { name: 'delivery', layer: 4, may: [...aboveTheApi, 'compose'], not: 'anything else: an ordinary user of the API', npm: [], node: plain },
  { name: 'console', layer: 4, may: ['api', 'client/web'], not: 'every server', npm: [], node: [] },
  {
    name: 'cli',
    layer: 4,
    may: ['base', 'api', 'client'],
    not: 'every server',
    npm: ['commander'],
    node: [...plain, ...streams, ...files, ...network, ...processes, 'tty', 'readline/promises'],
  },
  { name: 'main', layer: 5, may: 'everything', not: 'nothing imports main', npm: ['commander', 'esbuild'], node: 'everything' },
  { name: 'testing', layer: undefined, may: 'everything', not: 'only tests import it', npm: 'everything', node: 'everything' },
  { name: 'test', layer: undefined, may: 'everything', not: 'nothing imports test', npm: 'everything', node: 'everything' },
  { name: 'tools', layer: undefined, may: 'everything', not: 'nothing imports tools', npm: 'everything', node: 'everything' },
  { name: 'examples', layer: undefined, may: [], not: 'any part of ours: an example stands alone', npm: [], node: 'everything' },
]

/** Doors whose whole reach must stay free of `node:` modules and npm packages, so that `api` and a browser can use them. */
export const PURE_DOORS: readonly string[] = ['base/pure', 'client/web']

/** Importable only by rows with `may: 'everything'`, and by tests where it says so. */
export const TESTING = 'testing'

/** The program's start looks for its packed form, whose place nobody knows before: the one import that is computed. */
export const PROGRAM = 'src/main/sampan.ts'

export const SIZES = { warnLines: 400, maxLines: 700, warnFilesInFolder: 15 } as const

/** Names that say nothing about what is inside. */
export const EMPTY_NAMES: readonly string[] = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'shared', 'manager']

/** Code that only tests run: free of the table's last columns, of the bans and of the size limits. Product code never imports it. */
export function isTestCode(path: string): boolean {
  return /\.(test|suite|fixture)\.ts$/.test(path) || /(^|\/)(testdata|testing)\//.test(path) || path.startsWith('test/')
}

/** Generators read the files they generate for, not doors: behind a door may stand what is not generated yet. */
export function isGenerator(path: string): boolean {
  return path.startsWith('tools/gen/')
}

/** The component that a file belongs to, or undefined when it lies where no component is. */
export function componentOf(path: string): string | undefined {
  const [top, second, third, fourth] = path.split('/')
  if (top === undefined || second === undefined) return undefined
  if (top !== 'src') return ROWS.some((row) => row.layer === undefined && row.name === top) ? top : undefined
  if (third === undefined) return undefined
  return second === 'controllers' && fourth !== undefined ? `controllers/${third}` : second
}

export function rowOf(component: string, rows: readonly Row[] = ROWS): Row | undefined {
  return (
    rows.find((row) => row.name === component) ??
    (component.startsWith('controllers/') ? rows.find((row) => row.name === 'controllers/*') : undefined)
  )
}
