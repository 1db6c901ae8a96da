import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, type Value, dict, isDict, mapDict, pathMatches, pathText } from '../value.ts'
import { type Files, clean, within } from './files.ts'

/** Places that hold a path beside the Compose file. Mounts and driver options have rules of their own. */
const PLAIN = ['services.*.env_file.[].path', 'services.*.label_file.[]', 'services.*.extends.file', 'services.*.develop.watch.[].path']
/** Places where a path of Windows is one too, and no path is the folder itself. */
const EITHER = ['services.*.build.ssh.*', 'configs.*.file', 'secrets.*.file']
const CONTEXTS = ['services.*.build.context', 'services.*.build.additional_contexts.*']

/** Makes the paths of a file absolute, seen from its folder. */
export function resolvePaths(root: Dict, folder: string, files: Files): Dict {
  return mapDict(root, (value, key) => at(value, [key]))

  function at(value: Value, path: Path): Value {
    if (typeof value === 'string') {
      if (PLAIN.some((pattern) => pathMatches(path, pattern))) return resolve(value)
      if (EITHER.some((pattern) => pathMatches(path, pattern))) return resolveEither(value)
      return CONTEXTS.some((pattern) => pathMatches(path, pattern)) && !isRemote(value) ? resolve(value) : value
    }
    if (CONTEXTS.some((pattern) => pathMatches(path, pattern))) throw new ComposeRefused(`${pathText(path)} must be a string`)
    if (Array.isArray(value)) return value.map((item, index) => at(item, [...path, `[${index}]`]))
    if (!isDict(value)) return value
    if (pathMatches(path, 'services.*.volumes.[]')) return mount(value)
    if (pathMatches(path, 'volumes.*')) return driver(value)
    return mapDict(value, (content, key) => at(content, [...path, key]))
  }

  function resolve(path: string): string {
    const home = path.startsWith('~') ? clean(`${files.home}/${path.slice(1)}`) : path
    return home === '' || home.startsWith('/') ? home : within(folder, home, files.home)
  }

  function resolveEither(path: string): string {
    return path === '' ? folder : isWindows(path) ? path : resolve(path)
  }

  function mount(value: Dict): Dict {
    const { source, type } = value
    if (type !== 'bind') return value
    if (typeof source !== 'string') throw new ComposeRefused('invalid mount config for type "bind": field Source must not be empty')
    return dict([...Object.entries(value), ['source', resolveEither(source)]])
  }

  function driver(value: Dict): Dict {
    const { driver_opts: options } = value
    if (value['driver'] !== 'local' || !isDict(options) || options['o'] !== 'bind') return value
    const { device } = options
    if (typeof device !== 'string') return value
    return dict([...Object.entries(value), ['driver_opts', dict([...Object.entries(options), ['device', resolveEither(device)]])]])
  }
}

const isWindows = (path: string): boolean => /^[A-Za-z]:[\\/]/.test(path) || /^[\\/]{2}[^\\/]+[\\/]+[^\\/]+/.test(path)

/** Repositories, contexts that are named and those that are other services: no files. */
const isRemote = (context: string): boolean =>
  context.includes('://') || ['service:', 'github.com/', 'git@'].some((start) => context.startsWith(start))
