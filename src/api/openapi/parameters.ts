import type { Dialect, Json } from './dialect.ts'

/** What a parameter means, in the words of the reference. `of`: `patch` and paths that stream (`Pod/log`) have words of their own. */
export type DescribeParameter = (name: string, of: string) => string | undefined

/** Query parameters of the verbs, with their types. */
const TYPES: Readonly<Record<string, 'string' | 'boolean' | 'integer'>> = {
  allowWatchBookmarks: 'boolean',
  command: 'string',
  container: 'string',
  continue: 'string',
  dryRun: 'string',
  fieldManager: 'string',
  fieldSelector: 'string',
  fieldValidation: 'string',
  follow: 'boolean',
  force: 'boolean',
  gracePeriodSeconds: 'integer',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'boolean',
  insecureSkipTLSVerifyBackend: 'boolean',
  labelSelector: 'string',
  limit: 'integer',
  limitBytes: 'integer',
  orphanDependents: 'boolean',
  path: 'string',
  ports: 'integer',
  pretty: 'string',
  previous: 'boolean',
  propagationPolicy: 'string',
  resourceVersion: 'string',
  resourceVersionMatch: 'string',
  sendInitialEvents: 'boolean',
  shardSelector: 'string',
  sinceSeconds: 'integer',
  stderr: 'boolean',
  stdin: 'boolean',
  stdout: 'boolean',
  stream: 'string',
  tailLines: 'integer',
  timeoutSeconds: 'integer',
  timestamps: 'boolean',
  tty: 'boolean',
  watch: 'boolean',
}

const SELECT = [
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'shardSelector',
  'timeoutSeconds',
]
const DELETE = ['dryRun', 'gracePeriodSeconds', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'propagationPolicy']

export const PARAMETERS = {
  list: ['allowWatchBookmarks', ...SELECT, 'watch'],
  write: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
  delete: DELETE,
  deletecollection: [...DELETE, ...SELECT],
} as const

/** Query parameters of the subresources that stream. */
export const CONNECT_PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  attach: ['container', 'stderr', 'stdin', 'stdout', 'tty'],
  exec: ['command', 'container', 'stderr', 'stdin', 'stdout', 'tty'],
  portforward: ['ports'],
  proxy: ['path'],
  log: [
    'container',
    'follow',
    'insecureSkipTLSVerifyBackend',
    'limitBytes',
    'previous',
    'sinceSeconds',
    'stream',
    'tailLines',
    'timestamps',
  ],
}

/** Parameters sorted by name; those in the path are required. */
export function parameters(
  dialect: Dialect,
  describe: (name: string, place: Place) => string | undefined,
  query: readonly string[],
  path: readonly string[] = [],
): Json[] {
  const one = (name: string, place: Place): Json => parameter(dialect, name, place, describe(name, place))
  return sorted([...query.map((name) => one(name, 'query')), ...path.map((name) => one(name, 'path'))])
}

type Place = 'query' | 'path'

function sorted(all: Json[]): Json[] {
  return all.sort((a, b) =>
    String(a['name']) < String(b['name']) ? -1 : String(a['name']) > String(b['name']) ? 1 : a['in'] === 'path' ? -1 : 1,
  )
}

function parameter(dialect: Dialect, name: string, place: Place, description: string | undefined): Json {
  const type = TYPES[name] ?? 'string'
  const head = { name, in: place, ...(description === undefined ? {} : { description }), ...(place === 'path' ? { required: true } : {}) }
  return dialect.version === 3 ? { ...head, schema: { type, uniqueItems: true } } : { ...head, type, uniqueItems: true }
}

/** A path with its operations: what all of them have in common stands once, at the path, as kube-apiserver has it. */
export function pathItem(operations: Readonly<Record<string, Json>>, inCommon: readonly Json[]): Json {
  const lists = Object.values(operations).map((operation) => (operation['parameters'] as readonly Json[] | undefined) ?? [])
  const common = (lists[0] ?? []).filter(
    (one) => one['in'] !== 'body' && lists.every((list) => list.some((other) => other['name'] === one['name'])),
  )
  const names = new Set(common.map((one) => one['name']))
  const rest = Object.entries(operations).map(([method, operation]): [string, Json] => {
    const { parameters: own, ...others } = operation as Json & { readonly parameters?: readonly Json[] }
    const left = (own ?? []).filter((one) => !names.has(one['name']))
    return [method, left.length === 0 ? others : { ...others, parameters: left }]
  })
  return { ...Object.fromEntries(rest), parameters: sorted([...common, ...inCommon]) }
}
