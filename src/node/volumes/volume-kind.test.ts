import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { core } from '#api'
import { kindOf } from './volume-kind.ts'

describe('a volume of a pod', () => {
  test('without a source is an empty directory', () => assert.equal(kindOf({ name: 'v' }), 'empty-dir'))

  for (const source of ['gitRepo', 'nfs', 'iscsi', 'glusterfs', 'cephfs', 'flexVolume'] as const)
    test(`of ${source} is refused by name: no program of the node runs on what a user writes, and nothing is dialled for it`, () =>
      assert.throws(() => kindOf({ name: 'v', [source]: {} } as core.Volume), {
        message: `volume type ${source} is not supported by this node`,
      }))
})
