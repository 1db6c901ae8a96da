import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, dict } from '../value.ts'

/** Texts up to this length are a target and nothing else. */
const SHORTEST = 2
const PROPAGATIONS = ['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave']

/** A mount in its long form. */
export function longVolume(value: Value): Value {
  return typeof value === 'string' ? parseVolume(value) : value
}

/** `[SOURCE:]TARGET[:OPTIONS]`; a letter before a colon is a drive. Throws `ComposeRefused`. */
export function parseVolume(spec: string): Dict {
  if (spec === '') throw new ComposeRefused('invalid empty volume spec')
  if (Buffer.byteLength(spec) <= SHORTEST)
    return dict([
      ['type', 'volume'],
      ['target', spec],
    ])
  const parts = partsOf(spec)
  if (parts.includes('')) throw new ComposeRefused(`invalid spec: ${spec}: empty section between colons`)
  if (parts.length > 3) throw new ComposeRefused(`invalid spec: ${spec}: too many colons`)
  const [first = '', second, options = ''] = parts
  const source = second === undefined ? '' : first
  const bind = dict()
  let volume: Dict | undefined
  let readOnly = false
  for (const option of options.split(',')) {
    if (option === 'ro' || option === 'rw') readOnly = option === 'ro'
    else if (option === 'nocopy') volume = dict([['nocopy', true]])
    else if (PROPAGATIONS.includes(option)) bind['propagation'] = option
    else if (option === 'z' || option === 'Z') bind['selinux'] = option
  }
  const type = isHostPath(source) ? 'bind' : 'volume'
  if (type === 'bind') bind['create_host_path'] = true
  else volume ??= dict()
  return dict([
    ['type', type],
    ...(source === '' ? [] : [['source', source] as const]),
    ['target', cleanPath(second ?? first)],
    ...(readOnly ? [['read_only', true] as const] : []),
    ...(Object.keys(bind).length === 0 ? [] : [['bind', bind] as const]),
    ...(volume === undefined ? [] : [['volume', volume] as const]),
  ])
}

/** Sections between colons; those of a drive and in `${…}` end none. */
function partsOf(spec: string): string[] {
  const parts = ['']
  let nested = 0
  for (const [at, char] of [...spec].entries()) {
    const last = parts.at(-1) ?? ''
    if (char === '$' && spec[at + 1] === '{') nested++
    if (char === '}' && nested > 0) nested--
    if (char === ':' && nested === 0 && !/^\p{L}$/u.test(last)) parts.push('')
    else parts[parts.length - 1] = `${last}${char}`
  }
  return parts
}

const isHostPath = (source: string): boolean => /^[./~]/.test(source) || /^\p{L}:/u.test(source) || source.startsWith('\\\\')

/** Without doubled slashes, dots and a slash at the end. */
export function cleanPath(path: string): string {
  const absolute = path.startsWith('/')
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') kept.push(part)
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop()
    else if (!absolute) kept.push(part)
  }
  return absolute ? `/${kept.join('/')}` : kept.join('/') || '.'
}
