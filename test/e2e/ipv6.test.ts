import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type core, refs } from '#api'
import type { Client } from '#client'
import { type MachineCluster, machineCluster, noMachineCluster } from '#testing'
import { askFromPod, visitor } from './shop.ts'

const SHOP = { namespace: 'shop' }

/** Nodes, pods and Services of which none has an address of IPv4. The tests build on each other, in this order. */
describe('a cluster of IPv6 alone', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  before(async () => {
    cluster = await machineCluster('six')
  })
  after(async () => {
    client?.close()
    await cluster?.remove()
  })
  const podsOf = async (app: string): Promise<readonly core.Pod[]> =>
    (await client.resource(refs.pods).list(cluster.scope, { ...SHOP, labelSelector: `app.kubernetes.io/name=${app}` })).items

  it('is refused with what speaks IPv4 alone', async () => {
    for (const [flags, why] of [
      [['--network', 'overlay'], /packs packets into those of IPv4/],
      [['--gateway'], /the gateway speaks IPv4/],
    ] as const) {
      const refused = await cluster.sampan('up', '--ip-families', 'IPv6', ...flags)
      assert.match(refused.stderr, why)
      assert.equal(refused.code, 2)
    }
  })

  it('serves the shop over two nodes, at their ports and by its names', async () => {
    await cluster.must('up', '--ip-families', 'IPv6', '--nodes', '2')
    client = await cluster.client()
    assert.equal((await visitor(cluster).get('/')).status, 200)
    const fronts = await podsOf('storefront')
    assert.equal(new Set(fronts.map(({ spec }) => spec?.nodeName)).size, 2)
    for (const { metadata, status } of fronts) {
      assert.deepEqual(status?.podIPs, [{ ip: status?.podIP }])
      assert.match(status?.podIP ?? '', /^fd53:/)
      assert.match(status?.hostIP ?? '', /^fd53:/)
      for (const other of fronts)
        assert.equal(await askFromPod(cluster, metadata?.name ?? '', `http://[${other.status?.podIP}]:8080/healthz`), '200')
      assert.equal(await askFromPod(cluster, metadata?.name ?? '', 'http://basket.shop/readyz'), '200')
      assert.equal(await askFromPod(cluster, metadata?.name ?? '', 'https://kubernetes.default.svc/version'), '200')
    }
  })
})
