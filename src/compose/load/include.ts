import { readEnvironmentFile } from '../environment/dotenv.ts'
import type { Lookup } from '../interpolation/template.ts'
import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, dict, isDict, sameValue, shownText } from '../value.ts'
import { type LoadContext, type LoadFiles, readSource } from './context.ts'
import { folderOf, within } from './files.ts'

const SECTIONS = ['services', 'volumes', 'networks', 'secrets', 'configs', 'models'] as const

/** Adds what the included files define. They are loaded on their own, with their own folder and environment. */
export function applyIncludes(root: Dict, context: LoadContext, load: LoadFiles): Dict {
  const { include, ...rest } = root
  if (include === undefined) return root
  if (include === null) return rest
  if (!Array.isArray(include)) throw new ComposeRefused(`\`include\` must be a list, got ${shownText(include)}`)
  return include.reduce<Dict>((joined, entry) => join(joined, loadIncluded(entry, context, load)), dict(Object.entries(rest)))
}

function loadIncluded(entry: Value, context: LoadContext, load: LoadFiles): Dict {
  const long = isDict(entry) ? entry : dict([['path', entry]])
  if (
    !['path', 'env_file'].every((key) => isTexts(long[key])) ||
    !(isText(long['project_directory']) || Number.isInteger(long['project_directory']))
  )
    throw new ComposeRefused('include: a path is a text or several')
  const paths = texts(long['path']).map((path) => within(context.folder, path, context.files.home))
  const [first] = paths
  if (first === undefined) return dict()
  if (context.including.includes(first))
    throw new ComposeRefused(`include cycle detected:\n${[...context.including, first].join('\n include ')}`)
  const given = long['project_directory'] ?? ''
  const folder = given === '' ? folderOf(first) : within(context.folder, shownText(given), context.files.home)
  return load(
    paths.map((path) => readSource(context.files, path)),
    { ...context, folder, lookup: environmentOf(texts(long['env_file']), folder, context) },
  )
}

/** The including project's environment goes first; the file beside the included project fills in. */
function environmentOf(named: readonly string[], folder: string, context: LoadContext): Lookup {
  const paths = named.length > 0 ? named.map((path) => within(context.folder, path, context.files.home)) : [`${folder}/.env`]
  const found = new Map<string, string>()
  for (const path of paths) {
    const text = context.files.read(path)
    if (text === undefined) {
      if (named.length > 0 && path !== '/dev/null') throw new ComposeRefused(`env file ${path} not found`)
      continue
    }
    readEnvironmentFile(text, path, (name) => context.lookup(name) ?? found.get(name), found)
  }
  return (name) => context.lookup(name) ?? found.get(name)
}

const isText = (value: Value | undefined): boolean => value === undefined || value === null || typeof value === 'string'
const isTexts = (value: Value | undefined): boolean =>
  Array.isArray(value) ? value.every((one) => typeof one === 'string') : isText(value)

const texts = (value: Value | undefined): string[] => (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string')

function join(root: Dict, included: Dict): Dict {
  const joined = dict(Object.entries(root))
  for (const section of SECTIONS) {
    const theirs = included[section]
    if (!isDict(theirs)) continue
    const ours = joined[section]
    if (ours !== undefined && !isDict(ours)) throw new ComposeRefused(`${section} must be a mapping`)
    const together = dict(Object.entries(ours ?? dict()))
    for (const [name, value] of Object.entries(theirs)) {
      const there = together[name]
      if (there !== undefined && !sameValue(there, value)) throw new ComposeRefused(`${section}.${name} conflicts with imported resource`)
      together[name] = value
    }
    joined[section] = together
  }
  return joined
}
