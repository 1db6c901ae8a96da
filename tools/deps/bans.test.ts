import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkBans } from './bans.ts'
import { fixtureTree } from './fixture-tree.fixture.ts'

const messages = (path: string, text: string): string[] => checkBans(fixtureTree({ [path]: text })).map(({ message }) => message)

const refused: readonly (readonly [string, RegExp])[] = [
  ['const now = new Date()', /scope\.clock\.now\(\)/],
  ['const now = Date()', /scope\.clock\.now\(\)/],
  ['let cache = new Map()', /module-level 'let'/],
  ['export var cache = new Map()', /module-level 'var'/],
  ['@sealed class A {}', /decorators/],
  ['class A { @logged run() {} }', /decorators/],
  ['async function run(key: string, scope: Scope) {}', /Scope as parameter 2/],
  ['const run = async (key: string, scope: Scope) => {}', /Scope as parameter 2/],
  ['class A { run(key: string, scope: Scope) {} }', /Scope as parameter 2/],
  ['interface A { run(key: string, scope: Scope): void }', /Scope as parameter 2/],
  ['type Run = (key: string, scope: Scope) => void', /Scope as parameter 2/],
]

const allowed: readonly string[] = [
  'const then = new Date(0)',
  'function f() { let count = 0 }',
  'declare let x: number',
  'async function run(scope: Scope, key: string) {}',
  'function run(this: A, key: string) {}',
]

describe('bans', () => {
  for (const [text, complaint] of refused) {
    it(`refuse: ${text}`, () => {
      const found = messages('src/node/a.ts', text)
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', complaint)
    })
  }
  for (const text of allowed) it(`allow: ${text}`, () => assert.deepEqual(messages('src/node/a.ts', text), []))

  it('leave the clock itself and tests alone', () => {
    assert.deepEqual(messages('src/base/clock.ts', 'const now = new Date()'), [])
    assert.deepEqual(messages('src/base/scope.test.ts', 'let now = new Date()'), [])
  })
})
