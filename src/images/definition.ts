import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UserError, messageOf } from '#base'

/** What an image is made of, as data. Nothing in it names a registry, and building it asks none. */
export interface ImageDefinition {
  /** The whole name by which a container runtime finds it, with its tag: `sampan.local/shop-catalog:1`. */
  readonly name: string
  /** Bottom first. Equal layers of several images are built, stored and imported once. */
  readonly layers: readonly LayerDefinition[]
  /** `UID` or `UID:GID`, numeric, so that a runtime can prove that it is not root. Root when absent. */
  readonly user?: string
  readonly entrypoint: readonly string[]
  readonly command?: readonly string[]
  readonly workdir?: string
  readonly env?: Readonly<Record<string, string>>
  /** `8080` or `8080/tcp`. */
  readonly ports?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
}

export type LayerDefinition =
  /** The Node that runs this code, as `/usr/local/bin/node`, with the libraries that it loads and the few files of `/etc` that it reads. */
  | { readonly kind: 'node' }
  /** Programs out of Debian packages, with the libraries that they load and nothing else: no shell, no package manager. */
  | { readonly kind: 'debian'; readonly packages: readonly string[]; readonly programs: readonly string[] }
  /** The files and folders `include` of the folder `from` (everything when absent), without names that end in one of `exclude`. */
  | {
      readonly kind: 'files'
      readonly from: string
      readonly to: string
      readonly include?: readonly string[]
      readonly exclude?: readonly string[]
    }
  /** The program that holds a pod's namespaces, as `/pause`. */
  | { readonly kind: 'pause' }

export const PAUSE_IMAGE = 'sampan.local/pause:1'

export const pauseDefinition: ImageDefinition = {
  name: PAUSE_IMAGE,
  layers: [{ kind: 'pause' }],
  user: '65535:65535',
  entrypoint: ['/pause'],
}

/** Reads a file of definitions (`{"images": [...]}`). Paths in it are relative to its folder. What it does not know, it refuses by name. */
export function readImageDefinitions(file: string): readonly ImageDefinition[] {
  let found: unknown
  try {
    found = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${messageOf(error)}`, 'it must be JSON: {"images": [...]}')
  }
  const root = fieldsOf(found, file, ['images'])
  return listOf(root['images'], `${file}: images`).map((image, index) =>
    definitionOf(image, `${file}: images[${index}]`, dirname(resolve(file))),
  )
}

type Fields = Readonly<Record<string, unknown>>

function definitionOf(value: unknown, where: string, folder: string): ImageDefinition {
  const known = ['name', 'layers', 'user', 'entrypoint', 'command', 'workdir', 'env', 'ports', 'labels']
  const fields = fieldsOf(value, where, known)
  const optional = <K extends string, T>(name: K, read: (value: unknown, where: string) => T): { readonly [P in K]?: T } =>
    fields[name] === undefined ? {} : ({ [name]: read(fields[name], `${where}.${name}`) } as { readonly [P in K]: T })
  return {
    name: matching(
      fields['name'],
      `${where}.name`,
      /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+:[\w][\w.-]{0,127}$/,
      'a host, a path and a tag, like sampan.local/shop:1',
    ),
    layers: listOf(fields['layers'], `${where}.layers`).map((layer, index) => layerOf(layer, `${where}.layers[${index}]`, folder)),
    entrypoint: textsOf(fields['entrypoint'], `${where}.entrypoint`),
    ...optional('user', (user, at) => matching(user, at, /^\d+(:\d+)?$/, 'numbers, like 1000:1000')),
    ...optional('command', textsOf),
    ...optional('workdir', (path, at) => matching(path, at, /^\//, 'an absolute path')),
    ...optional('env', textMapOf),
    ...optional('ports', (ports, at) =>
      listOf(ports, at).map((port) => matching(port, at, /^\d+(\/(tcp|udp|sctp))?$/, 'like "8080" or "8080/tcp"')),
    ),
    ...optional('labels', textMapOf),
  }
}

function layerOf(value: unknown, where: string, folder: string): LayerDefinition {
  const kind = value !== null && typeof value === 'object' && 'kind' in value ? value.kind : undefined
  switch (kind) {
    case 'node':
    case 'pause':
      fieldsOf(value, where, ['kind'])
      return { kind }
    case 'debian': {
      const fields = fieldsOf(value, where, ['kind', 'packages', 'programs'])
      const packages = listOf(fields['packages'], `${where}.packages`).map((name) =>
        matching(name, `${where}.packages`, /^[a-z0-9][a-z0-9+.-]+$/, 'the name of a Debian package'),
      )
      const programs = listOf(fields['programs'], `${where}.programs`).map((path) =>
        matching(path, `${where}.programs`, /^\//, 'an absolute path'),
      )
      return { kind, packages, programs }
    }
    case 'files': {
      const fields = fieldsOf(value, where, ['kind', 'from', 'to', 'include', 'exclude'])
      return {
        kind,
        from: resolve(folder, matching(fields['from'], `${where}.from`, /./, 'a folder')),
        to: matching(fields['to'], `${where}.to`, /^\//, 'an absolute path'),
        ...(fields['include'] === undefined ? {} : { include: textsOf(fields['include'], `${where}.include`) }),
        ...(fields['exclude'] === undefined ? {} : { exclude: textsOf(fields['exclude'], `${where}.exclude`) }),
      }
    }
    default:
      throw new UserError(`${where}.kind is ${JSON.stringify(kind)}`, 'it must be node, debian, files or pause')
  }
}

function fieldsOf(value: unknown, where: string, known: readonly string[]): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new UserError(`${where} must be an object`)
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new UserError(`${where} has an unknown field ${unknown}`, `known are ${known.join(', ')}`)
  return value as Fields
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new UserError(`${where} must be a list with something in it`)
  return value
}

const textsOf = (value: unknown, where: string): readonly string[] => listOf(value, where).map((item) => matching(item, where, /^/, 'text'))

function textMapOf(value: unknown, where: string): Readonly<Record<string, string>> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new UserError(`${where} must be an object`)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, matching(item, `${where}.${name}`, /^/, 'text')]))
}

function matching(value: unknown, where: string, pattern: RegExp, wanted: string): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new UserError(`${where} is ${JSON.stringify(value)}`, `it must be ${wanted}`)
  return value
}
