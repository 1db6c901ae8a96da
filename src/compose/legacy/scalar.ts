import { Timestamp, type Value, wholeNumber } from '../value.ts'

const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/
const NULL = /^(?:|~|null|Null|NULL)$/
const DATE = /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|[ \t]+)\d{1,2}:\d{2}:\d{2}(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d{1,2}(?::\d{2})?))?)?$/
const FLOAT = /^[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]\d+)?$/
const INTEGERS: readonly (readonly [RegExp, number])[] = [
  [/^([-+]?)0x([0-9a-fA-F]+)$/, 16],
  [/^([-+]?)0b([01]+)$/, 2],
  [/^([-+]?)0([0-7]+)$/, 8],
  [/^([-+]?)(0|[1-9]\d*)$/, 10],
]
const PREFIXES: Readonly<Record<number, string>> = { 16: '0x', 8: '0o', 2: '0b', 10: '' }
const SIXTIES = /^([-+]?)([1-9]\d*(?::[0-5]?\d)+)$/

/** An unquoted scalar by YAML 1.1, with `yes` for true and numbers to the base of sixty, as Compose 1 reads it. */
export function yaml11Scalar(text: string): Value {
  if (NULL.test(text)) return null
  if (TRUE.test(text)) return true
  if (FALSE.test(text)) return false
  if (!/^[-+.0-9]/.test(text)) return text
  if (DATE.test(text)) return new Timestamp(text)
  const digits = text.replaceAll('_', '')
  for (const [pattern, radix] of INTEGERS) {
    const match = pattern.exec(digits)
    if (match !== null) return wholeNumber(BigInt(`${PREFIXES[radix] ?? ''}${match[2] ?? ''}`) * (match[1] === '-' ? -1n : 1n))
  }
  const sixties = SIXTIES.exec(digits)
  if (sixties !== null) {
    const value = (sixties[2] ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
    return sixties[1] === '-' ? -value : value
  }
  return FLOAT.test(digits) ? Number(digits) : text
}
