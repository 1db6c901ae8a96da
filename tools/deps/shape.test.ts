import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fixtureTree } from './fixture-tree.fixture.ts'
import { SIZES } from './rules.ts'
import { checkShape } from './shape.ts'

const lines = (count: number): string => '// line\n'.repeat(count)
const levels = (files: Readonly<Record<string, string>>): string[] =>
  checkShape(fixtureTree(files)).map(({ level, file }) => `${level} ${file}`)

describe('sizes and names', () => {
  it('warn about long files and refuse very long ones', () => {
    assert.deepEqual(levels({ 'src/base/a.ts': lines(SIZES.warnLines) }), [])
    assert.deepEqual(levels({ 'src/base/a.ts': lines(SIZES.warnLines + 1) }), ['warning src/base/a.ts'])
    assert.deepEqual(levels({ 'src/base/a.ts': lines(SIZES.maxLines) }), ['warning src/base/a.ts'])
    assert.deepEqual(levels({ 'src/base/a.ts': lines(SIZES.maxLines + 1) }), ['error src/base/a.ts'])
  })

  it('leave generated files and tests alone', () => {
    assert.deepEqual(levels({ 'src/base/a.gen.ts': lines(1000), 'src/base/a.test.ts': lines(1000), 'testing/a.ts': lines(1000) }), [])
  })

  it('warn about folders with many files, not counting tests', () => {
    const files = (count: number, ending: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`src/base/f${at}${ending}`, '']))
    assert.deepEqual(levels({ ...files(SIZES.warnFilesInFolder, '.ts'), ...files(10, '.test.ts') }), [])
    assert.deepEqual(levels(files(SIZES.warnFilesInFolder + 1, '.ts')), ['warning src/base'])
  })

  it('refuse names that are not kebab-case or say nothing', () => {
    assert.deepEqual(
      levels({ 'src/base/keyIndex.ts': '', 'src/base/utils.ts': '', 'src/base/common/a.ts': '', 'src/base/key-index.gen.ts': '' }),
      ['error src/base/keyIndex.ts', 'error src/base/utils.ts', 'error src/base/common/a.ts'],
    )
  })
})
