import { ComposeRefused } from '../refusal.ts'
import {
  type Dict,
  type Path,
  Timestamp,
  type Value,
  WholeFloat,
  dict,
  isDict,
  mapDict,
  pathMatches,
  pathText,
  scalarText,
} from '../value.ts'
import { durationNs, durationText, shellWords, sizeBytes } from './amounts.ts'

/** Brings a value to the type that its key has; `undefined` leaves the key out. Throws `RangeError` with the reason. */
type Decode = (value: Value) => Value | undefined

const plainNumber = (value: Value): Value => (value instanceof WholeFloat ? value.value : value)

const size: Decode = (value) => {
  const bytes = typeof value === 'string' ? sizeBytes(value) : typeof value === 'number' ? Math.trunc(value) : 0
  return bytes === 0 ? undefined : String(bytes)
}
const rate: Decode = (value) => size(value) ?? '0'
const duration: Decode = (value) => (typeof value === 'string' ? durationText(durationNs(value)) : value)
const command: Decode = (value) => (typeof value === 'string' ? shellWords(value) : value)
const test: Decode = (value) =>
  typeof value === 'string' ? ['CMD-SHELL', value] : Array.isArray(value) && value.length === 0 ? undefined : value
const texts: Decode = (value) => (Array.isArray(value) ? value.map(scalarText) : value)
const text: Decode = (value) => (value === null || isDict(value) || Array.isArray(value) ? value : scalarText(value))

