import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import { substitute } from './template.ts'

const lookup = (name: string): string | undefined => ({ SET: 'value', EMPTY: '' })[name]
const textOf = (template: string): string => {
  const result = substitute(template, lookup)
  assert.equal(result.kind, 'text')
  return result.kind === 'text' ? result.text : ''
}

test('defaults stand in for what is unset, and with a colon for what is empty', () => {
  assert.equal(textOf('${EMPTY-x}${EMPTY:-y}${NONE:-${SET}}'), 'yvalue')
  assert.equal(textOf('${SET:+there}${NONE+not}'), 'there')
  assert.equal(textOf('$SET-$$SET $ 1'), 'value-$SET $ 1')
})

test('what has no value is told, and what has to have one is missing', () => {
  assert.deepEqual(substitute('$NONE', lookup), { kind: 'text', text: '', unset: ['NONE'] })
  assert.deepEqual(substitute('${NONE:?give one}', lookup), { kind: 'missing', name: 'NONE', message: 'give one' })
  for (const bad of ['${', '${}', '${1A}', '${ SET }', '${SET!}']) assert.deepEqual(substitute(bad, lookup), { kind: 'malformed' })
})

test('any text is answered, and text without dollars stays', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', ':', '-', '?', '+', 'A', ' ') }), (text) => {
      const result = substitute(text, lookup)
      if (!text.includes('$')) assert.deepEqual(result, { kind: 'text', text, unset: [] })
    }),
    propertyRuns(100),
  )
})
