import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '#base'
import { backOffMs, KEY_BACK_OFF } from './back-off.ts'
import { WorkQueue } from './queue.ts'
import { seededRandom } from '#base'

/** A clock that is moved by hand. */
function handClock(): Clock & { advance(ms: number): void } {
  let nowMs = 0
  let timers: { readonly dueMs: number; readonly run: () => void }[] = []
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, run) {
      const timer = { dueMs: nowMs + delayMs, run }
      timers.push(timer)
      return { cancel: () => void (timers = timers.filter((one) => one !== timer)) }
    },
    advance(ms) {
      nowMs += ms
      const due = timers.filter((timer) => timer.dueMs <= nowMs)
      timers = timers.filter((timer) => timer.dueMs > nowMs)
      for (const timer of due) timer.run()
    },
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a key is worked on once however often it is added, and once more when it is added meanwhile', async () => {
  const runs: string[] = []
  let release: () => void = () => undefined
  const queue = new WorkQueue(handClock(), 2, (key) => {
    runs.push(key)
    return new Promise((resolve) => {
      release = resolve
    })
  })
  queue.add('a')
  queue.add('a')
  queue.open()
  queue.add('a')
  queue.add('a')
  assert.deepEqual(runs, ['a'])
  release()
  await turn()
  assert.deepEqual(runs, ['a', 'a'])
  release()
  await turn()
  assert.deepEqual(runs, ['a', 'a'])
})

test('works on as many keys at once as there are places', async () => {
  const running = new Set<string>()
  let most = 0
  const queue = new WorkQueue(handClock(), 3, async (key) => {
    running.add(key)
    most = Math.max(most, running.size)
    await turn()
    running.delete(key)
  })
  for (let i = 0; i < 10; i++) queue.add(`k${i}`)
  queue.open()
  while (queue.running + queue.depth > 0) await turn()
  assert.equal(most, 3)
})

test('a delayed key comes when it is due; the earlier of two times counts; closing forgets it', async () => {
  const clock = handClock()
  const runs: string[] = []
  const queue = new WorkQueue(clock, 1, async (key) => void runs.push(key))
  queue.open()
  queue.addAfter('a', 100)
  queue.addAfter('a', 50)
  queue.addAfter('a', 200)
  queue.addAfter('b', 500)
  clock.advance(49)
  assert.deepEqual(runs, [])
  clock.advance(1)
  await turn()
  assert.deepEqual(runs, ['a'])
  clock.advance(200)
  await turn()
  assert.deepEqual(runs, ['a'])
  await queue.close()
  clock.advance(1000)
  assert.deepEqual(runs, ['a'])
})

test('the back-off of a key doubles from 5 ms to 1000 s', () => {
  const random = seededRandom(1)
  assert.deepEqual(
    [1, 2, 3, 10, 18, 19, 100].map((failures) => backOffMs(KEY_BACK_OFF, failures, random)),
    [5, 10, 20, 2560, 655_360, 1_000_000, 1_000_000],
  )
})

test('a key that may be last is worked on when no other waits, when its time is over, or when it is added', async () => {
  const runs: string[] = []
  const ends: (() => void)[] = []
  const clock = handClock()
  const queue = new WorkQueue(clock, 1, (key) => {
    runs.push(key)
    return new Promise((resolve) => ends.push(resolve))
  })
  const next = async (): Promise<void> => {
    ends.shift()?.()
    await turn()
  }
  queue.open()
  queue.add('a')
  queue.addLast('late', 1000)
  queue.add('b')
  await next()
  queue.add('c')
  await next()
  assert.deepEqual(runs, ['a', 'b', 'c'])
  await next()
  assert.deepEqual(runs, ['a', 'b', 'c', 'late'])
  queue.addLast('late', 500)
  await next()
  assert.deepEqual(runs.slice(4), ['late'])
  queue.addLast('tired', 300)
  queue.addLast('other', 900)
  clock.advance(300)
  queue.add('d')
  queue.add('other')
  for (let i = 0; i < 4; i++) await next()
  assert.deepEqual(runs.slice(5), ['tired', 'd', 'other'])
  assert.equal(queue.depth, 0)
})
