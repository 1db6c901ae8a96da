import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, type Value, isDict, mapDict, pathMatches, pathText, scalarText } from '../value.ts'

/** What must be different in the items of a list; of two with the same, the later takes the earlier's place. */
type Identity = (item: Value, path: Path) => string

const whole: Identity = (item) => JSON.stringify(item)
const key: Identity = (item) => (typeof item === 'string' ? (item.split('=', 1)[0] ?? '') : JSON.stringify(item))
const text: Identity = (item) => (typeof item === 'object' ? JSON.stringify(item) : scalarText(item))

/** `[source:]target[:options]`, or a map. */
const target: Identity = (item) => {
  if (isDict(item)) return scalarText(item['target'] ?? '')
  if (typeof item !== 'string') return JSON.stringify(item)
  return targetOfMount(item)
}

function targetOfMount(spec: string): string {
  const parts = spec.replace(/^[A-Za-z]:(?=[\\/])/, (drive) => `${drive[0]}\0`).split(':')
  return parts[1] ?? parts[0] ?? ''
}

const mounted =
  (folder: string): Identity =>
  (item) => {
    const source = isDict(item) ? scalarText(item['source'] ?? '') : scalarText(item)
    const place = isDict(item) ? item['target'] : undefined
    return typeof place === 'string' ? (place.startsWith('/') ? place : `${folder}/${place}`) : `${folder}/${source}`
  }

const port: Identity = (item, path) => {
  if (!isDict(item)) return text(item, path)
  if (item['target'] === undefined) throw new ComposeRefused(`service ports ${pathText(path)} is missing a target port`)
  const of = (name: string, otherwise: string): string => scalarText(item[name] ?? otherwise)
  return `${of('host_ip', '0.0.0.0')}:${of('published', '')}:${of('target', '')}/${of('protocol', 'tcp')}`
}

const file: Identity = (item) => (isDict(item) ? scalarText(item['path'] ?? '') : text(item, []))

const IDENTITIES: readonly (readonly [pattern: string, identity: Identity])[] = [
  ...['networks.*.labels', 'networks.*.ipam.options', 'volumes.*.labels', 'secrets.*.labels', 'configs.*.labels'].map(
    (one) => [one, key] as const,
  ),
  ...['annotations', 'build.args', 'build.additional_contexts', 'build.tags', 'build.labels', 'cap_add', 'cap_drop', 'deploy.labels', 'dns']
    .concat([
      'dns_opt',
      'dns_search',
      'environment',
      'labels',
      'links',
      'networks.*.aliases',
      'networks.*.link_local_ips',
      'profiles',
      'sysctls',
      'tmpfs',
    ])
    .map((one) => [`services.*.${one}`, key] as const),
  ['services.*.extra_hosts', whole],
  ['services.*.build.extra_hosts', whole],
  ['services.*.expose', text],
  ['services.*.env_file', file],
  ['services.*.label_file', file],
  ['services.*.configs', mounted('')],
  ['services.*.secrets', mounted('/run/secrets')],
  ['services.*.devices', target],
  ['services.*.volumes', target],
  ['services.*.ports', port],
]

/** Settles what several files, or one, say twice. */
export function withoutRepeats(root: Dict): Dict {
  return mapDict(root, (value, name) => settle(value, [name]))
}

function settle(value: Value, path: Path): Value {
  if (isDict(value)) return mapDict(value, (content, name) => settle(content, [...path, name]))
  if (!Array.isArray(value)) return value
  const identity = IDENTITIES.find(([pattern]) => pathMatches(path, pattern))?.[1]
  if (identity === undefined) return value
  const kept = new Map<string, Value>()
  for (const [at, item] of value.entries()) kept.set(identity(item, [...path, `[${at}]`]), item)
  return [...kept.values()]
}
