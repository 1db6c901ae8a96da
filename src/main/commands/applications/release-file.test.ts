import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '#base'
import { releaseIn } from './release-file.ts'

const inFile = <T>(text: string, use: (file: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-release-'))
  const file = join(folder, 'release.yaml')
  try {
    writeFileSync(file, text)
    return use(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
const RELEASE = 'apiVersion: delivery.sampan.io/v1alpha1\nkind: Release\nmetadata: { name: r }\nspec: { deployment: d }\n'

test('a release is read from its file, comments and all', () => {
  const { metadata, spec } = inFile(`# What it is for.\n---\n${RELEASE}`, releaseIn)
  assert.deepEqual([metadata, spec], [{ name: 'r' }, { deployment: 'd' }])
})

test('a file that holds no release, several, or something else is told by its name', () => {
  for (const [text, reason] of [
    ['', /release\.yaml holds 0 objects/],
    [`${RELEASE}---\n${RELEASE}`, /holds 2 objects/],
    ['apiVersion: apps/v1\nkind: Deployment\n', /holds a Deployment of apps\/v1/],
    ['a: [', /release\.yaml: /],
  ] as const)
    assert.throws(
      () => inFile(text, releaseIn),
      (error: unknown) => error instanceof UserError && reason.test(error.message),
    )
  assert.throws(() => releaseIn('/nowhere/release.yaml'), UserError)
})
