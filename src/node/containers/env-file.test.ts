import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { propertyRuns } from '#testing/basics'
import type { NodeSettings } from '../settings.ts'
import { testPod } from '../testing/node-harness.fixture.ts'
import { fileValue, valueInEnvFile } from './env-file.ts'

describe('a file of variables', () => {
  const text = "# first\n\n  A='1'\nB='two\nlines' # said\nC= 'blank'\nD='it is # not'\t\nLAST='x'"
  for (const [key, value] of Object.entries({ A: '1', B: 'two\nlines', C: '', D: 'it is # not', LAST: 'x', NONE: '' }))
    test(`${key} is ${JSON.stringify(value)}`, () => assert.equal(valueInEnvFile(text, key), value))

  const wrong: readonly [text: string, message: string][] = [
    ['A', "at line 1: missing '='"],
    ["\n ='x'", 'at line 2: empty variable name'],
    ["A ='x'", "at line 1: whitespace before '=' is not allowed"],
    ['A="x"', 'at line 1: value must be enclosed in single quotes'],
    ['A=', 'at line 1: value must be enclosed in single quotes'],
    ["A='x' y", 'at line 1: unexpected content after closing quote'],
    ["B='1'\nA='x\ny", 'starting at line 2: unclosed single quote'],
  ]
  for (const [bad, message] of wrong)
    test(`is refused: ${JSON.stringify(bad)}`, () =>
      assert.throws(() => valueInEnvFile(bad, 'A'), { message: `invalid environment variable format ${message}` }))

  test('what stands behind the value is not looked at', () => assert.equal(valueInEnvFile("A='x'\nnonsense", 'A'), 'x'))

  test('what was written is read', () => {
    const name = fc.stringMatching(/^[A-Z_]{1,8}$/)
    const value = fc.string({ unit: fc.constantFrom('a', ' ', '=', '#', '\n', '"', '$', '\\') })
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key }), (pairs) => {
        const file = pairs.map(([key, given]) => `${key}='${given}'\n`).join('')
        for (const [key, given] of pairs) assert.equal(valueInEnvFile(file, key), given)
      }),
      propertyRuns(100),
    )
  })
})

describe('a variable from a file in an emptyDir', () => {
  const podsDir = mkdtempSync(join(tmpdir(), 'env-file-'))
  const pod = testPod('writer', { containers: [], volumes: [{ name: 'config', emptyDir: {} }] })
  const dir = join(podsDir, 'uid-writer', 'volumes', 'kubernetes.io~empty-dir', 'config')
  const read = (path: string, key = 'A', optional = false): Promise<string | undefined> =>
    fileValue(pod, { podsDir } as NodeSettings, { volumeName: 'config', path, key, optional })

  test('is read as long as it is a file of a bearable size inside the volume', async () => {
    try {
      mkdirSync(dir, { recursive: true })
      writeFileSync(join(dir, 'env'), "A='1'\n")
      assert.equal(await read('env'), '1')
      assert.equal(await read('env', 'NONE', true), undefined)
      await assert.rejects(read('env', 'NONE'), { reason: 'CreateContainerConfigError', message: /key "NONE" not found in file/ })
      await assert.rejects(read('none', 'A', true), /couldn't parse env file/)

      writeFileSync(join(podsDir, 'secret'), "A='stolen'\n")
      symlinkSync(join(podsDir, 'secret'), join(dir, 'link'))
      await assert.rejects(read('link'), /couldn't parse env file/)
      await assert.rejects(read('../../../../secret'), /must stay inside its volume/)
      mkdirSync(join(dir, 'folder'))
      await assert.rejects(read('folder'), /is not a file/)
      truncateSync(join(dir, 'env'), 2 ** 21)
      await assert.rejects(read('env'), /has more than/)
    } finally {
      rmSync(podsDir, { recursive: true, force: true })
    }
  })
})
