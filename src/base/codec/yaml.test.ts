import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { SampanError } from '../errors.ts'
import { JsonTooLarge } from './json.ts'
import { YamlSyntaxError, readYaml, readYamlDocuments, writeYaml } from './yaml.ts'

const read = (text: string): ReturnType<typeof readYaml> => readYaml(new TextEncoder().encode(text))

test('plain scalars are read as YAML 1.1 without dates and sexagesimals', () => {
  const cases: readonly (readonly [text: string, value: unknown])[] = [
    ['yes', true],
    ['Off', false],
    ['y', true],
    ['N', false],
    ['0644', 420],
    ['0o17', 15],
    ['0x1F', 31],
    ['-12', -12],
    ['+1', 1],
    ['1_000', 1000],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['1:30', '1:30'],
    ['2026-01-01', '2026-01-01'],
    ['~', null],
    ['null', null],
    ['"yes"', 'yes'],
    ["'12'", '12'],
    ['!!str 12', '12'],
    ['100m', '100m'],
    ['1.2.3', '1.2.3'],
    ['08', 8],
    ['-', [null]],
  ]
  for (const [text, value] of cases) assert.deepEqual(read(text).value, value, text)
})

test('keys come sorted, duplicates are named, anchors and merges are followed', () => {
  const { value, duplicates } = read('b: 1\na: &x {k: 1}\nc:\n  <<: *x\n  z: 2\n  z: 3\n')
  assert.deepEqual(value, { a: { k: 1 }, b: 1, c: { k: 1, z: 3 } })
  assert.deepEqual(Object.keys(value as object), ['a', 'b', 'c'])
  assert.deepEqual(duplicates, ['c.z'])
})

test('aliases cannot blow a document up', () => {
  const lines = ['a0: &a0 [x]']
  for (let at = 1; at < 12; at++) lines.push(`a${at}: &a${at} [${Array.from({ length: 9 }, () => `*a${at - 1}`).join(', ')}]`)
  assert.throws(() => read(lines.join('\n')), JsonTooLarge)
  assert.throws(
    () => read('a: &a [*a]'),
    (error) => error instanceof JsonTooLarge || error instanceof YamlSyntaxError,
  )
})

test('several documents in one stream', () => {
  assert.deepEqual(readYamlDocuments('---\na: 1\n---\n# nothing\n---\n- b\n'), [{ a: 1 }, ['b']])
})

test('an empty document has no value', () => {
  assert.equal(read('').value, undefined)
})

test('syntax errors speak as the reader of Kubernetes does', () => {
  assert.throws(
    () => read('a: b: c'),
    (error) => error instanceof YamlSyntaxError && error.message === 'yaml: mapping values are not allowed in this context',
  )
  assert.throws(
    () => read('apiVersion: v1\nkind: ConfigMap\n metadata:\n- x\n'),
    (error) => error instanceof YamlSyntaxError && error.message === 'yaml: line 3: mapping values are not allowed in this context',
  )
  assert.throws(
    () => read('a: [b'),
    (error) => error instanceof YamlSyntaxError && error.message === "yaml: line 1: did not find expected ',' or ']'",
  )
})

test('long texts go on in the next line at the first space behind column 80', () => {
  const long = 'word '.repeat(20).trim()
  const value = { a: { b: [long, { c: `${long}: x` }] }, block: `${long}\n${long}\n`, key: long }
  const text = writeYaml(value)
  const cut = (indent: number, width: number): string => {
    const end = long.indexOf(' ', width - indent)
    return `${long.slice(0, end)}\n`
  }
  assert.ok(text.includes(`  - ${cut(4, 81)}    `) && text.includes(`key: ${cut(5, 81)}  `), text)
  assert.ok(text.includes(`\n  ${long}\n  ${long}\n`), 'blocks stay')
  assert.deepEqual(read(text).value, value)
})

test('what is written is sorted, in block style, and reads back', () => {
  const value = { kind: 'X', apiVersion: 'v1', items: [{ b: 'yes', a: '0644', t: true }], empty: [], text: 'a\nb\n', n: null }
  const text = writeYaml(value)
  assert.match(text, /^apiVersion: v1\nempty: \[\]\nitems:\n- a: "0644"\n {2}b: "yes"\n/)
  assert.deepEqual(read(text).value, value)
})

test('texts are quoted as Kubernetes quotes them, and those within blocks are left alone', () => {
  const value = { '.': {}, a: '.', b: '.e1', c: "'x", d: "it's", e: "a: 'b", f: '1e3', g: "  '.': x\n'.':\n", h: "- '.'", i: '...' }
  const text = writeYaml(value)
  assert.equal(text, `.: {}\na: .\nb: .e1\nc: '''x'\nd: it's\ne: 'a: ''b'\nf: "1e3"\ng: |2\n    '.': x\n  '.':\nh: '- ''.'''\ni: '...'\n`)
  assert.deepEqual(read(text).value, value)
})

/** Pieces of which YAML is made, so that whatever comes of them gets far into the reader. */
const yamlText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'a',
        '- ',
        ': ',
        '\n',
        '  ',
        '\n  ',
        '{',
        '}',
        '[',
        ']',
        ',',
        '"',
        "'",
        '&x ',
        '*x',
        '|\n',
        '>-\n',
        '#',
        '!!',
        '---\n',
        '? ',
        '<<: ',
        '~',
        '0x',
        '__proto__: ',
      ),
      fc.string({ maxLength: 5 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

test('whatever is read as YAML gives a value or says what is wrong, and changes nothing else', () => {
  fc.assert(
    fc.property(yamlText, (text) => {
      try {
        read(text)
      } catch (error) {
        assert.ok(error instanceof SampanError, String(error))
      }
      assert.deepEqual(Object.keys(Object.prototype), [])
    }),
    propertyRuns(300),
  )
})

test('what is written as YAML is read as what it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false, stringUnit: 'grapheme' }), (value) => {
      // What JSON cannot say is not a value of an object.
      const plain: unknown = JSON.parse(JSON.stringify(value))
      assert.deepEqual(read(writeYaml(plain)).value, plain)
    }),
    propertyRuns(100),
  )
})

test('bytes that are no text are named', () => {
  const problem = (...bytes: number[]): string => {
    try {
      return JSON.stringify(readYaml(Uint8Array.from(bytes)).value)
    } catch (error) {
      return error instanceof YamlSyntaxError ? error.message : assert.fail(String(error))
    }
  }
  assert.equal(problem(0x61, 0xc3, 0xa9), '"aé"')
  assert.equal(problem(0x61, 0x1f, 0xff), 'yaml: control characters are not allowed')
  assert.equal(problem(0x61, 0xff), 'yaml: invalid leading UTF-8 octet')
  assert.equal(problem(0x61, 0xc3, 0x61), 'yaml: invalid trailing UTF-8 octet')
  assert.equal(problem(0x61, 0xc3), 'yaml: incomplete UTF-8 octet sequence')
  assert.equal(problem(0x61, 0xc0, 0x80), 'yaml: invalid length of a UTF-8 sequence')
  assert.equal(problem(0x61, 0xed, 0xa0, 0x80), 'yaml: invalid Unicode character')
})
