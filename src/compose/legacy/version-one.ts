import type { Lookup } from '../interpolation/template.ts'
import { readSource, type SourceFile } from '../load/context.ts'
import { type Files, folderOf, within } from '../load/files.ts'
import { ComposeRefused } from '../refusal.ts'
import { problemOf } from '../schema/rule.ts'
import { type Dict, type Path, type Value, childDict, dict, isDict, mapDict, pathText, scalarText } from '../value.ts'
import { readDocuments } from '../yaml/read.ts'
import { readEnvironmentFileOne } from './env-file.ts'
import { SERVICE_ONE } from './schema.ts'
import { yaml11Scalar } from './scalar.ts'
import { substituteOne } from './template.ts'

/**
 * Files of the first version: services at the top, no networks, no named resources. Compose 2 reads them no longer; what they mean is
 * what Compose 1.29 makes of them.
 */
const SECTIONS = ['services', 'networks', 'volumes', 'secrets', 'configs'] as const

export function isVersionOne(root: Value): boolean {
  if (!isDict(root)) return false
  const { version } = root
  if (typeof version === 'string' || typeof version === 'number' || 'include' in root) return false
  const used = SECTIONS.some((key) => isDict(root[key]) && Object.keys(root[key]).length > 0)
  return (
    !used &&
    Object.keys(root).some((key) => !SECTIONS.includes(key as (typeof SECTIONS)[number]) && key !== 'name' && !key.startsWith('x-'))
  )
}

/** The same of a file's text; false for what cannot be read. */
export function describesVersionOne(text: string, file: string): boolean {
  return readDocuments(text, file).some(({ root }) => isVersionOne(root))
}

export interface LegacyContext {
  readonly files: Files
  readonly folder: string
  readonly lookup: Lookup
  /** The environment that the command was called in, without what files add to it. */
  readonly shell: Lookup
  warn(text: string): void
}

/** The services of all files, merged, as `config` of Compose 1 prints them (with `version: '1'`). Throws `ComposeRefused`. */
export function loadVersionOne(sources: readonly SourceFile[], context: LegacyContext): Dict {
  const services = sources.map((source) => readServices(source, context)).reduce((all, more) => joinServices(all, more))
  for (const [name, service] of Object.entries(services)) checkService(name, service)
  const names = new Set(Object.keys(services))
  return dict([
    ['services', mapDict(services, (service) => finish(isDict(service) ? service : dict(), names, context))],
    ['version', '1'],
  ])
}

/** All services of a file, or only one, which others extend. */
function readServices(source: SourceFile, context: LegacyContext, trail: readonly string[] = [], only?: string): Dict {
  const documents = readDocuments(source.text, source.path, yaml11Scalar)
  const [document] = documents
  if (document === undefined || documents.length > 1) throw new ComposeRefused('expected a single document', { file: source.path })
  const root = document.root
  const refuse = (path: Path, reason: string): never => {
    const line = document.lineOf(path)
    throw new ComposeRefused(reason, { file: source.path, ...(line === undefined ? {} : { line }) })
  }
  if (!isDict(root)) return refuse([], 'the top level needs to be a mapping')
  if (!isVersionOne(root)) return refuse([], `version mismatch: this file is not of version 1 as the first one is`)
  const folder = folderOf(source.path)
  return mapDict(root, (service, name) => {
    if (only !== undefined && name !== only) return undefined
    if (service !== null && !isDict(service)) return refuse([name], `service '${name}' must be a mapping`)
    const filled = fill(service ?? dict(), [name], context.lookup, refuse)
    const problem = problemOf(filled, SERVICE_ONE)
    if (problem !== undefined) refuse([name, ...problem.path], `${pathText([name, ...problem.path])} ${problem.text}`)
    return extended(name, isDict(filled) ? filled : dict(), root, source, { ...context, folder }, trail)
  })
}

function fill(value: Value, path: Path, lookup: Lookup, refuse: (path: Path, reason: string) => never): Value {
  if (typeof value === 'string') {
    const text = substituteOne(value, lookup)
    return text ?? refuse(path, `Invalid interpolation format for ${pathText(path)}: ${JSON.stringify(value)}`)
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, path, lookup, refuse))
  return isDict(value) ? mapDict(value, (content, key) => fill(content, [...path, key], lookup, refuse)) : value
}

