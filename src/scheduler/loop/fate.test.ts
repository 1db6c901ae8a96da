import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { refs, statusError } from '#api'
import { Unreachable, createClient, inProcessTransport } from '#client'
import { createFakeApi } from '#testing'
import { manualClock } from '#testing/basics'
import { testPod } from '../testing/build.ts'
import { fateOf } from './fate.ts'

const PODS = { group: '', plural: 'pods' }
const lost = new Unreachable('in process', new Error('the answer was lost'))

test('a binding that was not answered is done when the pod is on the node', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  let isAway = false
  let asked = 0
  const api = createFakeApi({
    onRequest: (method) => {
      if (method === 'GET') asked++
      if (isAway && method === 'GET') throw statusError.internal('away')
    },
  })
  const client = createClient({ transport: inProcessTransport(api.handler) })
  const make = async (name: string, nodeName?: string): Promise<ReturnType<typeof testPod>> => {
    const spec = { containers: [{ name: 'main', image: 'i' }], ...(nodeName === undefined ? {} : { nodeName }) }
    const { metadata } = await client.resource(refs.pods).create(scope, { metadata: { namespace: 'default', name }, spec })
    return { ...testPod(name), namespace: 'default', uid: metadata?.uid ?? '' }
  }
  const there = await make('there', 'n1')
  const waiting = await make('waiting')
  assert.equal(await fateOf(scope, client, there, 'n1', lost), 'bound')
  assert.equal(await fateOf(scope, client, there, 'n1', statusError.conflict(PODS, 'there', 'it is assigned already')), 'bound')
  assert.equal(await fateOf(scope, client, there, 'n2', lost), 'elsewhere')
  assert.equal(await fateOf(scope, client, waiting, 'n1', lost), 'refused')
  assert.equal(await fateOf(scope, client, { ...waiting, uid: 'of another' }, 'n1', lost), 'elsewhere')
  assert.equal(await fateOf(scope, client, testPod('gone'), 'n1', lost), 'elsewhere')

  asked = 0
  assert.equal(await fateOf(scope, client, there, 'n1', statusError.forbidden(PODS, 'there', 'no')), 'refused')
  assert.equal(asked, 0, 'the refusal says it all')

  isAway = true
  const fate = fateOf(scope, client, there, 'n1', lost)
  while (asked < 3) {
    clock.advance(10_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  isAway = false
  while (asked < 4) {
    clock.advance(60_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(await fate, 'bound')
})
