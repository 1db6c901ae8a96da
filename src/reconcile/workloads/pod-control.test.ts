import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type core, refs } from '#api'
import { createClient, inProcessTransport } from '#client'
import { createFakeApi } from '#testing'
import { podControl } from './pod-control.ts'

test('a pod that was chosen by its state stays when that has changed, and nobody is told of a failure', async () => {
  using scope = rootScope()
  const api = createFakeApi()
  const client = createClient({ transport: inProcessTransport(api.handler) })
  const pods = client.resource(refs.pods)
  const told: string[] = []
  const control = podControl(client, { event: (_, __, reason) => void told.push(reason) })
  const owner = { metadata: { namespace: 'x', name: 'owner' } }
  const seen = await pods.create(scope, { metadata: { namespace: 'x', name: 'p' }, spec: { containers: [] } })
  const status: core.PodStatus = { conditions: [{ type: 'Ready', status: 'True' }] }
  const ready = await pods.update(scope, { ...seen, status }, { subresource: 'status' })

  assert.equal(await control.remove(scope, owner, seen, true), false)
  assert.equal(api.objects('pods').length, 1)
  assert.equal(await control.remove(scope, owner, ready, true), true)
  assert.equal(api.objects('pods').length, 0)
  assert.equal(await control.remove(scope, owner, ready, true), true, 'gone already')
  assert.deepEqual(told, ['SuccessfulDelete'])
})