/** Bases with `links`, `volumes_from` or another's network cannot be extended: what they name need not be there. */
function extended(name: string, service: Dict, root: Dict, source: SourceFile, context: LegacyContext, trail: readonly string[]): Dict {
  const own = withPaths(service, context)
  const { extends: given } = own
  if (given === undefined) return own
  const step = `${source.path}#${name}`
  if (trail.includes(step)) throw new ComposeRefused(`circular reference: ${[...trail, step].join(' extends ')}`)
  const target = isDict(given) ? scalarText(given['service'] ?? '') : scalarText(given)
  const file = isDict(given) ? given['file'] : undefined
  const place = typeof file === 'string' ? within(context.folder, file, context.files.home) : source.path
  const there = readServices(place === source.path ? source : readSource(context.files, place), context, [...trail, step], target)
  const base = there[target]
  if (!isDict(base)) throw new ComposeRefused(`cannot extend service '${target}' in ${place}: service not found`, { file: source.path })
  for (const key of ['links', 'volumes_from'])
    if (base[key] !== undefined)
      throw new ComposeRefused(`cannot extend service '${target}' in ${place}: services with '${key}' cannot be extended`)
  if (typeof base['net'] === 'string' && base['net'].startsWith('container:'))
    throw new ComposeRefused(`cannot extend service '${target}' in ${place}: services with 'net: container' cannot be extended`)
  return joinService(base, dict(Object.entries(own).filter(([key]) => key !== 'extends')))
}

/** Paths seen from the file's own folder. */
function withPaths(service: Dict, context: LegacyContext): Dict {
  const resolve = (path: Value): Value => (typeof path === 'string' ? within(context.folder, path, context.files.home) : path)
  const { build, env_file: envFile, volumes } = service
  return dict([
    ...Object.entries(service),
    ...(build === undefined || isRemote(build) ? [] : [['build', resolve(build)] as const]),
    ...(envFile === undefined ? [] : [['env_file', listOf(envFile).map(resolve)] as const]),
    ...(volumes === undefined ? [] : [['volumes', listOf(volumes).map((volume) => mount(scalarText(volume), resolve))] as const]),
  ])
}

const isRemote = (build: Value): boolean => typeof build === 'string' && /^(?:https?:\/\/|git:\/\/|github\.com\/|git@)/.test(build)

function mount(spec: string, resolve: (path: Value) => Value): string {
  const [source = '', target, mode = 'rw', ...more] = spec.split(':')
  if (more.length > 0) throw new ComposeRefused(`Volume ${spec} has incorrect format, should be external:internal[:mode]`)
  if (target === undefined) return source
  const host = /^[./~]/.test(source) ? scalarText(resolve(source)) : source
  return `${host}:${target}:${mode}`
}

const listOf = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value])

function joinServices(earlier: Dict, later: Dict): Dict {
  const joined = dict(Object.entries(earlier))
  for (const [name, service] of Object.entries(later)) {
    const there = joined[name]
    joined[name] = isDict(there) && isDict(service) ? joinService(there, service) : service
  }
  return joined
}

const APPENDED = ['ports', 'expose', 'external_links', 'links', 'volumes_from', 'cap_add', 'cap_drop', 'security_opt']
/** What both say is there twice. */
const REPEATED = ['dns', 'dns_search', 'env_file']
const PAIRS = ['environment', 'labels', 'log_opt', 'ulimits', 'extra_hosts']

function joinService(earlier: Dict, later: Dict): Dict {
  const joined = dict(Object.entries(earlier))
  if (later['image'] !== undefined) delete joined['build']
  if (later['build'] !== undefined) delete joined['image']
  for (const [key, value] of Object.entries(later)) {
    const there = joined[key]
    if (there === undefined) joined[key] = value
    else if (REPEATED.includes(key)) joined[key] = [...listOf(there), ...listOf(value)]
    else if (APPENDED.includes(key)) joined[key] = distinct([...listOf(there), ...listOf(value)])
    else if (PAIRS.includes(key)) joined[key] = dict([...pairsOf(there), ...pairsOf(value)])
    else if (key === 'volumes' || key === 'devices') joined[key] = byTarget([...listOf(there), ...listOf(value)])
    else joined[key] = value
  }
  return joined
}

const distinct = (items: readonly Value[]): Value[] => [...new Map(items.map((item) => [scalarText(item), item])).values()]

function byTarget(items: readonly Value[]): Value[] {
  const target = (item: Value): string => scalarText(item).split(':')[1] ?? scalarText(item)
  return [...new Map(items.map((item) => [target(item), item])).values()]
}

function pairsOf(value: Value): (readonly [string, Value])[] {
  if (isDict(value)) return Object.entries(value)
  return listOf(value).map((item) => {
    const line = scalarText(item)
    const at = line.search(/[=]/)
    return at < 0 ? ([line, null] as const) : ([line.slice(0, at), line.slice(at + 1)] as const)
  })
}

