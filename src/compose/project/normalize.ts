import { cleanPath } from '../canonical/volumes.ts'
import { ComposeRefused } from '../refusal.ts'
import type { Lookup } from '../interpolation/template.ts'
import { type Dict, type Value, childDict, dict, isDict, mapDict } from '../value.ts'

/** Writes out what is implied: the default network, dependencies by links and shared namespaces, build files, resource names. */
export function normalize(model: Dict, project: string, lookup: Lookup): Dict {
  const services = mapDict(childDict(model, 'services'), (service) => (isDict(service) ? normalizeService(service, lookup) : service))
  const networks = childDict(model, 'networks')
  return dict([
    ...Object.entries(model),
    ['services', services],
    [
      'networks',
      named(dict([...(networks['default'] === undefined ? [['default', dict()] as const] : []), ...Object.entries(networks)]), project),
    ],
    ...(['volumes', 'configs', 'secrets'] as const).map((kind) => [kind, named(childDict(model, kind), project)] as const),
  ])
}

/** Resources are named after the project, external ones as they are. */
function named(resources: Dict, project: string): Dict {
  return mapDict(resources, (resource, key) => {
    const given = isDict(resource) ? resource : dict()
    const external = given['external'] === true || given['external'] === 'true'
    return dict([['name', external ? key : `${project}_${key}`], ...Object.entries(given)])
  })
}

function normalizeService(service: Dict, lookup: Lookup): Dict {
  const made = dict(Object.entries(service))
  const networks = service['networks']
  const joins = isDict(networks) && Object.keys(networks).length > 0
  if (service['network_mode'] === undefined && service['provider'] === undefined && !joins) made['networks'] = dict([['default', null]])
  if (service['pull_policy'] === 'if_not_present') made['pull_policy'] = 'missing'
  if (isDict(service['build'])) made['build'] = normalizeBuild(service['build'], lookup)
  if (service['environment'] !== undefined) made['environment'] = resolved(service['environment'], lookup)
  const implied = impliedDependencies(service)
  if (implied.size > 0) made['depends_on'] = dict([...implied, ...Object.entries(childDict(service, 'depends_on'))])
  const { volumes } = service
  if (Array.isArray(volumes)) made['volumes'] = volumes.map(cleanTarget)
  return made
}

function normalizeBuild(build: Dict, lookup: Lookup): Dict {
  const made = dict(Object.entries(build))
  if (made['context'] === undefined) made['context'] = '.'
  if (made['dockerfile'] === undefined && made['dockerfile_inline'] === undefined) made['dockerfile'] = 'Dockerfile'
  if (made['args'] !== undefined) made['args'] = withoutUnset(resolved(made['args'], lookup))
  return made
}

/** Bare names take their value from the environment where it has one. */
function resolved(value: Value, lookup: Lookup): Value {
  if (Array.isArray(value))
    return value.map((item) => {
      const found = typeof item === 'string' && !item.includes('=') ? lookup(item) : undefined
      return found === undefined ? item : `${String(item)}=${found}`
    })
  return isDict(value) ? mapDict(value, (content, key) => (content === null ? (lookup(key) ?? null) : content)) : value
}

/** Without the names that have no value. */
function withoutUnset(value: Value): Value {
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string' && item.includes('='))
  return isDict(value) ? mapDict(value, (content) => (content === null ? undefined : content)) : value
}

function impliedDependencies(service: Dict): Map<string, Dict> {
  const implied = new Map<string, Dict>()
  const add = (name: string, restart: boolean): void => {
    implied.set(name, dict([['condition', 'service_started'], ...(restart ? [['restart', true] as const] : []), ['required', true]]))
  }
  for (const from of list(service['volumes_from'])) if (!from.startsWith('container:')) add(from.split(':', 1)[0] ?? from, false)
  for (const link of list(service['links'])) add(/^([^:]*):[^:]*$/.exec(link)?.[1] ?? link, true)
  for (const key of ['network_mode', 'ipc', 'pid', 'uts', 'cgroup']) {
    const shared = service[key]
    if (shared === null) throw new ComposeRefused(`${key} must be a string`)
    if (typeof shared === 'string' && shared.startsWith('service:')) add(shared.slice('service:'.length), true)
  }
  return implied
}

const list = (value: Value | undefined): string[] => (Array.isArray(value) ? value : []).filter((item) => typeof item === 'string')

function cleanTarget(volume: Value): Value {
  const target = isDict(volume) ? volume['target'] : undefined
  return isDict(volume) && typeof target === 'string' ? dict([...Object.entries(volume), ['target', cleanPath(target)]]) : volume
}
