import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { rootScope } from '#base'
import { propertyRuns } from '#testing/basics'
import { testPod } from '../testing/node-harness.fixture.ts'
import { IDS_PER_POD, UserNamespaces, freePart, startIn, userRange } from './user-namespaces.ts'

const RANGE = userRange('', '', 110)
const ownUsers = (name: string) => testPod(name, { hostUsers: false, containers: [] })

test('without a range of its own the node gives everything above its own users, the last one not', () => {
  assert.equal(RANGE.first, 65_536)
  assert.equal(RANGE.first + RANGE.count * IDS_PER_POD, 2 ** 32 - 65_536)
})

test('a range of the user kubelet is taken when every pod has room in it', () => {
  const line = 'alice:100000:65536\nkubelet:65536:7208960\n'
  assert.deepEqual(userRange(line, line, 110), { first: 65_536, count: 110 })
  for (const bad of ['kubelet:65536:65536', 'kubelet:0:7208960', 'kubelet:1000:7208960', 'kubelet:65536', 'kubelet:4294901760:7208960'])
    assert.throws(() => userRange(bad, bad, 110), /a range that its pods cannot have/)
  assert.throws(() => userRange(line, '', 110), /other ranges in \/etc\/subuid/)
})

test('a part that somebody has is not given, and one is found as long as there is one', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(19)), fc.integer({ min: 1, max: 20 }), fc.string(), (taken, count, node) => {
      const range = { first: IDS_PER_POD, count }
      const has = new Set(taken.filter((part) => part < count))
      const part = freePart(has, range, startIn(range, node))
      if (has.size === count) assert.equal(part, undefined)
      else assert.ok(part !== undefined && part >= 0 && part < count && !has.has(part))
    }),
    propertyRuns(100),
  )
})

test('pods keep their users over a restart of the agent, share none, and give them back when they end', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'users-'))
  const scope = rootScope()
  try {
    const open = async (): Promise<UserNamespaces> => {
      const users = new UserNamespaces(join(dir, 'users.json'), RANGE, '/node')
      await users.start()
      return users
    }
    const before = await open()
    await before.prepare(scope, testPod('plain', { containers: [] }))
    assert.equal(before.of(testPod('plain', { containers: [] })), undefined)
    await Promise.all(['a', 'b', 'c'].map((name) => before.prepare(scope, ownUsers(name))))
    const given = ['a', 'b', 'c'].map((name) => before.of(ownUsers(name))?.hostId)
    assert.equal(new Set(given).size, 3)

    const after = await open()
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => after.of(ownUsers(name))?.hostId),
      given,
    )
    await after.release(scope, ownUsers('a'))
    await after.keepOnly(new Set(['uid-b']))
    await after.prepare(scope, ownUsers('d'))
    assert.equal(after.of(ownUsers('c')), undefined)
    assert.equal(after.of(ownUsers('d'))?.hostId, given[0])
    assert.equal((await open()).of(ownUsers('b'))?.hostId, given[1])
  } finally {
    await rm(dir, { recursive: true })
  }
})