function checkService(name: string, service: Value): void {
  const given = isDict(service) ? service : dict()
  const refuse = (reason: string): never => {
    throw new ComposeRefused(`Service ${name} has ${reason}`)
  }
  if (given['image'] === undefined && given['build'] === undefined)
    refuse('neither an image nor a build context specified. At least one must be provided.')
  if (given['image'] !== undefined && given['build'] !== undefined)
    refuse('both an image and build path specified. A service can either be built to image or use an existing image, not both.')
  if (given['image'] !== undefined && given['dockerfile'] !== undefined)
    refuse('both an image and alternate Dockerfile. A service can either be built to image or use an existing image, not both.')
}

/** Old keys under their later names, values in the form in which they are printed. */
function finish(service: Dict, names: ReadonlySet<string>, context: LegacyContext): Dict {
  const made = dict()
  for (const [key, value] of Object.entries(service)) {
    if (key === 'environment' || key === 'env_file') made['environment'] ??= environment(service, context)
    else if (key === 'labels')
      made[key] = dict(pairsOf(value).map(([name, content]) => [name, content === null ? '' : pythonText(content)] as const))
    else if (key === 'build')
      made['build'] = dict([
        ['context', value],
        ...(service['dockerfile'] === undefined ? [] : [['dockerfile', service['dockerfile']] as const]),
      ])
    else if (key === 'log_driver' || key === 'log_opt') made['logging'] = logging(service)
    else if (key === 'net') made['network_mode'] = networkMode(scalarText(value), names)
    else if (key === 'ports') made['ports'] = listOf(value).map((port) => portText(scalarText(port)))
    else if (key === 'expose') made['expose'] = listOf(value).map(scalarText)
    else if (key === 'dns' || key === 'dns_search' || key === 'tmpfs') made[key] = listOf(value)
    else if (key === 'volumes_from') made['volumes_from'] = listOf(value).map((from) => volumesFrom(scalarText(from), names))
    else if (key === 'extra_hosts')
      made['extra_hosts'] = isDict(value) ? Object.entries(value).map(([host, address]) => `${host}:${scalarText(address)}`) : value
    else if (key !== 'dockerfile') made[key] = value
  }
  made['network_mode'] ??= 'bridge'
  return made
}

const pythonText = (value: Value): string => (value === true ? 'True' : value === false ? 'False' : scalarText(value))

function environment(service: Dict, context: LegacyContext): Dict {
  const found = new Map<string, Value>()
  for (const path of listOf(service['env_file']).map(scalarText)) {
    const text = context.files.read(path)
    if (text === undefined) throw new ComposeRefused(`Couldn't find env file: ${path}`)
    const warn = (line: number): void => context.warn(`${path}:${line}: this line is no variable, and passed over`)
    for (const [key, value] of readEnvironmentFileOne(text, context.shell, warn)) found.set(key, value ?? null)
  }
  for (const [key, value] of pairsOf(service['environment'] ?? dict())) found.set(key, value)
  return dict([...found].map(([key, value]) => [key, value ?? context.lookup(key) ?? null]))
}

function logging(service: Dict): Dict {
  const { log_driver: driver, log_opt: options } = service
  return dict([
    ...(driver === undefined ? [] : [['driver', driver] as const]),
    ...(options === undefined ? [] : [['options', dict(pairsOf(options))] as const]),
  ])
}

function networkMode(net: string, names: ReadonlySet<string>): string {
  const container = /^container:(.+)$/.exec(net)?.[1]
  return container !== undefined && names.has(container) ? `service:${container}` : net
}

function volumesFrom(from: string, names: ReadonlySet<string>): string {
  const [source = '', mode = 'rw'] = from.split(':')
  return `${names.has(source) ? 'service' : 'container'}:${source}:${mode}`
}

const portText = (port: string): string => (port.includes('/') ? port : `${port}/tcp`)

/** The same services in a file of the current specification, on the project's default network as links need it. */
export function asCurrent(legacy: Dict): Dict {
  const named = new Map<string, Value>()
  const services = mapDict(childDict(legacy, 'services'), (service) => {
    const given = isDict(service) ? service : dict()
    const driver = given['volume_driver']
    for (const volume of listOf(given['volumes'])) {
      const [source = '', target] = scalarText(volume).split(':')
      if (target !== undefined && !source.startsWith('/')) named.set(source, driver === undefined ? null : dict([['driver', driver]]))
    }
    return mapDict(given, (value, key) => {
      if (key === 'volume_driver' || (key === 'network_mode' && value === 'bridge')) return undefined
      return key === 'volumes_from' ? listOf(value).map((from) => scalarText(from).replace(/^service:/, '')) : value
    })
  })
  return dict([
    ['services', services],
    ['volumes', dict(named)],
  ])
}
