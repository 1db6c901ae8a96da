import { readEnvironmentFile } from '../environment/dotenv.ts'
import { readEnvironmentFileOne } from '../legacy/env-file.ts'
import { type Lookup, substitute } from '../interpolation/template.ts'
import { type LoadContext, type SourceFile, readSource } from '../load/context.ts'
import { type Files, folderOf, within } from '../load/files.ts'
import { asCurrent, describesVersionOne, loadVersionOne } from '../legacy/version-one.ts'
import { loadConverted, loadFiles } from '../load/load.ts'
import { ComposeRefused, type Place } from '../refusal.ts'
import { type Dict, type Path, childDict, dict, isDict, mapDict } from '../value.ts'
import { readDocuments } from '../yaml/read.ts'
import { checkConsistency } from './consistency.ts'
import { decodeModel } from './model.ts'
import { resolveEnvironments } from './environment.ts'
import { placeFinder } from './places.ts'
import { normalize } from './normalize.ts'
import { withProfiles, withoutUnused } from './select.ts'

export interface ProjectOptions {
  readonly files: Files
  /** Where the command was called. */
  readonly folder: string
  /** Compose files in order; the usual names are looked for in this folder and those above it where there are none. */
  readonly paths?: readonly string[]
  readonly projectFolder?: string | undefined
  readonly name?: string | undefined
  readonly profiles?: readonly string[]
  readonly environmentFiles?: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  warn(text: string): void
}

const NAMES = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml']
const OVERRIDES = ['compose.override.yml', 'compose.override.yaml', 'docker-compose.override.yml', 'docker-compose.override.yaml']

export interface Project {
  /** What `config` shows: the whole project in long form; files of version 1 as Compose 1 shows them, since Compose 2 no longer reads them. */
  readonly config: Dict
  /** The project by the current specification, whatever version its files are of. Throws `ComposeRefused` where an old file has no meaning in it. */
  model(): Dict
  readonly name: string
  /** Where a key was written; included files are not looked at. */
  placeOf(path: Path): Place | undefined
  /** All profiles that services name, active or not, sorted. */
  readonly profiles: readonly string[]
}

/** Reads, fills in, merges and checks the files of a project. Throws `ComposeRefused`. */
export function loadProject(options: ProjectOptions): Project {
  const { files } = options
  const here = workingFolder(options, options.paths?.[0])
  // Who reads the environment's files depends on the Compose file, and where that is may be said in them.
  const likely = options.paths?.[0] ?? listOf(options.environment['COMPOSE_FILE'], options.environment['COMPOSE_PATH_SEPARATOR'] ?? ':')[0]
  const guess = likely === undefined ? findFiles(here, files)[0] : within(options.folder, likely, files.home)
  // What is wrong with them is told once, below.
  const early = environmentLookup({ ...options, warn: () => undefined }, [here], guess !== undefined && isOfVersionOne(guess, files))
  const given = options.paths ?? listOf(early('COMPOSE_FILE'), early('COMPOSE_PATH_SEPARATOR') ?? ':')
  const paths = given.length > 0 ? given.map((path) => within(options.folder, path, files.home)) : findFiles(here, files)
  const [first] = paths
  if (first === undefined) throw new ComposeRefused('no configuration file provided: not found')
  const folder = workingFolder(options, first)
  const isOne = isOfVersionOne(first, files)
  const shell = environmentLookup(options, [here, folder], isOne)
  const sources = paths.map((path) => readSource(files, path))
  const name = checkName(options.name ?? shell('COMPOSE_PROJECT_NAME') ?? namedIn(sources, shell) ?? projectName(folder))
  const lookup: Lookup = (variable) => (variable === 'COMPOSE_PROJECT_NAME' ? name : shell(variable))
  const context = { files, folder, lookup, warn: options.warn, including: [] }
  const placeOf = placeFinder(sources)
  const profiles = options.profiles ?? []
  const active = profiles.length > 0 ? profiles : (lookup('COMPOSE_PROFILES') ?? '').split(',').map((profile) => profile.trim())
  const complete = (model: Dict): Dict => completed(model, name, active, context)
  if (isOne) {
    const { environment } = options
    const own: Lookup = (variable) => (Object.hasOwn(environment, variable) ? environment[variable] : undefined)
    const old = loadVersionOne(sources, { ...context, shell: own })
    return { config: old, name, placeOf, profiles: [], model: () => complete(loadConverted(asCurrent(old), sources, context)) }
  }
  const model = loadFiles(sources, context)
  if (Object.keys(model).length === 0) throw new ComposeRefused('empty compose file')
  const config = complete(model)
  return { config, name, placeOf, profiles: profilesOf(model), model: () => config }
}

/** Implied parts written out, values in their types, enabled services only, references checked, environments read. */
function completed(model: Dict, name: string, profiles: readonly string[], { files, lookup }: LoadContext): Dict {
  const { enabled, disabled } = withProfiles(decodeModel(normalize(model, name, lookup)), profiles)
  checkConsistency(enabled, disabled)
  const services = resolveEnvironments(withReplicas(childDict(enabled, 'services')), files, lookup)
  return withoutUnused(dict([['name', name], ...Object.entries(enabled).filter(([key]) => key !== 'name'), ['services', services]]))
}

