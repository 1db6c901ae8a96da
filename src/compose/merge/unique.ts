import { ComposeRefused } from '../refusal.ts'
import { parseVolume } from '../canonical/volumes.ts'
import { type Dict, type Path, type Value, isDict, isWhole, mapDict, pathMatches, pathText, shownText } from '../value.ts'

/** What must be different in the items of a list; of two with the same, the later takes the earlier's place. */
type Identity = (item: Value, path: Path) => string

const key: Identity = (item, path) =>
  typeof item === 'string' ? (item.split('=', 1)[0] ?? '') : refuse(`${pathText(path)}: unexpected type ${typeof item}`)

const exposed: Identity = (item, path) =>
  typeof item === 'string' || isWhole(item) ? String(item) : refuse(`${pathText(path)}: unsupported expose value ${shownText(item)}`)

/** `[source:]target[:options]`, or a map. */
const mount: Identity = (item, path) => {
  if (isDict(item)) return textAt(item, 'target') ?? refuse(`service volume ${pathText(path)} is missing a mount target`)
  return typeof item === 'string' ? shownText(parseVolume(item)['target'] ?? '') : ''
}

const device: Identity = (item, path) => {
  if (isDict(item)) return textAt(item, 'target') ?? refuse(`service device ${pathText(path)} is missing a mount target`)
  if (typeof item !== 'string') return ''
  const [source = '', target = source] = item.split(':')
  return target
}

const fileMount =
  (folder: string): Identity =>
  (item, path) => {
    if (typeof item === 'string') return `${folder}/${item}`
    if (!isDict(item)) return refuse(`${pathText(path)}: unsupported value ${shownText(item)}`)
    if (item['target'] === undefined) return `${folder}/${shownText(item['source'] ?? null)}`
    return textAt(item, 'target') ?? refuse(`${pathText(path)}.target must be a string`)
  }

/** Published ports that are written as a number and as text are two. */
const port: Identity = (item, path) => {
  if (!isDict(item)) return typeof item === 'string' || typeof item === 'number' || typeof item === 'bigint' ? String(item) : ''
  if (item['target'] === undefined) return refuse(`service ports ${pathText(path)} is missing a target port`)
  const { host_ip: address = '0.0.0.0', published = null, target, protocol = 'tcp' } = item
  return JSON.stringify([address, published, target, protocol])
}

const file: Identity = (item, path) => {
  if (!isDict(item)) return shownText(item)
  return textAt(item, 'path') ?? refuse(`environment path attribute ${pathText(path)} is missing`)
}

function textAt(item: Dict, name: string): string | undefined {
  const found = item[name]
  return typeof found === 'string' ? found : undefined
}

function refuse(reason: string): never {
  throw new ComposeRefused(reason)
}

const IDENTITIES: readonly (readonly [pattern: string, identity: Identity])[] = [
  ['networks.*.labels', key],
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
  ['services.*.expose', exposed],
  ['services.*.env_file', file],
  ['services.*.configs', fileMount('')],
  ['services.*.secrets', fileMount('/run/secrets')],
  ['services.*.devices', device],
  ['services.*.volumes', mount],
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
