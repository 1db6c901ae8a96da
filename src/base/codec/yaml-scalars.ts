const TRUE = /^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/
const FALSE = /^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/
const NULL = /^(?:|~|null|Null|NULL)$/
const NUMBER_START = /^[-+.0-9]/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const INTEGERS: readonly (readonly [pattern: RegExp, radix: number])[] = [
  [/^([-+]?)0[xX]([0-9a-fA-F]+)$/, 16],
  [/^([-+]?)0[bB]([01]+)$/, 2],
  [/^([-+]?)0[oO]([0-7]+)$/, 8],
  [/^([-+]?)0([0-7]+)$/, 8],
  [/^([-+]?)([0-9]+)$/, 10],
]

/** The value of a YAML scalar. Only plain (unquoted) ones are anything but text. */
export function scalarOf(text: string, plain: boolean, tag: string | undefined): unknown {
  if (tag === '!' || tag?.endsWith(':str')) return text
  if (!plain) return text
  if (NULL.test(text)) return null
  if (TRUE.test(text)) return true
  if (FALSE.test(text)) return false
  return NUMBER_START.test(text) ? (numberOf(text.replaceAll('_', '')) ?? text) : text
}

function numberOf(text: string): number | undefined {
  for (const [pattern, radix] of INTEGERS) {
    const match = pattern.exec(text)
    if (match !== null) return Number.parseInt(`${match[1] ?? ''}${match[2] ?? ''}`, radix)
  }
  return FLOAT.test(text) ? Number(text) : undefined
}
