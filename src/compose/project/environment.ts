import { readEnvironmentFile } from '../environment/dotenv.ts'
import { readRawFile } from '../environment/raw.ts'
import type { Lookup } from '../interpolation/template.ts'
import type { Files } from '../load/files.ts'
import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, childDict, dict, isDict, mapDict, scalarText } from '../value.ts'

/** Puts the variables of `env_file` under `environment`, and the labels of `label_file` under `labels`; what the service says itself wins. */
export function resolveEnvironments(services: Dict, files: Files, lookup: Lookup): Dict {
  return mapDict(services, (service) => {
    if (!isDict(service)) return service
    const { env_file: environmentFiles, label_file: labelFiles, ...rest } = service
    const made = dict(Object.entries(rest))
    const environment = childDict(service, 'environment')
    if (Array.isArray(environmentFiles)) {
      const own = new Map(Object.entries(environment).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : [])))
      const found = new Map(own)
      for (const entry of environmentFiles) readEntry(entry, files, (name) => lookup(name) ?? own.get(name), found)
      if (found.size > 0 || made['environment'] !== undefined) made['environment'] = dict([...found, ...Object.entries(environment)])
    }
    if (Array.isArray(labelFiles)) {
      const found = new Map<string, string>()
      for (const path of labelFiles) readLabels(scalarText(path), files, found)
      if (found.size > 0 || made['labels'] !== undefined) made['labels'] = dict([...found, ...Object.entries(childDict(service, 'labels'))])
    }
    return made
  })
}

function readEntry(entry: Value, files: Files, lookup: Lookup, found: Map<string, string>): void {
  const { path: given = '', format, required } = isDict(entry) ? entry : dict([['path', entry]])
  const path = scalarText(given)
  const text = files.read(path)
  if (text === undefined) {
    if (required === false) return
    throw new ComposeRefused(`env file ${path} not found: stat ${path}: no such file or directory`)
  }
  if (format === 'raw') readRawFile(text, path, lookup, found)
  else if (format === undefined || format === '') readEnvironmentFile(text, path, lookup, found)
  else throw new ComposeRefused(`failed to read ${path}: unsupported env_file format ${JSON.stringify(format)}`)
}

/** Labels see those of earlier files, and no environment. */
function readLabels(path: string, files: Files, found: Map<string, string>): void {
  const text = files.read(path)
  if (text === undefined) throw new ComposeRefused(`label file ${path} not found: stat ${path}: no such file or directory`)
  for (const [key, value] of readEnvironmentFile(text, path, (name) => found.get(name))) found.set(key, value)
}
