import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { CompileProblem, compile, programOf } from './compile.ts'
import { estimateCost } from './cost/estimate.ts'
import type { Evaluation } from './eval/plan.ts'
import { kubernetesEnvironment } from './kubernetes/environment.ts'
import { withVariables } from './types/environment.ts'
import { TYPES } from './types/type.ts'
import { fromJson } from './values/containers.ts'
import { CelError } from './values/error.ts'

const ENVIRONMENT = withVariables(kubernetesEnvironment(), { self: TYPES.dyn })

function evaluate(source: string, self: unknown = null, limit = 1_000_000): Evaluation {
  const expression = compile(source, ENVIRONMENT)
  if (expression instanceof CompileProblem) throw new Error(expression.text)
  const program = programOf(expression)
  if (typeof program === 'string') throw new Error(program)
  return program.run({ get: (name) => (name === 'self' ? fromJson(self) : undefined) }, limit)
}
const problemOf = (source: string): string => {
  const compiled = compile(source, ENVIRONMENT)
  return compiled instanceof CompileProblem ? (compiled.text.split('\n')[0] ?? '') : 'compiles'
}

test('mistakes are told in the words and at the place that the field uses', () => {
  const table: readonly (readonly [source: string, message: string])[] = [
    [
      '1 +',
      "1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
    ],
    ['self.', "1:6: Syntax error: no viable alternative at input '.'"],
    ['self.true', "1:6: Syntax error: mismatched input 'true' expecting IDENTIFIER"],
    ['(1', "1:3: Syntax error: missing ')' at '<EOF>'"],
    ['[1, 2', "1:6: Syntax error: mismatched input '<EOF>' expecting {']', ','}"],
    ['while', '1:1: reserved identifier: while'],
    ['nobody', "1:1: undeclared reference to 'nobody' (in container '')"],
    ["'a' + 1", "1:5: found no matching overload for '_+_' applied to '(string, int)'"],
    ["'a'.size(1)", "1:9: found no matching overload for 'size' applied to 'string.(int)'"],
    ["duration('x')", '1:10: invalid duration argument'],
    ["[1, 'a']", "1:5: expected type 'int' but found 'string'"],
    ["'%d'.format(['x'])", '1:14: error during formatting: decimal clause can only be used on integers, was given string'],
    ['9223372036854775808', '1:1: invalid int literal'],
  ]
  for (const [source, message] of table) assert.equal(problemOf(source), `ERROR: <input>:${message}`, source)
})

test('wide characters are marked with wide marks', () => {
  const compiled = compile("'日本' + 1", ENVIRONMENT)
  assert.ok(compiled instanceof CompileProblem)
  assert.equal(compiled.text.split('\n')[2], ' | .．．..^')
})

test('a mistake on one side of a choice is forgiven by the other', () => {
  assert.equal(evaluate('1 / self.zero > 1 || true', { zero: 0 }).outcome, true)
  assert.equal(evaluate('[0, 1].exists(x, 1 / x == 1)').outcome, true)
  assert.ok(evaluate('[0].exists(x, 1 / x == 1)').outcome instanceof CelError)
})

test('null is a value, and not a missing one', () => {
  assert.equal(evaluate('self == null', null).outcome, true)
  assert.equal(evaluate('self.a == null && has(self.a)', { a: null }).outcome, true)
  assert.match((evaluate('self.b', { a: null }).outcome as CelError).message, /no such key: b/)
})

test('an evaluation that costs more than it may is ended', () => {
  const { exceeded, outcome } = evaluate(
    'self.all(a, self.all(b, self.all(c, a + b + c >= 0)))',
    Array.from({ length: 100 }, (_, i) => i),
  )
  assert.equal(exceeded, true)
  assert.equal((outcome as CelError).message, 'operation cancelled: actual cost limit exceeded')
})

