import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { hostsPathOf, keepHostsFile } from './hosts-file.ts'

describe('the hosts file of a pod', () => {
  let dir: string
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'hosts-'))))
  afterEach(() => rmSync(dir, { recursive: true, force: true }))
  const kept = async (text: string): Promise<string> => {
    await keepHostsFile(hostsPathOf(dir), text)
    return readFileSync(hostsPathOf(dir), 'utf8')
  }

  test('is the same file when its text changes: it is mounted', async () => {
    await kept('10.0.0.1\tweb\n')
    const { ino } = statSync(hostsPathOf(dir))
    assert.equal(await kept('10.0.0.2\tweb\n'), '10.0.0.2\tweb\n')
    assert.equal(statSync(hostsPathOf(dir)).ino, ino)
  })

  test('is mended when a container has changed it', async () => {
    await kept('10.0.0.1\tweb\n')
    writeFileSync(hostsPathOf(dir), '10.0.0.9\tweb\n')
    assert.equal(await kept('10.0.0.1\tweb\n'), '10.0.0.1\tweb\n')
  })

  test('is not read when a container has made it huge', async () => {
    writeFileSync(hostsPathOf(dir), '')
    // More than a string can hold: reading it would fail.
    truncateSync(hostsPathOf(dir), 2 ** 40)
    assert.equal(await kept('10.0.0.1\tweb\n'), '10.0.0.1\tweb\n')
  })
})
