import { CelError } from '../../values/error.ts'
import { type Int, intOf } from '../../values/numbers.ts'
import { Opaque, type Outcome } from '../../values/value.ts'
import type { Library } from '../../types/functions.ts'

const TYPE = 'kubernetes.Semver'

interface Semver {
  readonly numbers: readonly [major: bigint, minor: bigint, patch: bigint]
  readonly pre: readonly string[]
}

class SemverValue extends Opaque {
  readonly typeName = TYPE
  readonly version: Semver
  constructor(version: Semver) {
    super()
    this.version = version
  }
  equals(other: Opaque): boolean {
    return other instanceof SemverValue && compare(this, other) === 0
  }
}

/** A text says why it is no version. */
function parse(text: string): Semver | string {
  if (text === '') return 'Version string empty'
  const parts = splitN(text, '.', 3)
  if (parts.length !== 3) return 'No Major.Minor.Patch elements found'
  const [major = '', minor = '', rest = ''] = parts
  const build = rest.indexOf('+')
  const withoutBuild = build === -1 ? rest : rest.slice(0, build)
  const hyphen = withoutBuild.indexOf('-')
  const patch = hyphen === -1 ? withoutBuild : withoutBuild.slice(0, hyphen)
  for (const [name, value] of [
    ['Major', major],
    ['Minor', minor],
    ['Patch', patch],
  ] as const) {
    if (!/^\d*$/.test(value)) return `Invalid character(s) found in ${name.toLowerCase()} number ${JSON.stringify(value)}`
    if (value.length > 1 && value.startsWith('0')) return `${name} number must not contain leading zeroes ${JSON.stringify(value)}`
    if (value === '') return `strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`
    if (BigInt(value) >= 2n ** 64n) return `strconv.ParseUint: parsing ${JSON.stringify(value)}: value out of range`
  }
  const pre = hyphen === -1 ? [] : withoutBuild.slice(hyphen + 1).split('.')
  for (const part of pre) {
    if (part === '') return 'Prerelease is empty'
    if (/^\d+$/.test(part) && part.length > 1 && part.startsWith('0'))
      return `Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(part)}`
    if (!/^[0-9A-Za-z-]+$/.test(part)) return `Invalid character(s) found in prerelease ${JSON.stringify(part)}`
  }
  for (const part of build === -1 ? [] : rest.slice(build + 1).split('.')) {
    if (part === '') return 'Build meta data is empty'
    if (!/^[0-9A-Za-z-]+$/.test(part)) return `Invalid character(s) found in build meta data ${JSON.stringify(part)}`
  }
  return { numbers: [BigInt(major), BigInt(minor), BigInt(patch)], pre }
}

function splitN(text: string, separator: string, count: number): string[] {
  const parts = text.split(separator)
  return parts.length <= count ? parts : [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)]
}

/** `v1.2` as `1.2.0`: without the v, leading zeros and with all three numbers. */
function parseLoosely(text: string): Semver | string {
  const parts = splitN(text.replace(/^v/, ''), '.', 3).map((part) => {
    if (part.length <= 1) return part
    const bare = part.replace(/^0+/, '')
    return /^[0-9]/.test(bare) ? bare : `0${bare}`
  })
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) return 'short version cannot contain PreRelease/Build meta data'
  while (parts.length < 3) parts.push('0')
  return parse(parts.join('.'))
}

function toSemver(text: string, loosely = false): Outcome {
  const version = loosely ? parseLoosely(text) : parse(text)
  return typeof version === 'string' ? new CelError(version) : new SemverValue(version)
}
export const semverOf = (text: string): Outcome => toSemver(text)
const isSemver = (text: string, loosely = false): boolean => toSemver(text, loosely) instanceof SemverValue

function compare(a: SemverValue, b: SemverValue): number {
  for (const [i, number] of a.version.numbers.entries()) {
    const other = b.version.numbers[i] as bigint
    if (number !== other) return number > other ? 1 : -1
  }
  const x = a.version.pre
  const y = b.version.pre
  if (x.length === 0 || y.length === 0) return Math.sign(y.length - x.length)
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = comparePre(x[i] as string, y[i] as string)
    if (order !== 0) return order
  }
  return Math.sign(x.length - y.length)
}

function comparePre(a: string, b: string): number {
  const [isNumber, otherIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (isNumber && otherIsNumber) return BigInt(a) === BigInt(b) ? 0 : BigInt(a) > BigInt(b) ? 1 : -1
  if (isNumber !== otherIsNumber) return isNumber ? -1 : 1
  return a === b ? 0 : a > b ? 1 : -1
}

const number =
  (at: 0 | 1 | 2) =>
  ({ version }: SemverValue): Int | CelError =>
    intOf(version.numbers[at])

export const semvers: Library = [
  ['semver', 'string_to_semver', `(string) -> ${TYPE}`, toSemver],
  ['semver', 'string_bool_to_semver', `(string, bool) -> ${TYPE}`, toSemver],
  ['isSemver', 'is_semver_string', '(string) -> bool', isSemver],
  ['isSemver', 'is_semver_string_bool', '(string, bool) -> bool', isSemver],
  ['isGreaterThan', 'semver_is_greater_than', `${TYPE}.(${TYPE}) -> bool`, (a: SemverValue, b: SemverValue) => compare(a, b) > 0],
  ['isLessThan', 'semver_is_less_than', `${TYPE}.(${TYPE}) -> bool`, (a: SemverValue, b: SemverValue) => compare(a, b) < 0],
  ['compareTo', 'semver_compare_to', `${TYPE}.(${TYPE}) -> int`, compare],
  ['major', 'semver_major', `${TYPE}.() -> int`, number(0)],
  ['minor', 'semver_minor', `${TYPE}.() -> int`, number(1)],
  ['patch', 'semver_patch', `${TYPE}.() -> int`, number(2)],
]
