import { type Dict, type Value, dict, isDict, mapDict } from '../value.ts'
import {
  anyText,
  anyTexts,
  command,
  count,
  decimal,
  duration,
  fileMode,
  healthTest,
  hosts,
  integer,
  keyList,
  labels,
  limit,
  limitJson,
  mapping,
  oneOrMore,
  plainValue,
  providerOptions,
  rate,
  size,
  text,
  textMap,
  texts,
  timeSpan,
  truth,
  unsigned,
} from './decoders.ts'
import { type Shape, type Shapes, always, closed, decodeAs, inPlace, jsonAs, kept, list, map, record, value } from './shape.ts'

const words = value(text)
const many = value(texts)
const number = value(integer)
const flag = value(truth)
const pairs = value(labels)
const bytes = value(size)
/** Options whose values are any scalars. */
const options = value(labels)
const shell: Shape = { kind: 'value', decode: command, kept: true, jsonNull: true }
const ulimits = map({ kind: 'value', decode: limit, kept: true, json: limitJson })
const all = <K extends string>(shape: Shape, ...keys: K[]): Shapes => Object.fromEntries(keys.map((key) => [key, shape] as const))

const hook: Shapes = { command: shell, ...all(words, 'user', 'working_dir'), privileged: flag, environment: value(mapping) }
const fileMount = record({ ...all(words, 'source', 'target', 'uid', 'gid'), mode: kept(fileMode) })

const build = record({
  ...all(words, 'context', 'dockerfile', 'dockerfile_inline', 'isolation', 'network', 'target'),
  ...all(value(anyText), 'provenance', 'sbom'),
  ...all(value(oneOrMore), 'cache_from', 'cache_to', 'tags', 'platforms'),
  entitlements: many,
  args: value(mapping),
  ssh: value(keyList),
  labels: pairs,
  additional_contexts: pairs,
  ...all(flag, 'no_cache', 'pull', 'privileged'),
  extra_hosts: kept(hosts),
  secrets: list(fileMount),
  shm_size: bytes,
  ulimits,
})

const throttles = list(capitals({ path: always(text, ''), rate: always(rate, '0') }))
const blkio = record({
  weight: value(unsigned(16)),
  weight_device: list(capitals({ path: always(text, ''), weight: always(unsigned(16), 0) })),
  ...all(throttles, 'device_read_bps', 'device_read_iops', 'device_write_bps', 'device_write_iops'),
})

const updateConfig = record({
  parallelism: kept(unsigned(64)),
  ...all(value(timeSpan), 'delay', 'monitor'),
  ...all(words, 'failure_action', 'order'),
  max_failure_ratio: value(decimal),
})
const devices = list(closed({ capabilities: many, driver: words, count: value(count), device_ids: many, options: pairs }))
const resource = record({
  cpus: value(decimal),
  memory: bytes,
  pids: number,
  devices,
  generic_resources: list(record({ discrete_resource_spec: record({ kind: always(text, ''), value: always(integer, 0) }) })),
})
const deploy = record({
  ...all(words, 'mode', 'endpoint_mode'),
  replicas: kept(integer),
  labels: pairs,
  ...all(updateConfig, 'update_config', 'rollback_config'),
  resources: inPlace(all(resource, 'limits', 'reservations')),
  restart_policy: record({ condition: words, ...all(kept(duration), 'delay', 'window'), max_attempts: kept(unsigned(64)) }),
  placement: inPlace({
    constraints: many,
    preferences: list(record({ spread: words })),
    max_replicas_per_node: value(unsigned(64)),
  }),
})

const develop = record({
  watch: list(
    record({
      path: always(text, ''),
      action: always(text, ''),
      target: words,
      exec: inPlace(hook),
      ...all(value(texts), 'include', 'ignore'),
      initial_sync: flag,
    }),
  ),
})

const network = record({
  ...all(many, 'aliases', 'link_local_ips'),
  driver_opts: options,
  ...all(number, 'gw_priority', 'priority'),
  ...all(words, 'interface_name', 'ipv4_address', 'ipv6_address', 'mac_address'),
})

const port = record({
  ...all(words, 'name', 'mode', 'host_ip', 'published', 'protocol', 'app_protocol'),
  target: value(unsigned(32)),
})

const volume = record({
  ...all(words, 'type', 'source', 'target', 'consistency'),
  read_only: flag,
  bind: record({ ...all(words, 'selinux', 'propagation', 'recursive'), create_host_path: flag }),
  volume: record({ labels: pairs, nocopy: flag, subpath: words }),
  tmpfs: record({ size: bytes, mode: value(unsigned(32)) }),
  image: record({ subpath: words }),
})

