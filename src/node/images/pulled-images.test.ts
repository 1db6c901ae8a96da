import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { rootScope } from '#base'
import { SavedFile } from '../saved-file.ts'
import { type PullSecret, credentialsFor } from './credentials.ts'
import { PulledImages } from './pulled-images.ts'

const IMAGE = 'reg.example/team/app:1'

function secrets(name: string, password: string, uid = `uid-${name}`, namespace = 'a'): readonly PullSecret[] {
  const auths = { 'reg.example': { username: 'u', password } }
  const data = { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') }
  return credentialsFor(IMAGE, [{ metadata: { name, namespace, uid }, type: 'kubernetes.io/dockerconfigjson', data }])
}

describe('an image that is there', () => {
  let dir: string
  let path: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'pulls-'))
    path = join(dir, 'pulled.json')
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))
  const open = (): PulledImages => new PulledImages(new SavedFile(path))
  const pulled = async (image: string, used: PullSecret | undefined, images = open()): Promise<PulledImages> => {
    using scope = rootScope()
    await images.begin(image)
    await images.done(scope, image, 'sha256:1', used, ['sha256:1'])
    return images
  }
  const [used] = secrets('mine', 'secret')

  test("is everybody's when this node has not pulled it, or nobody had to log in", async () => {
    assert.equal(await open().mustPull(IMAGE, 'sha256:1', []), false)
    const images = await pulled(IMAGE, undefined)
    assert.equal(await images.mustPull(IMAGE, 'sha256:1', []), false)
    assert.equal(await images.mustPull('reg.example/team/app@sha256:aa', 'sha256:1', []), false)
  })

  test('is for who has the Secret that it was pulled with, or one that says the same; also after a start', async () => {
    await pulled(IMAGE, used)
    for (const [what, of, must] of [
      ['no Secret', [], true],
      ['the Secret', secrets('mine', 'secret'), false],
      ['another that says the same', secrets('theirs', 'secret', 'uid-2', 'b'), false],
      ['another that says something else', secrets('theirs', 'guess', 'uid-3', 'b'), true],
      ['another of that name', secrets('mine', 'guess', 'uid-4'), true],
      ['it, with another word by now', secrets('mine', 'new'), false],
    ] as const)
      assert.equal(await open().mustPull(IMAGE, 'sha256:1', of), must, what)
    assert.equal(
      await open().mustPull('other.example/app:1', 'sha256:1', secrets('mine', 'secret')),
      true,
      'under a name that nobody has pulled',
    )
  })

  test('is open to a Secret that has been seen to fit, when that one says something else later', async () => {
    const images = await pulled(IMAGE, used)
    assert.equal(await images.mustPull(IMAGE, 'sha256:1', secrets('theirs', 'secret', 'uid-2', 'b')), false)
    assert.equal(await images.mustPull(IMAGE, 'sha256:1', secrets('theirs', 'changed', 'uid-2', 'b')), false)
  })

  test("is nobody's when it was being pulled as the agent died", async () => {
    await open().begin(IMAGE)
    assert.equal(await open().mustPull(IMAGE, 'sha256:1', []), true)
    const images = open()
    assert.equal(await images.mustPull(IMAGE, 'sha256:1', []), true)
    await images.failed(IMAGE)
    assert.equal(await open().mustPull(IMAGE, 'sha256:1', []), false)
  })

  test('is forgotten when it is gone', async () => {
    using scope = rootScope()
    const images = await pulled(IMAGE, used)
    await images.begin('b')
    await images.done(scope, 'b', 'sha256:2', undefined, ['sha256:2'])
    assert.equal(await open().mustPull(IMAGE, 'sha256:1', []), false)
  })
})
