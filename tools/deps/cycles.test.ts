import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkCycles, stronglyConnected } from './cycles.ts'
import { fixtureTree } from './fixture-tree.fixture.ts'

const messages = (files: Readonly<Record<string, string>>): string[] => checkCycles(fixtureTree(files)).map(({ message }) => message)

describe('import cycles', () => {
  it('are not seen where two files import a third', () => {
    assert.deepEqual(
      messages({ 'src/base/a.ts': `import './c.ts'`, 'src/base/b.ts': `import './c.ts'; import './a.ts'`, 'src/base/c.ts': '' }),
      [],
    )
  })

  it('are found through type imports, and shown as a path', () => {
    const [message, ...more] = messages({ 'src/base/a.ts': `import type { B } from './b.ts'`, 'src/base/b.ts': `export * from './a.ts'` })
    assert.deepEqual(more, [])
    assert.match(message ?? '', /src\/base\/a\.ts → src\/base\/b\.ts → src\/base\/a\.ts/)
  })

  it('are found through doors', () => {
    const [message] = messages({
      'src/base/index.ts': `export * from './a.ts'`,
      'src/base/a.ts': `import '#api'`,
      'src/api/index.ts': `import '#base'`,
    })
    assert.match(message ?? '', /src\/api\/index\.ts → src\/base\/index\.ts → src\/base\/a\.ts → src\/api\/index\.ts/)
  })

  it('are found where a file imports itself', () => {
    assert.match(messages({ 'src/base/a.ts': `import './a.ts'` })[0] ?? '', /a\.ts → src\/base\/a\.ts/)
  })

  it('are told once for each group of files', () => {
    const found = messages({
      'src/base/a.ts': `import './b.ts'`,
      'src/base/b.ts': `import './a.ts'; import './c.ts'`,
      'src/base/c.ts': `import './b.ts'; import './x.ts'`,
      'src/base/x.ts': `import './y.ts'`,
      'src/base/y.ts': `import './x.ts'`,
    })
    assert.equal(found.length, 2)
    assert.match(found.find((message) => message.includes('a.ts')) ?? '', /and 1 more files/)
  })

  it('do not end in a stack overflow on long chains', () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => [`f${at}`, [`f${at + 1}`]] as const)
    assert.ok(stronglyConnected(new Map(chain)).every((group) => group.length === 1))
    const ring = new Map([...chain, ['f20000', ['f0']] as const])
    assert.deepEqual(
      stronglyConnected(ring).map((group) => group.length),
      [20_001],
    )
  })
})
