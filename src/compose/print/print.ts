import { stringify } from 'yaml'
import { SERVICE } from '../schema/service.ts'
import { type Dict, Timestamp, type Value, WholeFloat, childDict, dict, isDict, mapDict } from '../value.ts'

const TOP_ORDER = ['version', 'name', 'services', 'networks', 'volumes', 'secrets', 'configs', 'models']
const SERVICE_ORDER = Object.keys(SERVICE)
const NAMED = ['services', 'networks', 'volumes', 'secrets', 'configs', 'models']

/** `config`'s YAML: dollars doubled, so that the text can be read again. */
export function printYaml(model: Dict): string {
  return stringify(plain(ordered(model)), { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0, nullStr: 'null' })
}

/** `config --format json`. */
export function printJson(model: Dict): string {
  const services = mapDict(childDict(model, 'services'), (service) => (isDict(service) ? jsonService(service) : service))
  const networks = mapDict(childDict(model, 'networks'), (network) =>
    isDict(network) ? dict([['ipam', dict()], ...Object.entries(network)]) : network,
  )
  const full = dict([
    ...Object.entries(model),
    ['services', services],
    ...(model['networks'] === undefined ? [] : [['networks', networks] as const]),
  ])
  return `${JSON.stringify(plain(ordered(full)), undefined, 2)}\n`
}

/** In JSON some parts are always there, extensions are not, and the devices of `blkio_config` have capital letters. */
function jsonService(service: Dict): Dict {
  const made = withoutExtensions(dict([['command', null], ['entrypoint', null], ...Object.entries(service)]))
  const { blkio_config: blkio, deploy, develop } = made
  if (isDict(deploy)) made['deploy'] = dict([['resources', dict()], ['placement', dict()], ...Object.entries(deploy)])
  if (isDict(blkio)) made['blkio_config'] = mapDict(blkio, (devices) => (Array.isArray(devices) ? devices.map(capitals) : devices))
  const watches = isDict(develop) ? develop['watch'] : undefined
  if (isDict(develop) && Array.isArray(watches))
    made['develop'] = dict([
      ...Object.entries(develop),
      ['watch', watches.map((watch) => (isDict(watch) ? dict([['exec', dict([['command', null]])], ...Object.entries(watch)]) : watch))],
    ])
  return made
}

const capitals = (value: Value): Value =>
  isDict(value)
    ? dict(Object.entries(value).map(([key, content]) => [`${key.charAt(0).toUpperCase()}${key.slice(1)}`, content] as const))
    : value

function withoutExtensions(from: Dict): Dict {
  const clean = (value: Value): Value => (isDict(value) ? withoutExtensions(value) : Array.isArray(value) ? value.map(clean) : value)
  return mapDict(from, (value, key) => (key.startsWith('x-') ? undefined : clean(value)))
}

function ordered(model: Dict): Dict {
  const sorted = sortKeys(model, TOP_ORDER)
  for (const section of NAMED) {
    const found = sorted[section]
    if (!isDict(found)) continue
    const byName = sortKeys(found, [])
    sorted[section] =
      section === 'services' ? mapDict(byName, (service) => (isDict(service) ? sortKeys(service, SERVICE_ORDER) : service)) : byName
  }
  return sorted
}

function sortKeys(from: Dict, order: readonly string[]): Dict {
  const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length)
  return dict(Object.entries(from).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)))
}

/** Plain data with dollars escaped. */
function plain(value: Value): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (value instanceof WholeFloat) return value.value
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Timestamp) return momentText(value.text)
  return isDict(value)
    ? Object.fromEntries(Object.entries(value).map(([key, content]) => [key.replaceAll('$', '$$$$'), plain(content)]))
    : value
}

/** RFC 3339, as moments are printed. */
function momentText(text: string): string {
  const at = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text)
  return Number.isNaN(at) ? text : new Date(at).toISOString().replace('.000Z', 'Z')
}
