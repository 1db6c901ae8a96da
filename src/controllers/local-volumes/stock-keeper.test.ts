import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type KubeObject, type ResourceRef, StatusError, refs } from '#api'
import type { ControllerContext } from '#reconcile'
import { manualClock } from '#testing/basics'
import { localStockKeeper } from './index.ts'
import { LOCAL_DRIVER } from './node-storage.ts'

test('a node that does not answer yet is asked again, and complained of when that lasts', async () => {
  const clock = manualClock()
  using scope = rootScope({ clock })
  const node = { metadata: { name: 'a' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }
  const objects = new Map<ResourceRef, object>([
    [refs.nodes, node],
    [refs.csinodes, { metadata: { name: 'a' }, spec: { drivers: [{ name: LOCAL_DRIVER, nodeID: 'a' }] } }],
    [refs.storageclasses, { metadata: { name: 'local' }, provisioner: LOCAL_DRIVER }],
  ])
  const of = (ref: ResourceRef): KubeObject[] => [...objects].flatMap(([kind, one]) => (kind === ref ? [one as KubeObject] : []))
  const watch = (ref: ResourceRef) => ({
    get: (key: string) => of(ref).find(({ metadata }) => metadata?.name === key),
    list: () => of(ref),
  })
  const refused = new StatusError({ code: 500, reason: 'InternalError', message: 'error dialing backend' })
  const client = { raw: () => Promise.reject(refused), resource: () => ({}) }
  const reconcile = localStockKeeper.setup({ client, watch } as unknown as ControllerContext)

  const first = await reconcile(scope, 'a')
  clock.advance(29_000)
  assert.deepEqual(await reconcile(scope, 'a'), first)
  clock.advance(1000)
  await assert.rejects(async () => reconcile(scope, 'a'), refused)

  // It goes, and comes again.
  objects.delete(refs.nodes)
  assert.notDeepEqual(await reconcile(scope, 'a'), first)
  objects.set(refs.nodes, node)
  assert.deepEqual(await reconcile(scope, 'a'), first)
})