const SERVICE: Shapes = {
  ...all(many, 'profiles', 'cap_add', 'cap_drop', 'device_cgroup_rules', 'dns_opt', 'external_links', 'group_add'),
  ...all(many, 'label_file', 'links', 'security_opt', 'volumes_from'),
  ...all(value(oneOrMore), 'dns', 'dns_search', 'tmpfs'),
  ...all(words, 'cgroup', 'cgroup_parent', 'container_name', 'cpuset', 'domainname', 'hostname', 'image', 'ipc', 'isolation'),
  ...all(words, 'mac_address', 'network_mode', 'pid', 'platform', 'pull_policy', 'restart', 'runtime', 'stop_signal', 'user'),
  ...all(words, 'userns_mode', 'uts', 'working_dir'),
  ...all(number, 'cpu_count', 'cpu_period', 'cpu_quota', 'cpu_rt_period', 'cpu_rt_runtime', 'cpu_shares', 'oom_score_adj', 'pids_limit'),
  ...all(value(decimal), 'cpus', 'cpu_percent'),
  ...all(flag, 'oom_kill_disable', 'privileged', 'read_only', 'stdin_open', 'tty', 'use_api_socket'),
  ...all(kept(truth), 'attach', 'init'),
  ...all(bytes, 'mem_limit', 'mem_reservation', 'memswap_limit', 'mem_swappiness', 'shm_size'),
  ...all(pairs, 'annotations', 'labels', 'sysctls'),
  ...all(shell, 'command', 'entrypoint'),
  ...all(list(fileMount), 'configs', 'secrets'),
  ...all(list(record(hook)), 'post_start', 'pre_stop'),
  scale: kept(integer),
  stop_grace_period: kept(duration),
  build,
  develop,
  blkio_config: blkio,
  credential_spec: record(all(words, 'config', 'file', 'registry')),
  depends_on: map(record({ condition: words, restart: flag, required: always(truth, false) })),
  deploy,
  devices: list(record(all(words, 'source', 'target', 'permissions'))),
  provider: record({ type: words, options: value(providerOptions) }),
  environment: value(mapping),
  env_file: list(closed({ path: words, required: always(truth, false), format: words })),
  expose: value(anyTexts),
  extends: closed({ file: words, service: words }),
  extra_hosts: kept(hosts),
  gpus: devices,
  healthcheck: record({
    test: value(healthTest),
    ...all(kept(duration), 'timeout', 'interval', 'start_period', 'start_interval'),
    retries: kept(unsigned(64)),
    disable: flag,
  }),
  logging: record({ driver: words, options }),
  models: map(record(all(words, 'endpoint_var', 'model_var'))),
  networks: map(network),
  ports: list(port),
  storage_opt: value(textMap),
  ulimits,
  volumes: list(volume),
}

const fileObject = record({
  ...all(words, 'name', 'file', 'environment', 'content', 'driver', 'template_driver'),
  external: flag,
  labels: pairs,
  driver_opts: value(textMap),
})

const SECTIONS: Shapes = {
  services: map(record(SERVICE)),
  networks: map(
    record({
      ...all(words, 'name', 'driver'),
      driver_opts: options,
      ipam: inPlace({
        driver: words,
        config: list(closed({ ...all(words, 'subnet', 'gateway', 'ip_range'), aux_addresses: pairs })),
      }),
      ...all(flag, 'external', 'internal', 'attachable'),
      labels: pairs,
      ...all(kept(truth), 'enable_ipv4', 'enable_ipv6'),
    }),
  ),
  volumes: map(record({ ...all(words, 'name', 'driver'), driver_opts: options, external: flag, labels: pairs })),
  secrets: map(fileObject),
  configs: map(fileObject),
  models: map(record({ ...all(words, 'name', 'model'), context_size: number, runtime_flags: many })),
}

/** In JSON the keys of these have capital letters. */
function capitals(fields: Shapes): Shape {
  const keys = Object.keys(fields)
  const json = (of: Value): Value =>
    isDict(of) ? dict(keys.map((key) => [`${key.charAt(0).toUpperCase()}${key.slice(1)}`, of[key] ?? null] as const)) : of
  return { kind: 'value', decode: (of) => decodeAs(record(fields), of, []) ?? dict(), kept: true, json }
}

/** The model with every value in the type of its key, and without what says nothing. Throws `ComposeRefused` for what cannot be read. */
export function decodeModel(model: Dict): Dict {
  return mapDict(model, (content, key) => {
    const shape = Object.hasOwn(SECTIONS, key) ? SECTIONS[key] : undefined
    return shape === undefined ? plainValue(content) : (decodeAs(shape, content, [key]) ?? dict())
  })
}

/** A decoded model as JSON shows it; models are not. */
export function jsonModel(model: Dict): Dict {
  return mapDict(model, (content, key) => {
    const shape = Object.hasOwn(SECTIONS, key) ? SECTIONS[key] : undefined
    if (key === 'models') return undefined
    return shape === undefined ? emptyAsNull(content) : jsonAs(shape, content)
  })
}

/** Lists without an item are `null` where JSON has no type for them. */
function emptyAsNull(content: Value): Value {
  if (Array.isArray(content)) return content.length === 0 ? null : content.map(emptyAsNull)
  return isDict(content) ? mapDict(content, emptyAsNull) : content
}
