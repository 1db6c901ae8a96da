import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openInside } from './sub-path.ts'

describe('a subPath', () => {
  let outside: string
  let root: string
  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), 'outside-'))
    root = join(outside, 'volume')
    mkdirSync(join(root, 'a/b'), { recursive: true })
    writeFileSync(join(root, 'a/file'), 'inside')
    writeFileSync(join(outside, 'secret'), 'outside')
  })
  afterEach(() => rmSync(outside, { recursive: true, force: true }))

  const opened = async (path: string, create = true): Promise<string> => {
    await using handle = await openInside(root, path, create ? { mode: 0o750 } : undefined)
    // Awaited here: the handle is closed on the way out.
    return await readlink(`/proc/self/fd/${handle.fd}`)
  }

  test('opens what is there', async () => assert.equal(await opened('a/b'), join(root, 'a/b')))
  test('makes directories that are missing', async () => assert.equal(await opened('a/new/deep'), join(root, 'a/new/deep')))
  test('makes nothing in a volume that is read-only', async () => assert.rejects(opened('a/new', false)))
  test('follows a link inside the volume', async () => {
    symlinkSync('b', join(root, 'a/link'))
    assert.equal(await opened('a/link'), join(root, 'a/b'))
  })
  const escapes: readonly [what: string, target: string][] = [
    ['an absolute link', '/'],
    ['a link upwards', '../../..'],
    ['a link to a file outside', '../../secret'],
    ['a link to the node', '/etc'],
  ]
  for (const [what, target] of escapes) {
    test(`${what} ends inside the volume`, async () => {
      symlinkSync(target, join(root, 'a/escape'))
      const found = await opened('a/escape')
      assert.ok(found === root || found.startsWith(`${root}/`), found)
    })
  }
  test('an escape in the middle is taken inside the volume, too', async () => {
    symlinkSync('../..', join(root, 'a/up'))
    const found = await opened('a/up/secret')
    assert.equal(found, join(root, 'secret'))
    assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'outside')
  })
  test('refuses loops of links', async () => {
    symlinkSync('y', join(root, 'x'))
    symlinkSync('x', join(root, 'y'))
    await assert.rejects(opened('x'), /too many links/)
  })
  for (const path of ['../secret', 'a/../../secret', '/etc/passwd'])
    test(`refuses ${path}`, async () => assert.rejects(opened(path), /must stay inside/))
})
