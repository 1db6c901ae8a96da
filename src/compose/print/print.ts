import { stringify } from 'yaml'
import { jsonModel } from '../project/model.ts'
import { SERVICE } from '../schema/service.ts'
import { type Dict, Timestamp, type Value, WholeFloat, dict, isDict, mapDict } from '../value.ts'

const TOP_ORDER = ['version', 'name', 'services', 'networks', 'volumes', 'secrets', 'configs', 'models']
const SERVICE_ORDER = Object.keys(SERVICE)
const NAMED = ['services', 'networks', 'volumes', 'secrets', 'configs', 'models']

/** `config`'s YAML: dollars doubled, so that the text can be read again. */
export function printYaml(model: Dict): string {
  return stringify(plain(ordered(model)), { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0, nullStr: 'null' })
}

/** Not among the types of the language yet. */
const exactly = JSON as unknown as { rawJSON(text: string): unknown }

/** `config --format json`. */
export function printJson(model: Dict): string {
  // JSON has numbers of any length; those that are no numbers here are written digit by digit.
  const exact = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? exactly.rawJSON(String(value)) : value)
  return `${JSON.stringify(plain(ordered(jsonModel(model))), exact, 2)}\n`
}

function ordered(model: Dict): Dict {
  const sorted = sortKeys(model, TOP_ORDER)
  for (const section of NAMED) {
    const found = sorted[section]
    if (!isDict(found)) continue
    const byName = sortKeys(found, [])
    sorted[section] =
      section === 'services' ? mapDict(byName, (service) => (isDict(service) ? sortKeys(service, SERVICE_ORDER) : service)) : byName
  }
  return sorted
}

function sortKeys(from: Dict, order: readonly string[]): Dict {
  const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length)
  return dict(Object.entries(from).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)))
}

/** Plain data with dollars escaped. */
function plain(value: Value): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$')
  if (value instanceof WholeFloat) return value.value
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Timestamp) return momentText(value.text)
  return isDict(value)
    ? Object.fromEntries(Object.entries(value).map(([key, content]) => [key.replaceAll('$', '$$$$'), plain(content)]))
    : value
}

/** RFC 3339, as moments are printed: with the offset that they were written with. */
function momentText(text: string): string {
  const [, date = '', time = '00:00:00', fraction = '', zone = 'Z'] =
    /^([\d-]+)(?:[Tt\s]+([\d:]+)(\.\d+)?(Z|[-+]\d{2}:\d{2})?)?$/.exec(text) ?? []
  const two = (parts: string, separator: string): string =>
    parts
      .split(separator)
      .map((part) => part.padStart(2, '0'))
      .join(separator)
  const shown = fraction.replace(/\.?0+$/, '')
  return `${two(date, '-')}T${two(time, ':')}${shown}${/^[-+]00:00$/.test(zone) ? 'Z' : zone}`
}
