import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type core, refs } from '#api'
import type { Client } from '#client'
import { type MachineCluster, commandOutput, machineCluster, noMachineCluster } from '#testing'
import { eventually } from '#testing/basics'
import { askFromPod, visitor } from './shop.ts'

const SHOP = { namespace: 'shop' }
const BRIDGE = 'sampan-pods'
/** `tuning` shows that it is this chain, and not ours, that made the pod's network. */
const chainKeptIn = (dataDir: string) => ({
  cniVersion: '0.4.0',
  name: 'mine',
  plugins: [
    {
      type: 'bridge',
      bridge: 'mine0',
      isDefaultGateway: true,
      hairpinMode: true,
      ipam: { type: 'host-local', dataDir, ranges: [[{ subnet: '{{.PodCIDR}}' }]] },
    },
    { type: 'tuning', sysctl: { 'net.core.somaxconn': '513' } },
  ],
})
const READ_SETTING = "require('node:fs').readFileSync('/proc/sys/net/core/somaxconn', 'utf8')"
const POLICY = { namespace: 'shop', name: 'nobody' }

/** Other links of pods than those that every other test has. The tests build on each other, in this order. */
describe('pods on one switch', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let client: Client
  let shopPods = 0
  before(async () => {
    cluster = await machineCluster('links')
  })
  after(async () => {
    client?.close()
    await cluster?.remove()
  })

  const podOf = async (app: string): Promise<core.Pod> => {
    const { items } = await client.resource(refs.pods).list(cluster.scope, { ...SHOP, labelSelector: `app.kubernetes.io/name=${app}` })
    return items[0] ?? assert.fail(`a pod of ${app}`)
  }
  const askFrom = (app: string, url: string): Promise<string> => askFromPod(cluster, `deploy/${app}`, url)
  const linksOn = async (bridge: string): Promise<number> => {
    const { namespace = '' } = cluster.instance.nodes[0]
    const listed = await commandOutput('ip', ['-n', namespace, '-json', 'link', 'show', 'master', bridge])
    return (JSON.parse(listed) as readonly unknown[]).length
  }

  it('reach each other, and themselves, through Services of their node', async () => {
    await cluster.must('up', '--network', 'bridge')
    client = await cluster.client()
    const { items } = await client.resource(refs.pods).list(cluster.scope, SHOP)
    shopPods = items.length
    assert.equal(await linksOn(BRIDGE), shopPods)
    assert.equal((await visitor(cluster).get('/')).status, 200)
    assert.equal(await askFrom('storefront', 'http://basket.shop/readyz'), '200')
    assert.equal(await askFrom('basket', 'http://basket.shop/readyz'), '200')
  })

  it('are kept apart by policies, though no router is between them', async () => {
    const { podIP = '' } = (await podOf('basket')).status ?? {}
    const url = `http://${podIP}:8080/readyz`
    assert.equal(await askFrom('storefront', url), '200')
    await client.resource(refs.networkpolicies).create(cluster.scope, {
      metadata: POLICY,
      spec: { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'basket' } }, policyTypes: ['Ingress'] },
    })
    await eventually('nobody reaches it', async () => (await askFrom('storefront', url)) === 'TimeoutError')
    await client.resource(refs.networkpolicies).delete(cluster.scope, POLICY)
    await eventually('everybody reaches it', async () => (await askFrom('storefront', url)) === '200')
  })

  it('get other links only when none is there, and leave no switch: those of a chain of plugins that is given', async () => {
    const chain = join(cluster.stateDir, 'mine.conflist')
    writeFileSync(chain, '{"cniVersion":"0.4.0","name":"mine","plugins":[]}')
    const other = ['up', '--network', 'route', '--cni-config', chain] as const
    for (const why of [/it has no plugins/, /stop it first: sampan down/]) {
      const refused = await cluster.sampan(...other)
      assert.match(refused.stderr, why)
      assert.equal(refused.code, 2)
      writeFileSync(chain, JSON.stringify(chainKeptIn(join(cluster.stateDir, 'addresses'))))
    }
    await cluster.must('down')
    await cluster.must(...other)
    await eventually('the shop answers', async () => (await visitor(cluster).get('/')).status === 200)
    await eventually('every pod has such a link', async () => (await linksOn('mine0')) === shopPods)
    await assert.rejects(linksOn(BRIDGE), /does not exist/)
    // The containers of before are what the API knows of, until the node has told of the new ones.
    await eventually('the last plugin of the chain was asked', async () => {
      const args = ['-n', 'shop', 'exec', 'deploy/basket', '--', '/usr/local/bin/node', '-p', READ_SETTING]
      return (await cluster.mustKubectl(args)).trim() === '513'
    })
  })
})
