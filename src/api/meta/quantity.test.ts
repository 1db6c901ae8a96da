import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  QuantityError,
  quantityMilli,
  quantityToNumber,
  quantityValue,
  subtractQuantities,
} from './quantity.ts'

test('the canonical form', () => {
  const table: [string | number, string][] = [
    ['0', '0'],
    ['0Ki', '0'],
    ['-0', '0'],
    ['1', '1'],
    ['+1', '1'],
    ['007', '7'],
    ['1000', '1k'],
    ['1500', '1500'],
    ['1500000', '1500k'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.1', '100m'],
    ['.5', '500m'],
    ['5.', '5'],
    ['0.5Gi', '512Mi'],
    ['1.5Gi', '1536Mi'],
    ['1024Ki', '1Mi'],
    ['1000Ki', '1000Ki'],
    ['1Ki', '1Ki'],
    ['0.5Ki', '512'],
    ['0.0001Ki', '102400u'],
    ['1.3Ki', '1331200m'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['1000e0', '1e3'],
    ['100e1', '1e3'],
    ['1.5e3', '1500'],
    ['1e-3', '1e-3'],
    ['12E', '12E'],
    ['0.000000001', '1n'],
    ['0.0000000001', '1n'],
    ['1.0000000001', '1000000001n'],
    ['-1.0000000001', '-1000000001n'],
    ['-1500m', '-1500m'],
    ['8Ei', `${2n ** 63n - 1n}`],
    ['100Ei', `${2n ** 63n - 1n}`],
    ['7Ei', '7Ei'],
    ['9223372036854775807', '9223372036854775807'],
    ['9223372036854775808', '9223372036854775808'],
    [3, '3'],
    [1.5, '1500m'],
    [2000, '2k'],
  ]
  for (const [text, canonical] of table) assert.equal(canonicalQuantity(text), canonical, String(text))
})

test('what is no quantity is refused in the words of Kubernetes', () => {
  for (const text of [
    '',
    ' 1',
    '1 ',
    '1+1.0M',
    '0.1mi',
    '0.1am',
    'aoeu',
    '.',
    '+',
    '-',
    'Ki',
    '1i',
    '-3.01i',
    '1KiB',
    '1.1.M',
    '1Kib',
    '1e',
    '1ee3',
    '-3.01e-',
    '1k3',
  ])
    assert.throws(() => parseQuantity(text), QuantityError, JSON.stringify(text))
  assert.throws(() => parseQuantity('x'), { message: /^quantities must match the regular expression '\^\(\[\+-\]/ })
  assert.throws(() => parseQuantity('1mi'), { message: "unable to parse quantity's suffix" })
})

test('numbers of quantities', () => {
  const table: [string, number, number, number][] = [
    ['100m', 0.1, 1, 100],
    ['1', 1, 1, 1000],
    ['2k', 2000, 2000, 2_000_000],
    ['1Ki', 1024, 1024, 1_024_000],
    ['1.5Gi', 1610612736, 1610612736, 1610612736000],
    ['64Gi', 68719476736, 68719476736, 68719476736000],
    ['100u', 0.0001, 1, 1],
    ['-1500m', -1.5, -2, -1500],
    ['1e3', 1000, 1000, 1_000_000],
  ]
  for (const [text, number, value, milli] of table)
    assert.deepEqual([quantityToNumber(text), quantityValue(text), quantityMilli(text)], [number, value, milli], text)
})

test('sums keep the notation of the first that is not zero', () => {
  assert.equal(addQuantities('512Mi', '512Mi'), '1Gi')
  assert.equal(addQuantities('1', '500m'), '1500m')
  assert.equal(addQuantities('0', '1Gi'), '1Gi')
  assert.equal(addQuantities('1Gi', '1G'), '2073741824')
  assert.equal(subtractQuantities('1Gi', '512Mi'), '512Mi')
  assert.equal(subtractQuantities('1', '1000m'), '0')
})

const SUFFIXES = ['', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'E-4', 'e+2']
const amountsUpTo = (max: bigint, suffixes: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom('', '-', '+'), fc.bigInt(0n, max), fc.option(fc.stringMatching(/^[0-9]{1,12}$/)), fc.constantFrom(...suffixes))
    .map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`)
const amounts = amountsUpTo(10n ** 20n, [...SUFFIXES, 'P', 'E', 'Pi', 'Ei'])
/** Sums of these stay below 2^63, where amounts written with binary suffixes end. */
const modestAmounts = amountsUpTo(10n ** 5n, SUFFIXES)

test('a canonical form is its own canonical form and the same amount', () => {
  fc.assert(
    fc.property(amounts, (text) => {
      const canonical = canonicalQuantity(text)
      assert.equal(canonicalQuantity(canonical), canonical)
      assert.equal(compareQuantities(text, canonical), 0)
    }),
    propertyRuns(100),
  )
})

test('comparing, adding and taking away agree', () => {
  fc.assert(
    fc.property(modestAmounts, modestAmounts, (a, b) => {
      assert.equal(Math.sign(compareQuantities(a, b)), -Math.sign(compareQuantities(b, a)) + 0)
      assert.equal(compareQuantities(subtractQuantities(addQuantities(a, b), b), a), 0)
      assert.equal(compareQuantities(addQuantities(a, b), addQuantities(b, a)), 0)
    }),
    propertyRuns(100),
  )
})
