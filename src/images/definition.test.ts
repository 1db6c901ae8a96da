import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { readImageDefinitions } from './definition.ts'

const folder = mkdtempSync(join(tmpdir(), 'sampan-definition-'))
after(() => rmSync(folder, { recursive: true }))

function read(image: object): ReturnType<typeof readImageDefinitions> {
  const file = join(folder, 'images.json')
  writeFileSync(
    file,
    JSON.stringify({ images: [{ name: 'sampan.local/a:1', layers: [{ kind: 'pause' }], entrypoint: ['/pause'], ...image }] }),
  )
  return readImageDefinitions(file)
}

describe('image definitions', () => {
  test('paths are relative to the file', () => {
    const [image] = read({ layers: [{ kind: 'files', from: 'app', to: '/app', exclude: ['.test.ts'] }] })
    assert.deepEqual(image?.layers, [{ kind: 'files', from: join(folder, 'app'), to: '/app', exclude: ['.test.ts'] }])
  })

  const refused: readonly (readonly [object, RegExp])[] = [
    [{ colour: 'red' }, /images\[0\] has an unknown field colour/],
    [{ name: 'shop' }, /images\[0\]\.name is "shop"/],
    [{ name: 'shop:1' }, /images\[0\]\.name is "shop:1"/],
    [{ user: 'root' }, /images\[0\]\.user is "root"/],
    [{ workdir: 'app' }, /images\[0\]\.workdir is "app"/],
    [{ ports: ['http'] }, /images\[0\]\.ports is "http"/],
    [{ env: { A: 1 } }, /images\[0\]\.env\.A is 1/],
    [{ entrypoint: [] }, /images\[0\]\.entrypoint must be a list with something in it/],
    [{ layers: [{ kind: 'alpine' }] }, /layers\[0\]\.kind is "alpine"/],
    [{ layers: [{ kind: 'node', version: 20 }] }, /layers\[0\] has an unknown field version/],
    [{ layers: [{ kind: 'debian', packages: ['--force-yes'], programs: ['/bin/a'] }] }, /packages is "--force-yes"/],
  ]
  for (const [image, message] of refused) test(`refuses ${JSON.stringify(image)}`, () => assert.throws(() => read(image), message))
})
