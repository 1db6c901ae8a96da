import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, dict } from '../value.ts'

/** Texts up to this length are a target and nothing else. */
const SHORTEST = 2
const PROPAGATIONS = ['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave']

/** A mount in its long form. */
export function longVolume(value: Value): Value {
  return typeof value === 'string' ? parseVolume(value) : value
}

/** `[SOURCE:]TARGET[:OPTIONS]`; a letter before a colon and a slash is a drive. */
export function parseVolume(spec: string): Dict {
  if (spec === '') throw new ComposeRefused('invalid empty volume spec')
  if (spec.length <= SHORTEST)
    return dict([
      ['type', 'volume'],
      ['target', spec],
    ])
  const parts = partsOf(spec)
  if (parts.length > 3) throw new ComposeRefused(`invalid spec: ${spec}: too many colons`)
  if (parts.some((part) => part === '')) throw new ComposeRefused(`invalid spec: ${spec}: empty section between colons`)
  const [first = '', second, options = ''] = parts
  const volume =
    second === undefined
      ? dict([['target', first]])
      : dict([
          ['source', first],
          ['target', second],
        ])
  const read = new Map<string, Value>()
  const bind = dict()
  const named = dict()
  for (const option of options.split(',').filter((one) => one !== '')) {
    if (option === 'ro') read.set('read_only', true)
    else if (option === 'nocopy') named['nocopy'] = true
    else if (option.startsWith('volume-subpath=')) named['subpath'] = option.slice('volume-subpath='.length)
    else if (PROPAGATIONS.includes(option)) bind['propagation'] = option
    else if (option === 'z' || option === 'Z') bind['selinux'] = option
  }
  const type = second !== undefined && isHostPath(first) ? 'bind' : 'volume'
  if (type === 'bind') bind['create_host_path'] = true
  return dict([
    ['type', type],
    ...Object.entries(volume).map(
      ([key, value]) => [key, key === 'target' && typeof value === 'string' ? cleanPath(value) : value] as const,
    ),
    ...read,
    ...(type === 'bind' ? [['bind', bind] as const] : [['volume', named] as const]),
  ])
}

function partsOf(spec: string): string[] {
  const parts: string[] = []
  for (const part of spec.split(':')) {
    const before = parts.at(-1)
    const drive = before !== undefined && /^[A-Za-z]$/.test(before) && (/^[\\/]/.test(part) || parts.length === 1)
    if (drive) parts[parts.length - 1] = `${before}:${part}`
    else parts.push(part)
  }
  return parts
}

const isHostPath = (source: string): boolean => /^[./~]/.test(source) || /^[A-Za-z]:/.test(source) || source.startsWith('\\\\')

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
