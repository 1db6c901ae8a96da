import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unreadableKey } from './unreadable-key.ts'

test('a key of one character is told from longer ones and from texts that look like it', () => {
  for (const key of ['"', '\\', '\n', '\u0001', '\ud800']) {
    assert.equal(unreadableKey(JSON.stringify({ a: 1, [key]: 2 })), JSON.stringify(key))
    assert.equal(unreadableKey(JSON.stringify({ a: { [key]: 2 } })), JSON.stringify(key))
  }
  for (const fine of [{ 'a"': 1 }, { '"\\': 1 }, { 'x"\\': 1 }, { a: ',"\\":' }, { a: '"\n":', b: ['"', '\\', '{"\n":1}'] }, { '\n\n': 1 }])
    assert.equal(unreadableKey(JSON.stringify(fine)), undefined)
})
