import { readEnvironmentFile } from '../environment/dotenv.ts'
import type { Lookup } from '../interpolation/template.ts'
import type { Files } from '../load/files.ts'
import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, childDict, dict, isDict, mapDict, scalarText } from '../value.ts'

/** Puts the variables of `env_file` under `environment`, and the labels of `label_file` under `labels`. */
export function resolveEnvironments(services: Dict, files: Files, lookup: Lookup): Dict {
  return mapDict(services, (service) => {
    if (!isDict(service)) return service
    const { env_file: environmentFiles, label_file: labelFiles, ...rest } = service
    const made = dict(Object.entries(rest))
    if (Array.isArray(environmentFiles)) {
      const found = readFiles(environmentFiles, files, lookup, 'env')
      if (found.size > 0 || made['environment'] !== undefined)
        made['environment'] = dict([...found, ...Object.entries(childDict(service, 'environment'))])
    }
    if (Array.isArray(labelFiles))
      made['labels'] = dict([...readFiles(labelFiles, files, lookup, 'label'), ...Object.entries(childDict(service, 'labels'))])
    return made
  })
}

function readFiles(entries: readonly Value[], files: Files, lookup: Lookup, kind: 'env' | 'label'): Map<string, string> {
  const found = new Map<string, string>()
  for (const entry of entries) {
    const path = isDict(entry) ? scalarText(entry['path'] ?? '') : scalarText(entry)
    const text = files.read(path)
    if (text === undefined) {
      if (isDict(entry) && entry['required'] === false) continue
      throw new ComposeRefused(`${kind} file ${path} not found: stat ${path}: no such file or directory`)
    }
    const format = isDict(entry) ? entry['format'] : undefined
    if (format !== undefined && format !== 'raw')
      throw new ComposeRefused(`failed to read ${path}: unsupported env_file format ${JSON.stringify(format)}`)
    const read = format === 'raw' ? readRaw(text) : readEnvironmentFile(text, path, (name) => found.get(name) ?? lookup(name))
    for (const [key, value] of read) found.set(key, value)
  }
  return found
}

/** Lines as they are, as `docker run --env-file` reads them. */
function readRaw(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
  return new Map(
    lines.flatMap((line) => {
      const at = line.indexOf('=')
      return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1)] as const]
    }),
  )
}