/** Where a service has both, `scale` says how many there are. */
function withReplicas(services: Dict): Dict {
  return mapDict(services, (service) => {
    if (!isDict(service) || service['scale'] === undefined || !isDict(service['deploy'])) return service
    return dict([...Object.entries(service), ['deploy', dict([...Object.entries(service['deploy']), ['replicas', service['scale']]])]])
  })
}

function findFiles(folder: string, files: Files): string[] {
  for (let at = folder; ; at = folderOf(at)) {
    const main = NAMES.map((name) => within(at, name, files.home)).find((path) => files.read(path) !== undefined)
    if (main !== undefined) {
      const override = OVERRIDES.map((name) => within(at, name, files.home)).find((path) => files.read(path) !== undefined)
      return override === undefined ? [main] : [main, override]
    }
    if (at === '/') return []
  }
}

/** Where relative paths start: what the caller says, the folder of the first file, or where the command was called. */
function workingFolder({ projectFolder, folder, files }: ProjectOptions, first: string | undefined): string {
  if (projectFolder !== undefined) return within(folder, projectFolder, files.home)
  return first === undefined ? folder : folderOf(within(folder, first, files.home))
}

/** What is not there, or cannot be read, is told by whoever needs it. */
function isOfVersionOne(path: string, files: Files): boolean {
  try {
    return describesVersionOne(files.read(path) ?? '', path)
  } catch (error) {
    if (error instanceof ComposeRefused) return false
    throw error
  }
}

/**
 * The shell's environment goes before the files': those that the caller names, or the ones in these folders, the first before the others. They are read as that
 * Compose reads them which the project's own file is for.
 */
function environmentLookup(options: ProjectOptions, folders: readonly string[], isOne: boolean): Lookup {
  const { files, environment } = options
  const shell: Lookup = (name) => (Object.hasOwn(environment, name) ? environment[name] : name === 'PWD' ? options.folder : undefined)
  const given = options.environmentFiles ?? []
  const named = given.length > 0 ? given : listOf(shell('COMPOSE_ENV_FILES'), ',')
  const read = (text: string, place: string, before: ReadonlyMap<string, string>): Iterable<readonly [string, string]> => {
    if (!isOne) return readEnvironmentFile(text, place, (name) => shell(name) ?? before.get(name))
    const warn = (line: number): void => options.warn(`${place}:${line}: this line is no variable, and passed over`)
    // A bare key is no variable: with or without it, nothing stands for its name.
    return [...readEnvironmentFileOne(text, shell, warn)].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  }
  const found = new Map<string, string>()
  for (const path of named) {
    const place = within(options.folder, path, files.home)
    const text = files.read(place)
    if (text === undefined) throw new ComposeRefused(`couldn't find env file: ${place}`)
    for (const [key, value] of read(text, place, found)) found.set(key, value)
  }
  const usual = named.length > 0 || isTrue(shell('COMPOSE_DISABLE_ENV_FILE')) ? [] : new Set(folders)
  for (const folder of usual) {
    const place = within(folder, '.env', files.home)
    const before = new Map(found)
    const text = files.read(place)
    if (text !== undefined) for (const [key, value] of read(text, place, before)) if (!found.has(key)) found.set(key, value)
  }
  return (name) => shell(name) ?? found.get(name)
}

const isTrue = (text: string | undefined): boolean => /^(?:1|t|true)$/i.test(text ?? '')

const listOf = (text: string | undefined, separator: string): string[] => (text ?? '').split(separator).filter((item) => item !== '')

/** The last file that has a `name` says it. */
function namedIn(sources: readonly SourceFile[], lookup: Lookup): string | undefined {
  const names = sources.flatMap((source) =>
    readDocuments(source.text, source.path).map(({ root }) => (isDict(root) ? root['name'] : undefined)),
  )
  const name = names.findLast((one) => typeof one === 'string' && one !== '')
  const filled = typeof name === 'string' ? substitute(name, lookup) : undefined
  return filled?.kind === 'text' && filled.text !== '' ? filled.text : undefined
}

function checkName(name: string): string {
  if (/^[a-z0-9][a-z0-9_-]*$/.test(name)) return name
  throw new ComposeRefused(
    `invalid project name ${JSON.stringify(name)}: must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number`,
  )
}

/** Small letters, digits, dashes and underscores of the folder's name. */
function projectName(folder: string): string {
  const last = folder.split('/').at(-1) ?? ''
  return last
    .toLowerCase()
    .replaceAll(/[^-_a-z0-9]/g, '')
    .replace(/^[_-]+/, '')
}

function profilesOf(model: Dict): readonly string[] {
  const services = childDict(model, 'services')
  const all = Object.keys(services).flatMap((name) => {
    const { profiles } = childDict(services, name)
    return Array.isArray(profiles) ? profiles.map(String) : []
  })
  return [...new Set(all)].sort()
}
