import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { patchedText } from './patch-text.ts'

describe('a patched document in a refusal', () => {
  const spec = { z: 1, a: { resourceVersion: '5', kind: 'Pod' } }
  const original = { kind: 'K', metadata: { resourceVersion: '7', name: 'n', uid: 'u', labels: { b: '1' } }, spec }

  it('has its own keys sorted, and untouched parts as they were', () => {
    const text = patchedText({ ...original, added: 1 }, original)
    const metadata = '{"name":"n","uid":"u","resourceVersion":"7","labels":{"b":"1"}}'
    assert.equal(text, `{"added":1,"kind":"K","metadata":${metadata},"spec":{"z":1,"a":{"resourceVersion":"5","kind":"Pod"}}}`)
  })

  it('sorts what the patch has reached, and leaves what it has put in as it was sent', () => {
    const sent = { y: 1, b: 2 }
    const patched = { kind: 'K', spec: { z: sent, a: spec.a } }
    assert.equal(patchedText(patched, original, [sent]), '{"kind":"K","spec":{"a":{"resourceVersion":"5","kind":"Pod"},"z":{"y":1,"b":2}}}')
    assert.equal(patchedText(patched, original), '{"kind":"K","spec":{"a":{"resourceVersion":"5","kind":"Pod"},"z":{"b":2,"y":1}}}')
  })
})
