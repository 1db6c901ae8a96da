import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from '#testing/basics'
import { testPod } from '../testing/build.ts'
import { SchedulingQueue } from './queue.ts'

const never = (): boolean => false
const always = (): boolean => true

describe('the scheduling queue', () => {
  it('gives the highest priority first, then the oldest', () => {
    const clock = manualClock()
    const queue = new SchedulingQueue(clock, never, () => undefined)
    queue.set(testPod('late'), false)
    clock.advance(1)
    queue.set(testPod('later'), false)
    queue.set(testPod('important', { priority: 10 }), false)
    assert.deepEqual([queue.take()?.name, queue.take()?.name, queue.take()?.name, queue.take()], ['important', 'late', 'later', undefined])
  })

  it('brings a refused pod back when a change can help, before its time only when nothing else is to be done', () => {
    const clock = manualClock()
    const queue = new SchedulingQueue(
      clock,
      (plugin) => plugin === 'NodeResourcesFit',
      () => undefined,
    )
    const pod = testPod('a')
    queue.set(pod, false)
    queue.take()
    queue.refuse(pod.uid, new Set(['TaintToleration']))
    queue.changed({ kind: 'storage' })
    clock.advance(5000)
    assert.equal(queue.take(), undefined)
    queue.set(pod, true)
    queue.take()
    queue.refuse(pod.uid, new Set(['NodeResourcesFit']))
    queue.changed({ kind: 'storage' })
    queue.set(testPod('new'), false)
    assert.deepEqual([queue.take()?.name, queue.take()?.name, queue.take()], ['new', 'a', undefined])
  })

  it('lets a pod that something went wrong with wait for its time', () => {
    const clock = manualClock()
    let woken = 0
    const queue = new SchedulingQueue(clock, always, () => woken++)
    const pod = testPod('a')
    queue.set(pod, false)
    queue.take()
    queue.retry(pod.uid)
    queue.changed({ kind: 'storage' })
    assert.deepEqual([queue.take(), woken], [undefined, 1])
    clock.advance(1000)
    assert.deepEqual([queue.take()?.name, woken], ['a', 2])
  })

  it('does not lose a change that comes while a pod is being tried', () => {
    const clock = manualClock()
    const queue = new SchedulingQueue(clock, always, () => undefined)
    const pod = testPod('a')
    queue.set(pod, false)
    queue.take()
    queue.changed({ kind: 'storage' })
    queue.refuse(pod.uid, new Set(['NodeResourcesFit']))
    clock.advance(1000)
    assert.equal(queue.take()?.name, 'a')
  })

  it('tries a refused pod again after five minutes though nothing has changed', () => {
    const clock = manualClock()
    const queue = new SchedulingQueue(clock, never, () => undefined)
    const pod = testPod('a')
    queue.set(pod, false)
    queue.take()
    queue.refuse(pod.uid, new Set(['NodeResourcesFit']))
    clock.advance(330_000)
    assert.equal(queue.take()?.name, 'a')
  })

  it('forgets a deleted pod wherever it is', () => {
    const clock = manualClock()
    const queue = new SchedulingQueue(clock, always, () => undefined)
    const pods = ['active', 'refused', 'waiting'].map((name) => testPod(name))
    for (const pod of pods) queue.set(pod, false)
    for (const _ of pods) queue.take()
    queue.refuse(pods[1]?.uid ?? '', new Set(['x']))
    queue.retry(pods[2]?.uid ?? '')
    for (const pod of pods) queue.delete(pod.uid)
    queue.changed({ kind: 'storage' })
    clock.advance(20_000)
    assert.equal(queue.take(), undefined)
  })
})
