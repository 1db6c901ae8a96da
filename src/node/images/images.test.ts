import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { core } from '#api'
import type { Image } from '../cri/runtime.ts'
import { credentialsFor, registryOf } from './credentials.ts'
import { type ImageUse, planCollection } from './image-collector.ts'

const secret = (auths: Record<string, object>): core.Secret => ({
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
})
const login = (user: string): object => ({ auth: Buffer.from(`${user}:p:w`).toString('base64') })

describe('credentials for an image', () => {
  const cases: readonly [image: string, auths: Record<string, object>, users: readonly string[]][] = [
    ['nginx', { 'https://index.docker.io/v1/': login('hub') }, ['hub']],
    [
      'reg.example:5000/team/app',
      { 'reg.example:5000': login('all'), 'reg.example:5000/team': login('team'), 'other.example': login('no') },
      ['team', 'all'],
    ],
    ['a.reg.example/app', { '*.reg.example': login('star') }, ['star']],
    ['reg.example/app', { '*.reg.example': login('star') }, []],
  ]
  for (const [image, auths, users] of cases)
    test(image, () =>
      assert.deepEqual(
        credentialsFor(image, [secret(auths)]).map(({ credentials }) => credentials.username),
        users,
      ),
    )
  test('a password may have colons', () =>
    assert.equal(credentialsFor('nginx', [secret({ 'docker.io': login('x') })])[0]?.credentials.password, 'p:w'))
  test('a broken secret has none', () =>
    assert.deepEqual(credentialsFor('nginx', [{ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': '!!' } }]), []))
  test('registries', () =>
    assert.deepEqual(['nginx', 'library/nginx', 'localhost/x', 'a.b/c', 'a:5000/c'].map(registryOf), [
      'docker.io',
      'docker.io',
      'localhost',
      'a.b',
      'a:5000',
    ]))
})

describe('which images go when the disk is full', () => {
  const NOW = 10_000_000
  const use = (id: string, change: Partial<ImageUse> & { sizeBytes?: number; pinned?: boolean } = {}): ImageUse => {
    const image: Image = {
      id,
      tags: [],
      digests: [],
      sizeBytes: change.sizeBytes ?? 100,
      uid: undefined,
      username: '',
      pinned: change.pinned ?? false,
    }
    return { image, firstSeenMs: 0, lastUsedMs: 0, inUse: false, ...change }
  }
  const chosen = (images: readonly ImageUse[], bytes: number): string[] => planCollection(images, bytes, NOW).map(({ id }) => id)
  test('the longest unused first, no more than needed', () =>
    assert.deepEqual(chosen([use('b', { lastUsedMs: 2 }), use('a', { lastUsedMs: 1 }), use('c', { lastUsedMs: 3 })], 150), ['a', 'b']))
  test('never what is used, pinned or young', () =>
    assert.deepEqual(
      chosen([use('used', { inUse: true }), use('pinned', { pinned: true }), use('young', { firstSeenMs: NOW - 1000 })], 1000),
      [],
    ))
})
