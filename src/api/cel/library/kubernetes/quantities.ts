import {
  compareQuantities,
  addQuantities,
  parseQuantity,
  type Quantity,
  QuantityError,
  subtractQuantities,
} from '../../../meta/quantity.ts'
import { CelError } from '../../values/error.ts'
import { Double, type Int, intOf } from '../../values/numbers.ts'
import { Opaque, type Outcome } from '../../values/value.ts'
import type { Library } from '../../types/functions.ts'

const TYPE = 'kubernetes.Quantity'
const NOT_WHOLE = new CelError('cannot convert value to integer')
const MAX_INT64 = 2n ** 63n - 1n

export class QuantityValue extends Opaque {
  readonly typeName = TYPE
  readonly quantity: Quantity
  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }
  equals(other: Opaque): boolean {
    return other instanceof QuantityValue && compareQuantities(this.quantity, other.quantity) === 0
  }
}

function parse(text: string): Outcome {
  try {
    return new QuantityValue(parseQuantity(text))
  } catch (error) {
    if (error instanceof QuantityError) return new CelError(error.message)
    throw error
  }
}

/** Undefined when it has a fraction or does not fit. */
function wholeOf({ mantissa, scale }: Quantity): bigint | undefined {
  const whole = scale >= 0 ? mantissa * 10n ** BigInt(scale) : mantissa / 10n ** BigInt(-scale)
  const isWhole = scale >= 0 || mantissa % 10n ** BigInt(-scale) === 0n
  return isWhole && whole <= MAX_INT64 && whole >= -MAX_INT64 - 1n ? whole : undefined
}

function asInteger({ quantity }: QuantityValue): Outcome {
  const whole = wholeOf(quantity)
  return whole === undefined ? NOT_WHOLE : intOf(whole)
}

const signOf = (mantissa: bigint): number => (mantissa > 0n ? 1 : mantissa < 0n ? -1 : 0)
const compare = (a: QuantityValue, b: QuantityValue): number => Math.sign(compareQuantities(a.quantity, b.quantity))
const withInt = (value: Int): Quantity => ({ mantissa: BigInt(value), scale: 0, format: 'DecimalExponent' })
const plus = (a: QuantityValue, b: Quantity): Outcome => parse(addQuantities(a.quantity, b))
const minus = (a: QuantityValue, b: Quantity): Outcome => parse(subtractQuantities(a.quantity, b))

export const quantities: Library = [
  ['quantity', 'string_to_quantity', `(string) -> ${TYPE}`, parse],
  ['isQuantity', 'is_quantity_string', '(string) -> bool', (text: string) => !(parse(text) instanceof CelError)],
  ['sign', 'quantity_sign', `(${TYPE}) -> int`, ({ quantity }: QuantityValue) => signOf(quantity.mantissa)],
  ['isGreaterThan', 'quantity_is_greater_than', `${TYPE}.(${TYPE}) -> bool`, (a: QuantityValue, b: QuantityValue) => compare(a, b) > 0],
  ['isLessThan', 'quantity_is_less_than', `${TYPE}.(${TYPE}) -> bool`, (a: QuantityValue, b: QuantityValue) => compare(a, b) < 0],
  ['compareTo', 'quantity_compare_to', `${TYPE}.(${TYPE}) -> int`, compare],
  [
    'asApproximateFloat',
    'quantity_get_float',
    `${TYPE}.() -> double`,
    ({ quantity: { mantissa, scale } }: QuantityValue) => new Double(Number(`${mantissa}e${scale}`)),
  ],
  ['asInteger', 'quantity_get_int', `${TYPE}.() -> int`, asInteger],
  ['isInteger', 'quantity_is_integer', `${TYPE}.() -> bool`, ({ quantity }: QuantityValue) => wholeOf(quantity) !== undefined],
  ['add', 'quantity_add', `${TYPE}.(${TYPE}) -> ${TYPE}`, (a: QuantityValue, b: QuantityValue) => plus(a, b.quantity)],
  ['add', 'quantity_add_int', `${TYPE}.(int) -> ${TYPE}`, (a: QuantityValue, b: Int) => plus(a, withInt(b))],
  ['sub', 'quantity_sub', `${TYPE}.(${TYPE}) -> ${TYPE}`, (a: QuantityValue, b: QuantityValue) => minus(a, b.quantity)],
  ['sub', 'quantity_sub_int', `${TYPE}.(int) -> ${TYPE}`, (a: QuantityValue, b: Int) => minus(a, withInt(b))],
]
