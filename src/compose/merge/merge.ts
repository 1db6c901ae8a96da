import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, type Value, dict, isDict, mapDict, pathMatches, pathText, shownText } from '../value.ts'

/** How a later file's value joins an earlier one's, where it is not simply "maps by key, lists appended, the later scalar". */
type Join = (earlier: Value, later: Value, path: Path) => Value

const later: Join = (_, value) => value

/** Both as `key=value` lists, one after the other; what says the same key twice is settled afterwards. */
const lists: Join = (earlier, value) => [...asList(earlier), ...asList(value)]

function asList(value: Value): Value[] {
  if (Array.isArray(value)) return value
  if (isDict(value))
    return Object.entries(value)
      .flatMap(([key, content]) =>
        (Array.isArray(content) ? content : [content]).map((one) => (one === null ? key : `${key}=${shownText(one)}`)),
      )
      .sort()
  return typeof value === 'string' ? [value] : []
}

/** Hosts that both name with the same address are there once. */
const hosts: Join = (earlier, value) => {
  const there = asList(earlier)
  return [...there, ...asList(value).filter((line) => !there.includes(line))]
}

/** The short form of a map is a list of its keys. */
const keyed =
  (empty: () => Value): Join =>
  (earlier, value, path) =>
    mergeMaps(asKeyed(earlier, empty), asKeyed(value, empty), path)

function asKeyed(value: Value, empty: () => Value): Dict {
  if (isDict(value)) return value
  return dict((Array.isArray(value) ? value : []).map((key) => [shownText(key), empty()] as const))
}

const STARTED = (): Dict =>
  dict([
    ['condition', 'service_started'],
    ['required', true],
  ])

const build: Join = (earlier, value, path) => mergeMaps(asBuild(earlier), asBuild(value), path)
const asBuild = (value: Value): Dict => (isDict(value) ? value : typeof value === 'string' ? dict([['context', value]]) : dict())

/** Options belong to their driver. */
const logging: Join = (earlier, value, path) => {
  if (!isDict(earlier) || !isDict(value)) return cannot(path)
  const changed = 'driver' in earlier && 'driver' in value && earlier['driver'] !== value['driver']
  return changed ? value : mergeMaps(earlier, value, path)
}

/**
 * Address pools are told apart by their subnet. Every earlier pool is held against every later one: a later one with another subnet
 * joins the result, and where it is there already it is filled from the earlier one; an earlier one whose subnet no later one has is gone.
 */
const pools: Join = (earlier, value, path) => {
  if (!Array.isArray(earlier) || !Array.isArray(value)) return cannot(path)
  const joined: Dict[] = []
  const placeOf = (pool: Dict): number => joined.findIndex((one) => one['subnet'] === pool['subnet'])
  for (const one of earlier) {
    let base = isDict(one) ? one : dict()
    for (const other of value) {
      const pool = isDict(other) ? other : dict()
      if (base['subnet'] !== pool['subnet'] && placeOf(pool) < 0) {
        joined.push(pool)
        continue
      }
      base = mergeMaps(base, pool, path)
      const at = placeOf(base)
      if (at < 0) joined.push(base)
      else joined[at] = base
    }
  }
  return joined
}

const JOINS: readonly (readonly [pattern: string, join: Join])[] = [
  ['networks.*.ipam.config', pools],
  ...['networks.*', 'volumes.*'].map((top) => [`${top}.labels`, lists] as const),
  ...['annotations', 'build.args', 'build.additional_contexts', 'build.labels', 'deploy.labels', 'dns', 'dns_opt', 'dns_search']
    .concat(['env_file', 'label_file', 'environment', 'labels', 'volumes.*.volume.labels', 'sysctls', 'tmpfs'])
    .map((key) => [`services.*.${key}`, lists] as const),
  ...['extra_hosts', 'build.extra_hosts'].map((key) => [`services.*.${key}`, hosts] as const),
  ...['command', 'entrypoint', 'healthcheck.test', 'ulimits.*'].map((key) => [`services.*.${key}`, later] as const),
  ['services.*.build', build],
  ['services.*.depends_on', keyed(STARTED)],
  ['services.*.logging', logging],
  ['services.*.models', keyed(() => null)],
  ['services.*.networks', keyed(() => null)],
]

/** Joins two files, or a service and the one that it extends. Throws `ComposeRefused` for values of different shape. */
export function mergeFiles(earlier: Dict, value: Dict, at: Path = []): Dict {
  return mergeMaps(earlier, value, at)
}

function mergeValues(earlier: Value, value: Value, path: Path): Value {
  const join = JOINS.find(([pattern]) => pathMatches(path, pattern))?.[1]
  if (join !== undefined) return join(earlier, value, path)
  if (value === null) return earlier
  if (isDict(earlier)) return isDict(value) ? mergeMaps(earlier, value, path) : cannot(path)
  if (Array.isArray(earlier)) return Array.isArray(value) ? [...earlier, ...value] : cannot(path)
  return value
}

function cannot(path: Path): never {
  throw new ComposeRefused(`cannot override ${pathText(path)}`)
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
