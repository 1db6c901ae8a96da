import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, lstatSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { rounds } from '#testing/basics'
import { giveToGroup } from './ownership.ts'

const GROUP = 4711
const asRoot = { skip: process.getuid?.() === 0 ? false : 'only root gives files away' }

describe('a volume that is given to a group', asRoot, () => {
  let dir: string
  let volume: string
  let outside: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'owner-'))
    volume = join(dir, 'volume')
    outside = join(dir, 'outside')
    mkdirSync(join(volume, 'sub'), { recursive: true })
    mkdirSync(outside)
    writeFileSync(join(volume, 'sub/file'), '', { mode: 0o600 })
    writeFileSync(join(outside, 'file'), '', { mode: 0o600 })
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))
  const what = (path: string): readonly [group: number, mode: string] => {
    const { gid, mode } = statSync(path)
    return [gid, (mode & 0o7777).toString(8)]
  }

  test('is its at every depth, and what is made in it will be', async () => {
    await giveToGroup(volume, GROUP, undefined)
    assert.deepEqual(what(join(volume, 'sub/file')), [GROUP, '660'])
    assert.deepEqual(what(join(volume, 'sub')), [GROUP, '2775'])
    assert.deepEqual(what(volume), [GROUP, '2775'])
  })

  test('is left alone when its top is right and that is enough', async () => {
    await giveToGroup(volume, GROUP, undefined)
    writeFileSync(join(volume, 'late'), '', { mode: 0o600 })
    await giveToGroup(volume, GROUP + 1, 'Always')
    assert.equal(what(join(volume, 'late'))[0], GROUP + 1)
    writeFileSync(join(volume, 'later'), '', { mode: 0o600 })
    await giveToGroup(volume, GROUP + 1, 'OnRootMismatch')
    assert.equal(what(join(volume, 'later'))[1], '600')
  })

  test('has links that are given themselves, not what they lead to', async () => {
    symlinkSync(join(outside, 'file'), join(volume, 'to-file'))
    symlinkSync(outside, join(volume, 'to-folder'))
    const before = what(join(outside, 'file'))
    await giveToGroup(volume, GROUP, undefined)
    assert.equal(lstatSync(join(volume, 'to-file')).gid, GROUP)
    assert.deepEqual(what(join(outside, 'file')), before)
    assert.notEqual(what(outside)[0], GROUP)
  })

  test('gives nothing outside away while a pod exchanges its folders for links', async () => {
    const before = [what(outside), what(join(outside, 'file'))]
    symlinkSync(outside, join(volume, 'link'))
    let isOver = false
    const exchange = (async () => {
      while (!isOver)
        for (const [from, to] of [
          ['sub', 'aside'],
          ['link', 'sub'],
          ['sub', 'link'],
          ['aside', 'sub'],
        ] as const)
          await rename(join(volume, from), join(volume, to))
    })()
    for (let run = 0; run < rounds(200); run++) await giveToGroup(volume, GROUP, 'Always')
    isOver = true
    await exchange
    assert.deepEqual([what(outside), what(join(outside, 'file'))], before)
  })

  test('is refused when its folders lie too deep for all of them to be open', async () => {
    let deep = volume
    for (let at = 0; at < 600; at++) deep = join(deep, 'd')
    mkdirSync(deep, { recursive: true })
    await assert.rejects(giveToGroup(volume, GROUP, undefined), { message: /more than 512 deep/ })
  })
})