const integer: Decode = (value) => {
  if (typeof value !== 'string') return plainNumber(value)
  if (!/^[-+]?\d+$/.test(value)) throw new RangeError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
  return Number(value)
}
const decimal: Decode = (value) => {
  if (typeof value !== 'string') return plainNumber(value)
  const parsed = Number(value)
  if (value.trim() === '' || Number.isNaN(parsed))
    throw new RangeError(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`)
  return parsed
}
const count: Decode = (value) => (value === 'all' ? -1 : integer(value))
const truth: Decode = (value) => {
  if (typeof value !== 'string') return value
  if (/^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false|)$/i.test(value)) return false
  throw new RangeError(`cannot parse as bool: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`)
}

/** A switch that is off is as good as not written. */
const flag: Decode = (value) => (truth(value) === false ? undefined : truth(value))
const dropped: Decode = () => undefined

/** `KEY=value` lists and maps; a bare key has no value. */
const mapping: Decode = (value) => {
  const read = pairs(value, null)
  const spaced = isDict(read) ? Object.keys(read).find((name) => /\s$/.test(name)) : undefined
  if (spaced !== undefined) throw new RangeError(`environment variable ${spaced} is declared with a trailing space`)
  return read
}
/** The same where a bare key has an empty value. */
const labels: Decode = (value) => pairs(value, '')

function pairs(value: Value, bare: Value): Value {
  if (Array.isArray(value))
    return dict(
      value.map((item) => {
        const line = itemText(item)
        const at = line.indexOf('=')
        return at < 0 ? ([line, bare] as const) : ([line.slice(0, at), line.slice(at + 1)] as const)
      }),
    )
  return isDict(value) ? mapDict(value, (content) => (content === null ? bare : itemText(content))) : value
}

function itemText(value: Value): string {
  if (value instanceof Timestamp) throw new RangeError('unexpected type time.Time')
  return scalarText(value)
}

const stringMap: Decode = (value) => (isDict(value) ? mapDict(value, (content) => (content === null ? '' : itemText(content))) : value)

/** `HOST:ADDRESS`, `HOST=ADDRESS` or a map of hosts, as a sorted list. */
const hosts: Decode = (value) => {
  const lines = isDict(value)
    ? Object.entries(value).flatMap(([host, to]) => (Array.isArray(to) ? to : [to]).map((one) => `${host}=${scalarText(one)}`))
    : (Array.isArray(value) ? value : []).map(scalarText)
  return lines.map(hostLine).sort()
}

function hostLine(line: string): string {
  const match = /^([^:=]+)[:=](.*)$/.exec(line)
  if (match === null) throw new RangeError(`bad host name '${line}'`)
  const [, host = '', address = ''] = match
  return `${host}=${address.replace(/^\[(.*)\]$/, '$1')}`
}

const fileMode: Decode = (value) => {
  if (typeof value === 'string') {
    if (!/^[0-7]+$/.test(value)) throw new RangeError(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
    return `0${Number.parseInt(value, 8).toString(8)}`
  }
  return typeof value === 'number' ? `0${value.toString(8)}` : value
}

const limit: Decode = (value) => {
  if (!isDict(value)) return value
  if ('single' in value) return integer(value['single'] ?? null)
  return mapDict(value, (content) => integer(content))
}

const providerOptions: Decode = (value) =>
  isDict(value) ? mapDict(value, (content) => (Array.isArray(content) ? content : [content]).map(scalarText)) : value

/** `{id: path}` as `id=path`, or the id alone. */
const keyList: Decode = (value) =>
  isDict(value) ? Object.entries(value).map(([key, to]) => (to === null ? key : `${key}=${scalarText(to)}`)) : value

const services = (keys: readonly string[], decode: Decode): (readonly [string, Decode])[] =>
  keys.map((key) => [`services.*.${key}`, decode])

const UPDATES = ['update_config', 'rollback_config']
const RATES = ['device_read_bps', 'device_read_iops', 'device_write_bps', 'device_write_iops'].map((key) => `blkio_config.${key}.[].rate`)
const DEVICES = ['gpus.[]', 'deploy.resources.reservations.devices.[]']

const DECODERS: readonly (readonly [pattern: string, decode: Decode])[] = [
  ...services(['mem_limit', 'mem_reservation', 'memswap_limit', 'shm_size', 'build.shm_size', 'volumes.[].tmpfs.size'], size),
  ...services(['deploy.resources.limits.memory', 'deploy.resources.reservations.memory'], size),
  ...services(RATES, rate),
  ...services(
    ['stop_grace_period', 'healthcheck.interval', 'healthcheck.timeout', 'healthcheck.start_period', 'healthcheck.start_interval'],
    duration,
  ),
  ...services(['deploy.restart_policy.delay', 'deploy.restart_policy.window'], duration),
  ...services(
    UPDATES.flatMap((one) => [`deploy.${one}.delay`, `deploy.${one}.monitor`]),
    duration,
  ),
  ...services(['command', 'entrypoint', 'post_start.[].command', 'pre_stop.[].command', 'develop.watch.[].exec.command'], command),
  ...services(['healthcheck.test'], test),
  ...services(['expose', 'group_add'], texts),
  ...services(
    [
      'cpus',
      'cpu_percent',
      'deploy.resources.limits.cpus',
      'deploy.resources.reservations.cpus',
      ...UPDATES.map((one) => `deploy.${one}.max_failure_ratio`),
    ],
    decimal,
  ),
  ...services(
    ['mem_swappiness', 'pids_limit', 'deploy.resources.limits.pids', 'oom_score_adj', 'cpu_count', 'cpu_period', 'cpu_quota', 'cpu_shares'],
    integer,
  ),
  ...services(
    ['cpu_rt_period', 'cpu_rt_runtime', 'scale', 'deploy.replicas', 'healthcheck.retries', 'blkio_config.weight', 'volumes.[].tmpfs.mode'],
    integer,
  ),
  ...services(
    ['deploy.restart_policy.max_attempts', 'deploy.placement.max_replicas_per_node', ...UPDATES.map((one) => `deploy.${one}.parallelism`)],
    integer,
  ),
  ...services(['ports.[].target', 'blkio_config.weight_device.[].weight'], integer),
  ...services(['attach', 'init', 'depends_on.*.required'], truth),
  ...services(
    [
      'build.no_cache',
      'build.pull',
      'build.privileged',
      'oom_kill_disable',
      'privileged',
      'read_only',
      'stdin_open',
      'tty',
      'use_api_socket',
    ],
    flag,
  ),
  ...services(['volumes.[].read_only', 'volumes.[].bind.create_host_path', 'volumes.[].volume.nocopy', 'healthcheck.disable'], flag),
  ...services(['env_file.[].required'], truth),
  ...services(['depends_on.*.restart', 'post_start.[].privileged', 'pre_stop.[].privileged'], flag),
  ...services(
    DEVICES.map((one) => `${one}.count`),
    count,
  ),
  ...services(
    DEVICES.map((one) => `${one}.options`),
    labels,
  ),
  ...services(
    ['environment', 'build.args', 'post_start.[].environment', 'pre_stop.[].environment', 'develop.watch.[].exec.environment'],
    mapping,
  ),
  ...services(['labels', 'annotations', 'build.labels', 'deploy.labels', 'sysctls', 'volumes.[].volume.labels'], labels),
  ...services(['logging.options', 'networks.*.driver_opts', 'storage_opt'], stringMap),
  ...services(['extra_hosts', 'build.extra_hosts'], hosts),
  ...services(['configs.[].mode', 'secrets.[].mode', 'build.secrets.[].mode'], fileMode),
  ...services(['ulimits.*', 'build.ulimits.*'], limit),
  ...services(['provider.options'], providerOptions),
  ...services(['build.ssh'], keyList),
  ...services(['build.context'], (value) => (value === '' ? undefined : value)),
  ...services(['ports.[].published', 'build.provenance', 'build.sbom'], text),
  ...['networks.*.labels', 'volumes.*.labels', 'secrets.*.labels', 'configs.*.labels'].map((one) => [one, labels] as const),
  ...['networks.*.driver_opts', 'volumes.*.driver_opts', 'secrets.*.driver_opts'].map((one) => [one, stringMap] as const),
  ...['networks.*.enable_ipv4', 'networks.*.enable_ipv6'].map((one) => [one, truth] as const),
  ...[
    'networks.*.internal',
    'networks.*.attachable',
    'networks.*.external',
    'volumes.*.external',
    'secrets.*.external',
    'configs.*.external',
  ].map((one) => [one, flag] as const),
  ['networks.*.ipam.options', dropped],
]

/** The model with every value in the type of its key. Throws `ComposeRefused` for amounts that cannot be read. */
export function decodeModel(model: Dict): Dict {
  return mapDict(model, (value, key) => at(value, [key]))
}

/** Keys that are kept though there is nothing in them. */
const KEPT = new Set(['command', 'entrypoint', 'deploy', 'build', 'healthcheck', 'logging', 'develop'])

function isNothing(value: Value | undefined): boolean {
  if (value === null || value === undefined || value === '' || value === 0) return true
  return Array.isArray(value) ? value.length === 0 : isDict(value) && Object.keys(value).length === 0
}

function at(value: Value, path: Path): Value | undefined {
  const decoded = typed(value, path)
  const key = path.length === 3 && path[0] === 'services' ? path[2] : undefined
  if (key === undefined || key === 'scale') return decoded
  if (decoded === null) return undefined
  return isNothing(decoded) && !KEPT.has(key) ? undefined : decoded
}

function typed(value: Value, path: Path): Value | undefined {
  const found = DECODERS.find(([pattern]) => pathMatches(path, pattern))?.[1]
  if (found !== undefined) return decoded(found, value, path)
  if (isDict(value)) return mapDict(value, (content, key) => at(content, [...path, key]))
  if (Array.isArray(value)) return value.map((item, index) => at(item, [...path, `[${index}]`])).filter((item) => item !== undefined)
  return plainNumber(value)
}

function decoded(decode: Decode, value: Value, path: Path): Value | undefined {
  try {
    return decode(value)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const [top = '', name = '', ...rest] = path
    throw new ComposeRefused(`decoding failed due to the following error(s):\n\n'${top}[${name}].${pathText(rest)}' ${error.message}`)
  }
}
