import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fixtureTree } from './fixture-tree.fixture.ts'
import { checkImports } from './imports.ts'

/** One file with one import, and what the complaint says (nothing: it is allowed). */
const cases: readonly { readonly rule: string; readonly path: string; readonly text: string; readonly complaint?: RegExp }[] = [
  { rule: 'a row names the door', path: 'src/apiserver/a.ts', text: `import { x } from '#store'` },
  {
    rule: 'a row does not name the door',
    path: 'src/apiserver/a.ts',
    text: `import { x } from '#client'`,
    complaint: /apiserver may import .*#store.*on purpose not: .*client.*row 'apiserver'/,
  },
  { rule: 'export from', path: 'src/store/a.ts', text: `export { x } from '#api'`, complaint: /store may import #base/ },
  { rule: 'export all', path: 'src/store/a.ts', text: `export * from '#api'`, complaint: /store may import #base/ },
  { rule: 'import()', path: 'src/store/a.ts', text: `const x = await import('#api')`, complaint: /store may import #base/ },
  {
    rule: 'computed import()',
    path: 'src/store/a.ts',
    text: 'const x = await import(`#${name}`)',
    complaint: /only a literal can be checked/,
  },
  { rule: 'import type', path: 'src/store/a.ts', text: `import type { X } from '#api'`, complaint: /store may import #base/ },
  { rule: 'inline type import', path: 'src/store/a.ts', text: `import { type X } from '#api'`, complaint: /store may import #base/ },
  { rule: 'type query', path: 'src/store/a.ts', text: `type X = import('#api').Y`, complaint: /store may import #base/ },
  { rule: 'require', path: 'src/store/a.ts', text: `const x = require('yaml')`, complaint: /use import/ },
  { rule: 'import equals', path: 'src/store/a.ts', text: `import x = require('yaml')`, complaint: /use import/ },
  {
    rule: 'past a door',
    path: 'src/node/a.ts',
    text: `import { x } from '#base/scope'`,
    complaint: /goes past the door: '#base' is the only way in/,
  },
  { rule: 'no such door', path: 'src/node/a.ts', text: `import { x } from '#nowhere'`, complaint: /no such door/ },
  { rule: 'its own door', path: 'src/base/a.ts', text: `import { x } from '#base'`, complaint: /does not come in by its own door/ },
  { rule: 'only the pure door for api', path: 'src/api/a.ts', text: `import { x } from '#base'`, complaint: /api may import #base\/pure/ },
  { rule: 'relative inside', path: 'src/node/cri/a.ts', text: `import { x } from '../pods/b.ts'` },
  { rule: 'relative outside', path: 'src/node/a.ts', text: `import { x } from '../base/scope.ts'`, complaint: /leaves node: .*'#base'/ },
  {
    rule: 'data of another component',
    path: 'src/node/a.ts',
    text: `import x from '../api/facts.json' with { type: 'json' }`,
    complaint: /leaves node/,
  },
  {
    rule: 'asset of another component',
    path: 'src/node/a.ts',
    text: `const x = new URL('../api/facts.bin', import.meta.url)`,
    complaint: /leaves node/,
  },
  { rule: 'asset of its own', path: 'src/node/a.ts', text: `const x = new URL('./pause.bin', import.meta.url)` },
  { rule: 'no ending', path: 'src/node/a.ts', text: `import { x } from './b'`, complaint: /with its ending/ },
  {
    rule: 'test code from product code',
    path: 'src/node/a.ts',
    text: `import { x } from './b.fixture.ts'`,
    complaint: /does not import test code/,
  },
  {
    rule: 'controllers apart',
    path: 'src/controllers/job/a.ts',
    text: `import { x } from '../cronjob/index.ts'`,
    complaint: /controllers do not know each other/,
  },
  {
    rule: 'controllers apart, by the list',
    path: 'src/controllers/job/a.ts',
    text: `import { x } from '#controllers'`,
    complaint: /controllers\/job may import/,
  },
  { rule: 'the list of controllers', path: 'src/controllers/index.ts', text: `export { job } from './job/index.ts'` },
  {
    rule: 'the list goes by doors',
    path: 'src/controllers/index.ts',
    text: `export { job } from './job/plan.ts'`,
    complaint: /leaves controllers/,
  },
  {
    rule: 'a file beside the controllers',
    path: 'src/controllers/pods.ts',
    text: 'export const x = 1',
    complaint: /lies beside the controllers/,
  },
  {
    rule: 'a shared folder of controllers',
    path: 'src/controllers/shared/pods.ts',
    text: 'export const x = 1',
    complaint: /shared folder/,
  },
  { rule: 'a folder without a row', path: 'src/novelty/a.ts', text: 'export const x = 1', complaint: /lies in no component/ },
  { rule: 'a file outside every component', path: 'src/a.ts', text: 'export const x = 1', complaint: /lies in no component/ },
  { rule: 'node: module allowed', path: 'src/store/a.ts', text: `import { DatabaseSync } from 'node:sqlite'` },
  {
    rule: 'node: module not allowed',
    path: 'src/node/a.ts',
    text: `import { DatabaseSync } from 'node:sqlite'`,
    complaint: /node may not use node:sqlite/,
  },
  {
    rule: 'node: types in api',
    path: 'src/api/a.ts',
    text: `import type { Duplex } from 'node:stream'`,
    complaint: /api may use no node: module/,
  },
  { rule: 'node: left out', path: 'src/store/a.ts', text: `import fs from 'fs'`, complaint: /write 'node:fs'/ },
  { rule: 'package allowed', path: 'src/base/a.ts', text: `import yaml from 'yaml'` },
  { rule: 'package not allowed', path: 'src/api/a.ts', text: `import yaml from 'yaml'`, complaint: /api may use re2js/ },
  { rule: 'part of a scoped package', path: 'src/store/a.ts', text: `import x from '@connectrpc/connect/protocol'` },
  { rule: 'unknown package', path: 'src/base/a.ts', text: `import x from 'left-pad'`, complaint: /package\.json does not name/ },
  { rule: 'absolute', path: 'src/base/a.ts', text: `import x from '/etc/x.ts'`, complaint: /absolute/ },
  {
    rule: 'testing from product code',
    path: 'src/node/a.ts',
    text: `import { x } from '#testing'`,
    complaint: /only tests import testing/,
  },
  { rule: 'testing from a unit test', path: 'src/node/a.test.ts', text: `import { x } from '#testing'` },
  {
    rule: 'another component from a unit test',
    path: 'src/node/a.test.ts',
    text: `import { x } from '#apiserver'`,
    complaint: /a test that crosses components belongs to test/,
  },
  {
    rule: 'packages and node: in a unit test',
    path: 'src/api/a.test.ts',
    text: `import fc from 'fast-check'; import { it } from 'node:test'`,
  },
  { rule: 'every door from test', path: 'test/e2e/a.test.ts', text: `import { x } from '#apiserver'; import { y } from '#node'` },
  { rule: 'files of src from test', path: 'test/e2e/a.test.ts', text: `import { x } from '../../src/node/a.ts'`, complaint: /leaves test/ },
  { rule: 'files of src from a generator', path: 'tools/gen/a.ts', text: `import { x } from '../../src/api/a.ts'` },
  {
    rule: 'ours from an example',
    path: 'examples/app/a.ts',
    text: `import { x } from '#client'`,
    complaint: /examples may import nothing of ours/,
  },
]

describe('the import table', () => {
  for (const { rule, path, text, complaint } of cases) {
    it(`${complaint === undefined ? 'allows' : 'refuses'}: ${rule}`, () => {
      const messages = checkImports(fixtureTree({ [path]: text })).map(({ message }) => message)
      if (complaint === undefined) assert.deepEqual(messages, [])
      else {
        assert.equal(messages.length, 1, messages.join('\n'))
        assert.match(messages[0] ?? '', complaint)
      }
    })
  }

  it('tells the file, the line and the import', () => {
    const [problem] = checkImports(fixtureTree({ 'src/store/a.ts': `\n\nimport { x } from '#api'` }))
    assert.deepEqual([problem?.file, problem?.line, problem?.level], ['src/store/a.ts', 3, 'error'])
    assert.match(problem?.message ?? '', /^imports '#api': /)
  })

  it('follows a pure door to the file that needs Node', () => {
    const tree = fixtureTree({
      'src/base/pure.ts': `export { a } from './a.ts'`,
      'src/base/a.ts': `import { b } from './b.ts'`,
      'src/base/b.ts': `import { c } from 'node:crypto'`,
      'src/base/not-reached.ts': `import { c } from 'node:crypto'`,
    })
    assert.deepEqual(
      checkImports(tree).map(({ file, line }) => [file, line]),
      [['src/base/b.ts', 1]],
    )
  })
})
