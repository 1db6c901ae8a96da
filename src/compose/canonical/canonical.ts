import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, type Value, dict, isDict, isWhole, mapDict, pathMatches, pathText, shownText } from '../value.ts'
import { longPorts } from './ports.ts'
import { longVolume } from './volumes.ts'

/** Gives a value its one long form. Throws `ComposeRefused` for what the schema lets through and nobody can use. */
type Form = (value: Value, path: Path) => Value

const keys =
  (content: (key: string) => Value): Form =>
  (value) =>
    Array.isArray(value) ? dict(value.map((key) => [shownText(key), content(shownText(key))] as const)) : value

const one: Form = (value) => (typeof value === 'string' ? [value] : value)

const dependencies: Form = (value) => {
  const long = keys(() => dict([['condition', 'service_started']]))(value, [])
  if (!isDict(long)) return long
  return mapDict(long, (item) => (isDict(item) && !('required' in item) ? dict([...Object.entries(item), ['required', true]]) : item))
}

const envFiles: Form = (value) => {
  const items = Array.isArray(value) ? value : [value]
  return items.map((item) =>
    isDict(item)
      ? 'required' in item
        ? item
        : dict([...Object.entries(item), ['required', true]])
      : dict([
          ['path', item],
          ['required', true],
        ]),
  )
}

const device: Form = (value) => {
  if (typeof value !== 'string') return value
  const parts = value.split(':')
  if (parts.length > 3) throw new ComposeRefused(`confusing device mapping, please use long syntax: ${value}`)
  const [source = '', target = source, permissions = 'rwm'] = parts
  return dict([
    ['source', source],
    ['target', target],
    ['permissions', permissions],
  ])
}

const fileMount: Form = (value) => (typeof value === 'string' ? dict([['source', value]]) : value)

const ssh: Form = (value) =>
  Array.isArray(value)
    ? dict(
        value.map((item) => {
          const [id = '', ...path] = shownText(item).split('=')
          if (path.length === 0 && id !== 'default') throw new ComposeRefused(`invalid ssh key ${JSON.stringify(id)}`)
          return [id, path.length === 0 ? null : path.join('=')] as const
        }),
      )
    : value

const gpus: Form = (value) => (value === 'all' ? [dict([['count', 'all']])] : value)

const build: Form = (value) => (isDict(value) ? value : dict([['context', value]]))

/** Of soft and hard limits, and of a number; text is neither. */
const limit: Form = (value, path) => {
  if (isDict(value) || isWhole(value)) return value
  throw new ComposeRefused(`${pathText(path)}: invalid type ${typeof value} for a limit`)
}

/** `external: {name: x}` of old versions is `external: true` with that name. */
const maybeExternal: Form = (value, path) => {
  if (!isDict(value)) return value
  const { external } = value
  if (!isDict(external)) return value
  const name = external['name']
  if (value['name'] !== undefined && name !== undefined && value['name'] !== name)
    throw new ComposeRefused(`${pathText(path)}: name and external.name conflict; only use name`)
  return dict([...Object.entries(value), ['external', true], ...(name === undefined ? [] : [['name', name] as const])])
}

const FORMS: readonly (readonly [pattern: string, form: Form])[] = [
  ['services.*.build', build],
  ['services.*.build.additional_contexts', keyValues],
  ['services.*.build.secrets.[]', fileMount],
  ['services.*.build.ssh', ssh],
  ['services.*.configs.[]', fileMount],
  ['services.*.depends_on', dependencies],
  ['services.*.devices.[]', device],
  ['services.*.dns', one],
  ['services.*.develop.watch.[].ignore', one],
  ['services.*.develop.watch.[].include', one],
  ['services.*.env_file', envFiles],
  ['services.*.extends', (value) => (typeof value === 'string' ? dict([['service', value]]) : value)],
  ['services.*.gpus', gpus],
  ['services.*.label_file', one],
  ['services.*.models', keys(() => null)],
  ['services.*.networks', keys(() => null)],
  ['services.*.ports', (value, path) => longPorts(value, pathText(path))],
  ['services.*.secrets.[]', fileMount],
  ['services.*.build.ulimits.*', limit],
  ['services.*.ulimits.*', limit],
  ['services.*.volumes.[]', (value) => longVolume(value)],
  ...['networks.*', 'volumes.*', 'secrets.*', 'configs.*'].map((pattern) => [pattern, maybeExternal] as const),
]

function keyValues(value: Value, path: Path): Value {
  if (!Array.isArray(value)) return value
  return dict(
    value.map((item) => {
      const [key = '', ...rest] = shownText(item).split('=')
      if (rest.length === 0) throw new ComposeRefused(`${pathText(path)}: invalid value ${key}, expected key=value`)
      return [key, rest.join('=')] as const
    }),
  )
}

/** The whole file in long form. */
export function canonical(root: Dict): Dict {
  return mapDict(root, (value, key) => at(value, [key]))
}

function at(value: Value, path: Path): Value {
  const form = FORMS.find(([pattern]) => pathMatches(path, pattern))?.[1]
  const long = form === undefined ? value : form(value, path)
  if (isDict(long)) return mapDict(long, (content, key) => at(content, [...path, key]))
  return Array.isArray(long) ? long.map((item, index) => at(item, [...path, `[${index}]`])) : long
}