test('no expression makes more than anybody could pay for', () => {
  const doubled = (inner: string): string => `[${inner}].map(x, x + x)[0]`
  let copied = 'optional.of(1)'
  for (let i = 0; i < 28; i++) copied = `${copied}.optMap(x, x + 1)`
  assert.match(problemOf(copied), /optMap\(\) is applied to an expression that is too large/)
  let list = '[1, 2, 3, 4, 5, 6, 7, 8, 9]'
  let text = "'abcdefghijklmnop'"
  for (let i = 0; i < 22; i++) [list, text] = [doubled(list), doubled(text)]
  for (const source of [
    `${list} == ${list}`,
    `${list}.sum() > 0`,
    `${list}.flatten().size() > 0`,
    `'%s'.format([${list}]) == ''`,
    `${text}.size() > 0`,
  ]) {
    const compiled = compile(source, ENVIRONMENT)
    if (compiled instanceof CompileProblem) continue
    const program = programOf(compiled)
    if (typeof program === 'string') continue
    assert.notEqual(program.run({ get: () => null }, 1_000_000).outcome, true, source.slice(-30))
  }
})

test('deep nesting is refused, and never overflows', () => {
  for (const source of [
    '('.repeat(5000),
    `${'['.repeat(300)}1${']'.repeat(300)}`,
    `${'-'.repeat(10_000)}1`,
    `self${'.a'.repeat(1000)}`,
    `1${'+1'.repeat(3000)}`,
  ]) {
    const compiled = compile(source, ENVIRONMENT)
    assert.ok(compiled instanceof CompileProblem || source.startsWith('-'), source.slice(0, 20))
  }
  assert.match(problemOf(`1${'+1'.repeat(3000)}`), /expression recursion limit exceeded: 250/)
  const chain = Array.from({ length: 5000 }, () => 'true').join(' && ')
  assert.equal(evaluate(chain).outcome, true)
})

test('any text either compiles or is told what is wrong with it', () => {
  const piece = fc.constantFrom(
    'self',
    '.',
    'a',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '1',
    '1.5',
    "'x'",
    '"',
    '+',
    '-',
    '!',
    '?',
    ':',
    ',',
    '&&',
    '||',
    '==',
    'in',
    'has',
    'all',
    ' ',
    '\n',
    'map',
    'true',
    'null',
    '0x',
    'b',
    "'",
    '\\',
    '`',
    '=',
    '日',
    '💥',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      const compiled = compile(pieces.join(''), ENVIRONMENT)
      if (compiled instanceof CompileProblem) return compiled.text.startsWith('ERROR: <input>:')
      const program = programOf(compiled)
      return typeof program === 'string' || program.run({ get: () => null }, 10_000) !== undefined
    }),
    propertyRuns(3000),
  )
})

test('whole numbers are those of 64 bits, whatever their form', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  fc.assert(
    fc.property(int64, int64, fc.constantFrom('+', '-', '*', '/', '%'), (a, b, op) => {
      const { outcome } = evaluate(`${a} ${op} (${b})`)
      if (b === 0n && (op === '/' || op === '%')) return outcome instanceof CelError
      const exact = { '+': a + b, '-': a - b, '*': a * b, '/': b === 0n ? 0n : a / b, '%': b === 0n ? 0n : a % b }[op]
      if (exact > 2n ** 63n - 1n || exact < -(2n ** 63n)) return outcome instanceof CelError && outcome.message === 'integer overflow'
      return outcome === (Number.isSafeInteger(Number(exact)) ? Number(exact) : exact)
    }),
    propertyRuns(1000),
  )
})

test('what an evaluation costs is no more than was estimated', () => {
  const sources = [
    'self.size() > 3',
    "self.contains('a') && self.matches('^[a-z]+$')",
    "self + self == 'x'",
    "self.split(',').all(p, p.size() < 5)",
    "self.replace('a', 'bb').size() > 0",
    "self in ['a', 'b']",
  ]
  const environment = withVariables(kubernetesEnvironment(), { self: TYPES.string })
  fc.assert(
    fc.property(fc.constantFrom(...sources), fc.string({ maxLength: 40 }), (source, self) => {
      const compiled = compile(source, environment)
      if (compiled instanceof CompileProblem) throw new Error(compiled.text)
      const program = programOf(compiled)
      if (typeof program === 'string') throw new Error(program)
      const most = estimateCost(compiled.checked, (path) => (path.length === 1 ? { min: 0, max: 40 } : undefined)).max
      return program.run({ get: () => self }, 1e9).cost <= most
    }),
    propertyRuns(100),
  )
})
