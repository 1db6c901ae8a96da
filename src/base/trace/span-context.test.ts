import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTraceparent, writeTraceparent } from './span-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

test('a trace comes and goes as W3C has it', () => {
  const context = readTraceparent(`00-${TRACE}-${SPAN}-01`, 'a=1,b=2')
  assert.deepEqual(context, { traceId: TRACE, spanId: SPAN, sampled: true, state: 'a=1,b=2' })
  assert.equal(writeTraceparent(context ?? assert.fail()), `00-${TRACE}-${SPAN}-01`)
  assert.equal(readTraceparent(`00-${TRACE}-${SPAN}-00`, undefined)?.sampled, false)
  assert.equal(readTraceparent(`00-${TRACE}-${SPAN}-03`, undefined)?.sampled, true, 'other flags say something else')
  assert.equal(readTraceparent(`cc-${TRACE}-${SPAN}-01-what-will-be`, undefined)?.traceId, TRACE, 'later versions may say more')
})

test('what is no trace counts as none, and a state that could break a header is dropped', () => {
  const wrong = [
    '',
    'hello',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `01-${TRACE}-${SPAN}-01-${'x'.repeat(1000)}`,
    ['00', TRACE],
    undefined,
  ]
  for (const header of wrong) assert.equal(readTraceparent(header, undefined), undefined, String(header))
  for (const state of ['a=1\r\nx: y', 'ä', 'x'.repeat(1000), ['a']])
    assert.equal(readTraceparent(`00-${TRACE}-${SPAN}-01`, state)?.state, '', String(state))
})
