const SUFFIX_POWERS: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY_POWERS: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }
const MOST_DIGITS = 18
const BIGGEST = 2n ** 63n - 1n
const NANO = 9

/**
 * The inside of a quantity as parsing leaves it: a small one is a number with a scale, a big one a decimal. The text is kept where it needs no
 * closer look to be seen as the normal form.
 */
export function printQuantity(text: string): string {
  if (text === '0') return quantity({ value: 0n, scale: 0, text, format: 'DecimalSI' })
  const [, sign = '', whole = '', fraction = '', suffix = ''] = /^([+-]?)(\d*)\.?(\d*)(.*)$/.exec(text) ?? []
  const number = whole.replace(/^0+(?=\d)/, '')
  const digits = `${number}${fraction}`
  const factor = sign === '-' ? -1n : 1n
  const binary = BINARY_POWERS[suffix]
  if (binary !== undefined) {
    const value = BigInt(digits)
    const precision = 15 - number.length - Math.trunc((binary * 3) / 10) - 1
    const result = factor * value * 2n ** BigInt(binary)
    if (fraction === '' && precision >= 0)
      return quantity({ value: result, scale: 0, text: binary % 10 === 0 && (value & 7n) !== 0n ? text : '', format: 'BinarySI' })
    return bigQuantity(result, fraction.length, 'BinarySI')
  }
  const exponent = SUFFIX_POWERS[suffix] ?? Number(suffix.slice(1))
  const format = SUFFIX_POWERS[suffix] === undefined ? 'DecimalExponent' : 'DecimalSI'
  const scale = exponent - fraction.length
  if (digits.length <= MOST_DIGITS && scale >= -NANO) {
    const isNormal = scale % 3 === 0 && !digits.endsWith('000') && !digits.startsWith('0')
    return quantity({ value: factor * BigInt(digits), scale, text: isNormal ? text : '', format })
  }
  return bigQuantity(factor * BigInt(digits), -scale, format)
}

interface SmallQuantity {
  readonly value: bigint
  readonly scale: number
  readonly text: string
  readonly format: string
}

const quantity = ({ value, scale, text, format }: SmallQuantity, decimal = '<nil>'): string =>
  `{i:(resource.int64Amount){value:(int64)${value} scale:(resource.Scale)${scale}} d:(resource.infDecAmount){Dec:(*inf.Dec)${decimal}} s:(string)${text} Format:(resource.Format)${format}}`

/** Rounded up to a billionth, in words of 64 bits; a binary one is at most the biggest 64-bit number. */
function bigQuantity(unscaled: bigint, places: number, format: string): string {
  const isNegative = unscaled < 0n
  let size = isNegative ? -unscaled : unscaled
  const step = 10n ** BigInt(Math.abs(NANO - places))
  size = places <= NANO ? size * step : (size + step - 1n) / step
  let scale = NANO
  if (format === 'BinarySI' && size > BIGGEST * 10n ** BigInt(NANO)) [size, scale] = [BIGGEST, 0]
  const words: bigint[] = []
  for (let left = size; left > 0n; left >>= 64n) words.push(left & (2n ** 64n - 1n))
  const decimal = `{unscaled:(big.Int){neg:(bool)${isNegative} abs:(big.nat)[${words.join(' ')}]} scale:(inf.Scale)${scale}}`
  return quantity({ value: 0n, scale: 0, text: '', format }, decimal)
}
