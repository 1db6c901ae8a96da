import { type Dict, type Path, type Value, dict, isDict, mapDict, pathMatches, shownText } from '../value.ts'

/** What a value has where nothing is said, once all files are joined. */
type Default = (value: Dict) => Dict

const given = (value: Dict, added: Dict): Dict => dict([...Object.entries(added), ...Object.entries(value)])

const devices: Default = (value) => ('count' in value || 'device_ids' in value ? value : given(value, dict([['count', 'all']])))

const DEFAULTS: readonly (readonly [pattern: string, added: Default])[] = [
  ['services.*.build', (value) => given(value, dict([['context', '.']]))],
  ['services.*.secrets.[]', (value) => given(value, dict([['target', `/run/secrets/${shownText(value['source'] ?? null)}`]]))],
  [
    'services.*.ports.[]',
    (value) =>
      given(
        value,
        dict([
          ['mode', 'ingress'],
          ['protocol', 'tcp'],
        ]),
      ),
  ],
  ['services.*.deploy.resources.reservations.devices.[]', devices],
  ['services.*.gpus.[]', devices],
]

export function withDefaults(root: Dict): Dict {
  return mapDict(root, (value, key) => at(value, [key]))
}

function at(value: Value, path: Path): Value {
  if (Array.isArray(value)) return value.map((item, index) => at(item, [...path, `[${index}]`]))
  if (!isDict(value)) return value
  const added = DEFAULTS.find(([pattern]) => pathMatches(path, pattern))?.[1]
  return added === undefined ? mapDict(value, (content, key) => at(content, [...path, key])) : added(value)
}
