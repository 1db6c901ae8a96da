import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { openMemoryStore } from '#store'
import { manualClock } from '#testing'
import { ServerPresence } from './server-presence.ts'

test('servers that are there are known, until they leave or say nothing more', async () => {
  const clock = manualClock()
  const scope = rootScope({ clock })
  const engine = openMemoryStore(scope)
  const [one, two, three] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => new ServerPresence(engine, address))
  if (one === undefined || two === undefined || three === undefined) assert.fail()
  assert.deepEqual(await two.note(scope), ['10.0.0.2'])
  assert.deepEqual(await one.note(scope), ['10.0.0.1', '10.0.0.2'])
  await three.note(scope)
  for (let round = 0; round < 3; round++) {
    clock.advance(10_000)
    await new Promise((resolve) => setImmediate(resolve))
    await one.note(scope)
    if (round === 0) assert.deepEqual(await two.note(scope), ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  }
  assert.deepEqual(await one.note(scope), ['10.0.0.1'], 'the others were silent for too long')
  assert.deepEqual(await two.note(scope), ['10.0.0.1', '10.0.0.2'], 'and may come back')
  assert.deepEqual(await two.leave(), ['10.0.0.1'])
  const next = new ServerPresence(engine, '10.0.0.1')
  await next.note(scope)
  await one.leave()
  assert.deepEqual(await next.note(scope), ['10.0.0.1'], 'a server that is started in place of another one takes over its note')
})
