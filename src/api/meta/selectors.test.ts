import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { parseFieldSelector } from './field-selector.ts'
import { parseLabelSelector } from './selector-text.ts'
import { formatLabelSelector, labelSelectorOf, labelSelectorOfMap } from './selectors.ts'

const OBJECTS: Record<string, Record<string, string> | undefined> = {
  a: { env: 'prod', tier: 'web' },
  b: { env: 'dev', tier: 'web' },
  c: { env: 'prod' },
  d: undefined,
  e: { env: '', 'x.io/n': '5' },
}
const selected = (text: string): string => {
  const selector = parseLabelSelector(text)
  return Object.keys(OBJECTS)
    .filter((name) => selector.matches(OBJECTS[name]))
    .join('')
}

test('what a label selector selects', () => {
  const cases: Record<string, string> = {
    'env=prod': 'ac',
    'env==prod': 'ac',
    ' env = prod ': 'ac',
    'env!=prod': 'bde',
    'env=': 'e',
    'env!=': 'abcd',
    env: 'abce',
    '!env': 'd',
    '! tier': 'cde',
    'tier,env': 'ab',
    'x.io/n': 'e',
    'env in (prod,dev)': 'abc',
    'env in(dev)': 'b',
    'env notin (prod,dev)': 'de',
    'env in ()': 'e',
    'env notin ()': 'abcd',
    'env in (,prod)': 'ace',
    'env in (prod,)': 'ace',
    'env in (prod,,dev)': 'abce',
    'x.io/n>4': 'e',
    'x.io/n<4': '',
    'x.io/n > 5': '',
    'env>4': '',
    'env=prod,tier!=web': 'c',
    'in=x': '',
    'env in (in,notin,prod)': 'ac',
    '': 'abcde',
    ' ': 'abcde',
    'constructor,toString': '',
  }
  for (const [text, names] of Object.entries(cases)) assert.equal(selected(text), names, text)
})

test('what is no label selector', () => {
  const cases: Record<string, string> = {
    'a===b': "unable to parse requirement: found '=', expected: identifier",
    ',': "found ',', expected: !, identifier, or 'end of string'",
    'env,': "found '', expected: identifier after ','",
    'env in prod': "unable to parse requirement: found 'prod' expected: '('",
    'env in (prod': "unable to parse requirement: found '', expected: ',' or ')'",
    'env in (=)': "unable to parse requirement: found '=', expected: ',', ')' or identifier",
    'env in (a b)': "unable to parse requirement: found 'b', expected: ',' or ')'",
    'env prod': "unable to parse requirement: found 'prod', expected: in, notin, =, ==, !=, gt, lt",
    'env=a b': "found 'b', expected: ',' or 'end of string'",
    '!a=b': "found '=', expected: ',' or 'end of string'",
    '!': "unable to parse requirement: found '', expected: identifier",
    'x>abc': "unable to parse requirement: values[0]: Invalid value: \"abc\": for 'Gt', 'Lt' operators, the value must be an integer",
    [`env=${'v'.repeat(64)}`]: `unable to parse requirement: values[0][env]: Invalid value: "${'v'.repeat(64)}": must be no more than 63 bytes`,
    [`${'k'.repeat(64)}=v`]: `unable to parse requirement: <nil>: Invalid value: "${'k'.repeat(64)}": name part must be no more than 63 bytes`,
  }
  for (const [text, message] of Object.entries(cases)) assert.throws(() => parseLabelSelector(text), { message, httpStatus: 400 }, text)
})

test('selectors of objects', () => {
  const selector = {
    matchLabels: { b: '2', a: '1' },
    matchExpressions: [
      { key: 'c', operator: 'In', values: ['y', 'x', 'y'] },
      { key: 'd', operator: 'NotIn', values: ['z'] },
      { key: 'e', operator: 'Exists' },
      { key: 'f', operator: 'DoesNotExist' },
    ],
  }
  assert.equal(formatLabelSelector(selector), 'a=1,b=2,c in (x,y),d notin (z),e,!f')
  assert.ok(labelSelectorOf(selector).matches({ a: '1', b: '2', c: 'y', e: '' }))
  assert.ok(!labelSelectorOf(selector).matches({ a: '1', b: '2', c: 'y', e: '', f: '' }))
  assert.ok(labelSelectorOf({}).matches(undefined))
  assert.ok(!labelSelectorOf(undefined).matches({ a: '1' }))
  assert.ok(!labelSelectorOf({ matchExpressions: [{ key: 'a', operator: 'Nope' }] }).matches({ a: '1' }))
  assert.equal(formatLabelSelector(undefined), '')
  assert.ok(labelSelectorOfMap({ a: '1' }).matches({ a: '1', b: '2' }))
})

test('the text of a selector selects the same', () => {
  const key = fc.constantFrom('env', 'tier', 'x.io/n')
  const values = fc.array(fc.constantFrom('', 'prod', 'web', '5'), { maxLength: 3 })
  const requirement = fc.tuple(key, fc.constantFrom('', '!', '=', '!=', ' in ', ' notin ', '>'), values).map(([name, operator, list]) => {
    if (operator === '') return name
    if (operator === '!') return `!${name}`
    if (operator.includes('in')) return `${name}${operator}(${list.join(',')})`
    return operator === '>' ? `${name}>4` : `${name}${operator}${list[0] ?? ''}`
  })
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 4 }), (requirements) => {
      const text = requirements.join(',')
      const written = parseLabelSelector(text).toString()
      assert.equal(selected(written), selected(text))
      assert.equal(parseLabelSelector(written).toString(), written)
    }),
    propertyRuns(100),
  )
})

test('field selectors', () => {
  assert.deepEqual(parseFieldSelector('metadata.name=a,status.phase!=Running,spec.x==y'), [
    { path: 'metadata.name', operator: '=', value: 'a' },
    { path: 'status.phase', operator: '!=', value: 'Running' },
    { path: 'spec.x', operator: '=', value: 'y' },
  ])
  assert.deepEqual(parseFieldSelector(''), [])
  assert.deepEqual(parseFieldSelector('a=b\\,c\\=d\\\\,,e='), [
    { path: 'a', operator: '=', value: 'b,c=d\\' },
    { path: 'e', operator: '=', value: '' },
  ])
  const refused: Record<string, string> = {
    'metadata.name': "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
    'a=1,metadata.name>a': "invalid selector: 'a=1,metadata.name>a'; can't understand 'metadata.name>a'",
    'metadata.name=a=b': 'invalid field selector: unescaped character in value: 61',
    'a=\\b': 'invalid field selector: invalid escape sequence: \\b',
    'a=b\\': 'invalid field selector: invalid escape sequence: \\',
  }
  for (const [text, message] of Object.entries(refused)) assert.throws(() => parseFieldSelector(text), { message, httpStatus: 400 }, text)
})
