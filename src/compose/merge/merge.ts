import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, type Value, dict, isDict, mapDict, pathMatches, pathText, scalarText } from '../value.ts'

/** How a later file's value joins an earlier one's, where it is not simply "maps by key, lists appended, the later scalar". */
type Join = (earlier: Value, later: Value, path: Path) => Value

const later: Join = (_, value) => value

/** Both as `key=value` lists, one after the other; what says the same key twice is settled afterwards. */
const lists: Join = (earlier, value) => [...asList(earlier), ...asList(value)]

function asList(value: Value): Value[] {
  if (Array.isArray(value)) return value
  if (isDict(value))
    return Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, content]) =>
        (Array.isArray(content) ? content : [content]).map((one) => (one === null ? key : `${key}=${scalarText(one)}`)),
      )
  return value === null ? [] : [value]
}

/** The short form of a map is a list of its keys. */
const keyed =
  (empty: () => Value): Join =>
  (earlier, value, path) =>
    mergeMaps(asKeyed(earlier, empty), asKeyed(value, empty), path)

function asKeyed(value: Value, empty: () => Value): Dict {
  if (isDict(value)) return value
  return dict((Array.isArray(value) ? value : []).map((key) => [scalarText(key), empty()] as const))
}

const STARTED = (): Dict =>
  dict([
    ['condition', 'service_started'],
    ['required', true],
  ])

const build: Join = (earlier, value, path) => mergeMaps(asBuild(earlier), asBuild(value), path)
const asBuild = (value: Value): Dict => (isDict(value) ? value : dict([['context', value]]))

/** Options belong to their driver. */
const logging: Join = (earlier, value, path) => {
  if (!isDict(earlier) || !isDict(value)) return value
  const changed = 'driver' in earlier && 'driver' in value && earlier['driver'] !== value['driver']
  return changed ? value : mergeMaps(earlier, value, path)
}

const mapOrLater: Join = (earlier, value, path) => (isDict(earlier) && isDict(value) ? mergeMaps(earlier, value, path) : value)

/** Address pools are told apart by their subnet. */
const pools: Join = (earlier, value, path) => {
  if (!Array.isArray(earlier) || !Array.isArray(value)) return value
  const joined = [...earlier]
  for (const pool of value) {
    const at = joined.findIndex((one) => isDict(one) && isDict(pool) && one['subnet'] === pool['subnet'])
    const there = joined[at]
    if (there === undefined) joined.push(pool)
    else joined[at] = mergeValues(there, pool, [...path, `[${at}]`])
  }
  return joined
}

const JOINS: readonly (readonly [pattern: string, join: Join])[] = [
  ['networks.*.ipam.config', pools],
  ...['networks.*', 'volumes.*', 'secrets.*', 'configs.*'].map((top) => [`${top}.labels`, lists] as const),
  ...[
    'annotations',
    'build.args',
    'build.additional_contexts',
    'build.extra_hosts',
    'build.labels',
    'deploy.labels',
    'dns',
    'dns_opt',
    'dns_search',
  ]
    .concat(['env_file', 'label_file', 'environment', 'extra_hosts', 'labels', 'volumes.*.volume.labels', 'sysctls', 'tmpfs'])
    .map((key) => [`services.*.${key}`, lists] as const),
  ...['command', 'entrypoint', 'healthcheck.test'].map((key) => [`services.*.${key}`, later] as const),
  ['services.*.build', build],
  ['services.*.depends_on', keyed(STARTED)],
  ['services.*.logging', logging],
  ['services.*.models', keyed(() => null)],
  ['services.*.networks', keyed(() => null)],
  ['services.*.provider', mapOrLater],
  ['services.*.ulimits.*', mapOrLater],
]

/** Joins two files, or a service and the one that it extends. Throws `ComposeRefused` for values of different shape. */
export function mergeFiles(earlier: Dict, value: Dict, at: Path = []): Dict {
  return mergeMaps(earlier, value, at)
}

function mergeValues(earlier: Value, value: Value, path: Path): Value {
  const join = JOINS.find(([pattern]) => pathMatches(path, pattern))?.[1]
  if (join !== undefined) return join(earlier, value, path)
  if (isDict(earlier)) {
    if (value === null) return earlier
    if (!isDict(value)) throw new ComposeRefused(`cannot override ${pathText(path)}`)
    return mergeMaps(earlier, value, path)
  }
  if (Array.isArray(earlier)) {
    if (value === null) return earlier
    if (!Array.isArray(value)) throw new ComposeRefused(`cannot override ${pathText(path)}`)
    return [...earlier, ...value]
  }
  return value
}

function mergeMaps(earlier: Dict, value: Dict, path: Path): Dict {
  const merged = mapDict(earlier, (one) => one)
  for (const [key, content] of Object.entries(value)) {
    const there = merged[key]
    merged[key] = there === undefined ? content : mergeValues(there, content, [...path, key])
  }
  return merged
}

/** Forgets what stands at these paths. */
export function clear(from: Dict, paths: readonly Path[]): Dict {
  return paths.reduce((root, path) => without(root, path), from)
}

function without(from: Dict, [key, ...rest]: Path): Dict {
  if (key === undefined || !(key in from)) return from
  return mapDict(from, (value, name) => {
    if (name !== key) return value
    if (rest.length === 0) return undefined
    return isDict(value) ? without(value, rest) : value
  })
}
