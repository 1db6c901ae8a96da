import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Asked, type Condition, type Rule, decide, forScheme, looksAtScheme } from './index.ts'

const http: Condition = { kind: 'scheme', is: 'http' }
const header: Condition = { kind: 'header', name: 'x', value: { how: 'present' } }
const lead = (backend: string, when?: Condition): Rule => ({
  ...(when === undefined ? {} : { when }),
  action: { kind: 'forward', to: [{ backend, weight: 1 }] },
})

test('what is left for one scheme decides as the whole does', () => {
  const conditions: readonly Condition[] = [
    http,
    { kind: 'not', of: http },
    { kind: 'all', of: [http, header] },
    { kind: 'any', of: [http, header] },
    {
      kind: 'all',
      of: [
        { kind: 'not', of: http },
        { kind: 'not', of: { kind: 'any', of: [http, header] } },
      ],
    },
    { kind: 'any', of: [{ kind: 'not', of: { kind: 'all', of: [http, header] } }] },
    header,
  ]
  for (const when of conditions)
    for (const scheme of ['http', 'https'] as const) {
      const rules = [lead('a', when), lead('b')]
      const left = forScheme(rules, scheme)
      assert.equal(looksAtScheme(left), false)
      for (const headers of [{}, { x: '1' }] as readonly Record<string, string>[]) {
        const asked: Asked = { scheme, method: 'GET', host: 'h', path: '/', headers, cookies: {}, query: {}, source: '10.0.0.1' }
        assert.deepEqual(decide(left, asked, 0), decide(rules, asked, 0), JSON.stringify([when, scheme, headers]))
      }
    }
})

test('a rule that takes everything is the last one, and without any there is nothing left', () => {
  assert.deepEqual(forScheme([lead('a', http), lead('b')], 'http'), [lead('a')])
  assert.deepEqual(forScheme([lead('a', http)], 'https'), [])
})
