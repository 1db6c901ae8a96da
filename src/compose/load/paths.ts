import { type Dict, type Path, type Value, isDict, mapDict, pathMatches, dict } from '../value.ts'
import { type Files, within } from './files.ts'

/** Places that hold a path beside the Compose file. Mounts and driver options have rules of their own. */
const PLAIN = [
  'services.*.env_file.[].path',
  'services.*.label_file.[]',
  'services.*.develop.watch.[].path',
  'configs.*.file',
  'secrets.*.file',
]
const CONTEXTS = ['services.*.build.context', 'services.*.build.additional_contexts.*']

/** Makes the paths of a file absolute, seen from its folder. */
export function resolvePaths(root: Dict, folder: string, files: Files): Dict {
  const resolve = (path: string): string => within(folder, path, files.home)
  return mapDict(root, (value, key) => at(value, [key]))

  function at(value: Value, path: Path): Value {
    if (typeof value === 'string') {
      if (PLAIN.some((pattern) => pathMatches(path, pattern))) return resolve(value)
      return CONTEXTS.some((pattern) => pathMatches(path, pattern)) && value !== '' && !isRemote(value) ? resolve(value) : value
    }
    if (Array.isArray(value)) return value.map((item, index) => at(item, [...path, `[${index}]`]))
    if (!isDict(value)) return value
    if (pathMatches(path, 'services.*.volumes.[]')) return mount(value)
    if (pathMatches(path, 'volumes.*')) return driver(value)
    return mapDict(value, (content, key) => at(content, [...path, key]))
  }

  function mount(value: Dict): Dict {
    const { source, type } = value
    if (type !== 'bind' || typeof source !== 'string' || source === '') return value
    const local = source.startsWith('/') || /^[A-Za-z]:/.test(source) || source.startsWith('\\\\')
    return local ? value : dict([...Object.entries(value), ['source', resolve(source)]])
  }

  function driver(value: Dict): Dict {
    const { driver_opts: options } = value
    if (value['driver'] !== 'local' || !isDict(options) || options['type'] !== 'none' || options['o'] !== 'bind') return value
    const { device } = options
    if (typeof device !== 'string' || device === '') return value
    return dict([...Object.entries(value), ['driver_opts', dict([...Object.entries(options), ['device', resolve(device)]])]])
  }
}

/** Repositories and contexts that are named, not files. */
function isRemote(context: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(context) || /^[\w.-]+@[\w.-]+:/.test(context) || context.startsWith('github.com/')
}
