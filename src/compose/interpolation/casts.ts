import { floatOf } from '../project/amounts.ts'
import { type Path, type Value, pathMatches, wholeNumber } from '../value.ts'

/** A text in these places is taken for a number or a truth value. Throws a message. */
type Cast = (text: string) => Value

const integer: Cast = (text) => {
  if (!/^[-+]?\d+$/.test(text)) throw new RangeError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  return wholeNumber(BigInt(text.replace(/^\+/, '')))
}
const float: Cast = (text) => {
  const number = floatOf(text)
  if (number === undefined) throw new RangeError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
  return number
}
const truth: Cast = (text) => {
  const word = text.toLowerCase()
  if (['true', 'y', 'yes', 'on'].includes(word)) return true
  if (['false', 'n', 'no', 'off'].includes(word)) return false
  throw new RangeError(`invalid boolean: ${text}`)
}

const SERVICE: readonly (readonly [Cast, readonly string[]])[] = [
  [
    integer,
    [
      'cpu_count',
      'cpu_period',
      'cpu_quota',
      'cpu_rt_period',
      'cpu_rt_runtime',
      'cpu_shares',
      'deploy.replicas',
      'deploy.update_config.parallelism',
      'deploy.rollback_config.parallelism',
      'deploy.restart_policy.max_attempts',
      'deploy.placement.max_replicas_per_node',
      'healthcheck.retries',
      'oom_score_adj',
      'pids_limit',
      'ports.[].target',
      'scale',
      'ulimits.*',
      'ulimits.*.hard',
      'ulimits.*.soft',
    ],
  ],
  [float, ['cpu_percent', 'cpus', 'deploy.update_config.max_failure_ratio', 'deploy.rollback_config.max_failure_ratio']],
  [
    truth,
    [
      'init',
      'healthcheck.disable',
      'oom_kill_disable',
      'privileged',
      'read_only',
      'stdin_open',
      'tty',
      'volumes.[].read_only',
      'volumes.[].volume.nocopy',
    ],
  ],
]
const TOP_TRUTHS = [
  'networks.*.external',
  'networks.*.internal',
  'networks.*.attachable',
  'networks.*.enable_ipv4',
  'networks.*.enable_ipv6',
].concat(['volumes.*.external', 'secrets.*.external', 'configs.*.external'])

export function castAt(path: Path): Cast | undefined {
  if (path[0] !== 'services') return TOP_TRUTHS.some((pattern) => pathMatches(path, pattern)) ? truth : undefined
  const below = path.slice(2)
  return SERVICE.find(([, patterns]) => patterns.some((pattern) => pathMatches(below, pattern)))?.[0]
}
