import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { refs } from '#api'
import { type MachineCluster, type RunningCommand, machineCluster, noMachineCluster, startCommand } from '#testing'
import { eventually, rounds } from '#testing/basics'

/** How often the storefront is replaced. */
const ROLLOUTS = rounds(3)
const REQUESTS_PER_SECOND = 200
const LOAD = join(import.meta.dirname, 'inside/load.ts')

interface Load {
  readonly sent: number
  readonly answered: number
  readonly slowestMs: number
  readonly failures: Readonly<Record<string, number>>
}

describe('rolling restarts under load', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  const loads: RunningCommand[] = []
  before(async () => {
    cluster = await machineCluster('roll')
    await cluster.must('up')
  })
  after(async () => {
    await Promise.all(loads.map((load) => load.stop('SIGKILL')))
    await cluster.remove()
  })

  it(`fail no request in ${ROLLOUTS} of them, with new connections and with kept ones`, async (context) => {
    const { scope } = cluster
    const client = await cluster.client()
    const { spec } = await client.resource(refs.services).get(scope, { namespace: 'shop', name: 'storefront' })
    for (const kind of ['close', 'keep']) {
      const load = startCommand(
        ...cluster.inside(LOAD, `http://${spec?.clusterIP ?? ''}/favicon.svg`, String(REQUESTS_PER_SECOND / 2), kind),
      )
      loads.push(load)
      await load.until(/asking/)
    }
    const names = async (): Promise<readonly string[]> =>
      (await client.resource(refs.pods).list(scope, { namespace: 'shop', labelSelector: 'app.kubernetes.io/name=storefront' })).items.map(
        ({ metadata }) => metadata?.name ?? '',
      )
    let before = await names()
    for (let round = 0; round < ROLLOUTS; round++) {
      await cluster.mustKubectl(['-n', 'shop', 'rollout', 'restart', 'deployment/storefront'])
      await cluster.mustKubectl(['-n', 'shop', 'rollout', 'status', 'deployment/storefront', '--timeout=90s'])
      const now = await names()
      assert.ok(!now.every((name) => before.includes(name)), `round ${round} replaced no pod: ${now.join(', ')}`)
      before = now
    }
    // The last pods that leave are part of it.
    await eventually('the old pods are gone', async () => (await names()).length === 2)
    for (const [at, load] of loads.entries()) {
      const kind = at === 0 ? 'new' : 'kept'
      assert.equal(await load.stop(), 0, load.stderr)
      const result = JSON.parse(load.stdout.trim().split('\n').at(-1) ?? '') as Load
      context.diagnostic(`${kind} connections: ${result.sent} requests, ${result.answered} answered, slowest ${result.slowestMs} ms`)
      assert.deepEqual(result.failures, {}, `${kind} connections`)
      assert.equal(result.answered, result.sent)
      assert.ok(result.sent > REQUESTS_PER_SECOND / 2, 'there was no load to speak of')
    }
  })
})
