import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { writeAtomically } from './atomic-writer.ts'
import type { Payload } from './payload.ts'

describe('writing a volume at once', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'volume-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))
  const payload = (files: Record<string, string>, mode = 0o644): Payload =>
    new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]))
  const visible = (): string[] => readdirSync(dir).filter((name) => !name.startsWith('..'))

  test('shows files through one link', async () => {
    assert.equal(await writeAtomically(dir, payload({ a: '1', 'sub/b': '2' }), 'one', undefined), true)
    assert.deepEqual(visible(), ['a', 'sub'])
    assert.equal(readFileSync(join(dir, 'a'), 'utf8'), '1')
    assert.equal(readFileSync(join(dir, 'sub/b'), 'utf8'), '2')
    assert.equal(readlinkSync(join(dir, '..data')), '..one')
    assert.equal(readlinkSync(join(dir, 'a')), '..data/a')
  })
  test('writes nothing when nothing changed', async () => {
    await writeAtomically(dir, payload({ a: '1' }), 'one', undefined)
    assert.equal(await writeAtomically(dir, payload({ a: '1' }), 'two', undefined), false)
    assert.equal(readlinkSync(join(dir, '..data')), '..one')
  })
  test('changes, adds and removes, and leaves no old state', async () => {
    await writeAtomically(dir, payload({ a: '1', gone: 'x' }), 'one', undefined)
    assert.equal(await writeAtomically(dir, payload({ a: '2', b: '3' }), 'two', undefined), true)
    assert.deepEqual(visible(), ['a', 'b'])
    assert.equal(readFileSync(join(dir, 'a'), 'utf8'), '2')
    assert.equal(existsSync(join(dir, '..one')), false)
  })
  test('gives files their modes whatever the umask, and a group what it needs to read', async () => {
    await writeAtomically(dir, payload({ a: '1' }, 0o400), 'one', undefined)
    assert.equal(statSync(join(dir, 'a')).mode & 0o777, 0o400)
    await writeAtomically(dir, payload({ a: '2' }, 0o400), 'two', process.getgid?.() ?? 0)
    assert.equal(statSync(join(dir, 'a')).mode & 0o777, 0o440)
  })
  test('finishes what a crash has left', async () => {
    mkdirSync(join(dir, '..half'))
    symlinkSync('..half', join(dir, '..data_tmp'))
    await writeAtomically(dir, payload({ a: '1' }), 'one', undefined)
    assert.deepEqual(readdirSync(dir).sort(), ['..data', '..one', 'a'])
  })
  test('does not follow a link that stands for the volume', async () => {
    const target = mkdtempSync(join(tmpdir(), 'target-'))
    writeFileSync(join(target, 'precious'), '')
    symlinkSync(target, join(dir, 'link'))
    await assert.rejects(writeAtomically(join(dir, 'link'), payload({ a: '1' }), 'one', undefined))
    assert.deepEqual(readdirSync(target), ['precious'])
    assert.ok(lstatSync(join(dir, 'link')).isSymbolicLink())
    rmSync(target, { recursive: true })
  })
})
