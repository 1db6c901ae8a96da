import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fixtureTree } from '../deps/fixture-tree.fixture.ts'
import type { Row } from '../deps/rules.ts'
import { architectureRows, checkArchitectureTable } from './architecture-table.ts'
import { readCatalogues } from './catalogues.ts'
import { pathsOf } from './named-paths.ts'
import { checkNamedTests } from './named-tests.ts'
import { checkReference, checkUnique, checkVerdicts } from './reference.ts'

const paths = (text: string): string[] => pathsOf({ path: 'docs/page.md', text }).map(({ path }) => path)

describe('paths that a page names', () => {
  it('are those in backticks that start at the root', () => {
    assert.deepEqual(paths('see `src/base/scope.ts`, `README.md` and `package.json`'), ['src/base/scope.ts', 'README.md', 'package.json'])
  })
  it('end before a placeholder or a line number', () => {
    assert.deepEqual(paths('`src/api/groups/<group>/<kind>.ts`, `src/*/index.ts`, `src/base/scope.ts:12`'), [
      'src/api/groups',
      'src',
      'src/base/scope.ts',
    ])
  })
  it('are relative to the page in links', () => {
    assert.deepEqual(paths('[a](reference/errors.md#top), [b](../README.md), [c](https://example.org/x)'), [
      'docs/reference/errors.md',
      'README.md',
    ])
  })
  it('are not everything in backticks', () => {
    assert.deepEqual(paths('`/api/v1/pods`, `#base`, `kubectl get pods`, `application/json`, `metadata.name`'), [])
  })
})

describe('catalogues', () => {
  it('hold the codes of error classes, the flags of commands and the names of metrics', () => {
    const { errors, flags, metrics } = readCatalogues(
      fixtureTree({
        'src/store/errors.ts': `class A extends SampanError { readonly code = 'A_CODE' }\nabstract class B { abstract readonly code: string }`,
        'src/cli/up.ts': `command.option('-n, --nodes <count>', 'x').requiredOption('--state-dir <dir>').addOption(new Option('--fast'))`,
        'src/apiserver/flow.ts': `metrics.counter({ name: 'requests_total', help: 'Requests.' }); f({ name: 'no metric' })`,
        'src/store/a.test.ts': `class T { readonly code = 'TEST' }`,
      }),
    )
    assert.deepEqual(errors, [{ name: 'A_CODE', file: 'src/store/errors.ts', line: 1 }])
    assert.deepEqual(flags.map(({ name }) => name).toSorted(), ['--fast', '--nodes', '--state-dir'])
    assert.deepEqual(
      metrics.map(({ name }) => name),
      ['requests_total'],
    )
  })
})

describe('reference pages', () => {
  const page = { path: 'docs/reference/errors.md', text: '| code | meaning |\n| --- | --- |\n| `A` | a |\n| `B` | b |\n' }

  it('list all that the code defines', () => {
    const [problem, ...more] = checkReference(page, [
      { name: 'A', file: 'a.ts', line: 1 },
      { name: 'B', file: 'a.ts', line: 2 },
      { name: 'C', file: 'a.ts', line: 3 },
    ])
    assert.deepEqual([problem?.file, problem?.line, more], ['a.ts', 3, []])
  })
  it('list nothing that the code does not define', () => {
    const [problem, ...more] = checkReference(page, [{ name: 'A', file: 'a.ts', line: 1 }])
    assert.deepEqual([problem?.file, problem?.line, more], [page.path, 4, []])
  })
  it('have one definition for each code', () => {
    const a = { name: 'A', file: 'a.ts', line: 1 }
    assert.deepEqual(checkUnique([a, { ...a, name: 'B' }]), [])
    assert.deepEqual(
      checkUnique([a, { ...a, file: 'b.ts' }]).map(({ file }) => file),
      ['b.ts'],
    )
  })
  it('give one of the verdicts and a reason', () => {
    const verdicts = (row: string): number =>
      checkVerdicts({ path: 'v.md', text: `| what | verdict | why |\n| --- | --- | --- |\n${row}\n` }).length
    assert.equal(verdicts('| `a` | refused | no gitRepo volumes |'), 0)
    assert.equal(verdicts('| `a` | maybe | x |'), 1)
    assert.equal(verdicts('| `a` | refused | |'), 1)
  })
})

describe('the table of ARCHITECTURE.md', () => {
  const row = (name: string): Row => ({ name, layer: 0, may: [], not: 'x', npm: [], node: [] })
  const rows = [row('one'), row('two')]
  const page = (lines: readonly string[]) => ({ path: 'ARCHITECTURE.md', text: ['| component |', '| --- |', ...lines, ''].join('\n') })

  it('says what the rules say', () => {
    assert.deepEqual(checkArchitectureTable(page(architectureRows(rows)), rows), [])
  })
  it('is refused where a row differs, is missing, or there is no table', () => {
    assert.equal(checkArchitectureTable(page(architectureRows([row('one'), { ...row('two'), layer: 1 }])), rows).length, 1)
    assert.equal(checkArchitectureTable(page(architectureRows([row('one')])), rows).length, 1)
    assert.equal(checkArchitectureTable({ path: 'ARCHITECTURE.md', text: '' }, rows).length, 1)
  })
})

describe('tests that a page names', () => {
  const check = (row: string): string[] =>
    checkNamedTests('', { path: 'p.md', text: `| weakness | tests |\n| --- | --- |\n${row}\n` }, () => "test('a node is dialled', …)").map(
      ({ message }) => message,
    )

  it('are in their files', () => {
    assert.deepEqual(check('| a | `a.test.ts`: "a node is dialled", "is dialled" |'), [])
    assert.deepEqual(check('| a | `a.test.ts`: "gone"; `b.test.ts`: "a node" |'), ['names a test "gone", which is not in a.test.ts'])
    assert.deepEqual(check('| a | some day |'), ['names no test'])
  })
})
